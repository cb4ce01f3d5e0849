"""From the files an operator wrote to a rule set, with every mistake at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from rules import exposure, heartbeats
from rules.cadence import Cadence
from rules.checks import bad_mapping, unknown_sink
from rules.checks.registry import WHOLE
from rules.correlation import Correlation
from rules.document import read
from rules.errors import Problem
from rules.escalation import Escalation
from rules.escalation_form import EscalationForm
from rules.evidence import EvidencePolicy
from rules.flapping import Flapping
from rules.form import RulesFile
from rules.forming import formed
from rules.mapping import DEFAULT_ORDER
from rules.packs import escalation as escalation_pack
from rules.packs import severity as pack
from rules.recovery_form import policy as recovery_policy
from rules.regimes.loading import declared
from rules.regimes.model import Regime
from rules.ruleset import Content, RuleSet
from rules.schema import rules_schema
from rules.severity import Policy
from rules.severity_form import SeverityForm
from rules.ticketing import Ownership, Ticketing
from rules.ticketing_form import TicketForm
from rules.words import DEFAULT_WORDS


def parse_rules(files: Mapping[str, str], sinks: Collection[str] | None = None) -> tuple[RuleSet | None, list[Problem]]:
    """The rules that these files (name -> text) declare together, and everything that is wrong with them.

    Files count in the order of their names. The rule set is None if a problem is more than a warning; no files give
    the default. ``sinks`` are the receivers that the settings declare (None: not known here). Never raises.
    """
    documents = [read(name, files[name]) for name in sorted(files)]
    problems = [problem for document in documents for problem in document.problems]
    forms: list[RulesFile] = []
    for document in documents:
        form, found = formed(document, RulesFile, rules_schema)
        problems += found
        forms += [form] if form else []
    problems += [problem for find in WHOLE for problem in find(documents)]
    if sinks is not None:
        problems += unknown_sink.find(documents, sinks)
    problems.sort(key=lambda problem: (problem.file, problem.line))
    if any(not problem.warning for problem in problems):
        return None, problems
    return RuleSet(_content(forms)), problems


def _content(forms: Sequence[RulesFile]) -> Content:
    """All files together. The checks have made sure that ids are unique and single sections stand once."""
    beats = [entry.build() for form in forms for entry in form.heartbeats]
    taken = {beat.id for beat in beats}
    copies = [entry.build() for form in forms for entry in form.exposure]
    copied = {rule.id for rule in copies}
    correlation = next((form.correlation.build() for form in forms if form.correlation), Correlation())
    return Content(
        mapping=next((bad_mapping.expanded(form.mapping) for form in forms if form.mapping is not None), DEFAULT_ORDER),
        words=_words(form.severity for form in forms),
        maintenance=tuple(entry.build() for form in forms for entry in form.gates.maintenance),
        scope=tuple(entry.build() for form in forms for entry in form.gates.scope),
        silences=tuple(entry.build() for form in forms for entry in form.gates.silences),
        thresholds=tuple(entry.build() for form in forms for entry in form.gates.thresholds),
        inhibitions=tuple(entry.build() for form in forms for entry in form.gates.inhibitions),
        heartbeats=(*beats, *(beat for beat in heartbeats.DEFAULT if beat.id not in taken)),
        severity=_policy([form.severity for form in forms]),
        escalation=_escalation([form.escalation for form in forms]),
        exposure=(*copies, *(rule for rule in exposure.DEFAULT if rule.id not in copied)),
        correlation=correlation,
        flapping=next((form.flapping.build() for form in forms if form.flapping), Flapping()),
        evidence=next((form.evidence.build() for form in forms if form.evidence), EvidencePolicy()),
        routes=tuple(entry.build() for form in forms for entry in form.routes),
        tickets=_tickets([form.tickets for form in forms]),
        updates=_cadence(forms),
        probes=tuple(entry.build() for form in forms for entry in form.probes),
        data_checks=tuple(entry.build() for form in forms for entry in form.data_checks),
        recovery=recovery_policy([form.recovery for form in forms]),
        obligations=tuple(entry.build() for form in forms for entry in form.obligations),
        regimes=_regimes(forms),
        modes=tuple(sorted((rule, mode) for form in forms for rule, mode in form.modes.items())),
    )


def _words(forms: Iterable[SeverityForm]) -> tuple[tuple[str, str], ...]:
    declared = {word.strip().lower(): ours for form in forms for word, ours in form.words.items()}
    return tuple(sorted({**DEFAULT_WORDS, **declared}.items()))


def _policy(forms: Sequence[SeverityForm]) -> Policy:
    """The built-in policy with declared rules added; one with a built-in id takes its place."""
    declared = {rule.id: rule.build() for form in forms for rule in form.rules}
    without = {id for form in forms for id in form.without} - declared.keys()
    rules = {rule.id: rule for rule in pack.DEFAULT.rules if rule.id not in without} | declared
    matrix = next((form.matrix.build() for form in forms if form.matrix), pack.DEFAULT.matrix)
    total = next((form.users_total for form in forms if form.users_total is not None), None)
    return Policy(tuple(rules.values()), matrix, total)


def _escalation(forms: Sequence[EscalationForm]) -> Escalation:
    """The built-in escalation with declared rules added, or the declared one, if it has levels of its own."""
    levels = next((form.levels for form in forms if form.levels), ())
    base = Escalation(levels) if levels else escalation_pack.DEFAULT
    declared = {rule.id: rule.build() for form in forms for rule in form.rules}
    without = {id for form in forms for id in form.without} - declared.keys()
    rules = {rule.id: rule for rule in base.rules if rule.id not in without} | declared
    roles: dict[str, dict[str, None]] = {role: dict.fromkeys(names) for role, names in base.roles}
    for form in forms:
        for role, names in form.roles.items():
            roles.setdefault(role, {}).update(dict.fromkeys(names))
    steps = next((form.unacknowledged for form in forms if form.unacknowledged is not None), None)
    teams = dict(base.teams) | {level: names for form in forms for level, names in form.teams.items()}
    return Escalation(
        levels=base.levels,
        rules=tuple(rules.values()),
        roles=tuple(sorted((role, tuple(names)) for role, names in roles.items())),
        sinks=tuple(sorted((role, names) for form in forms for role, names in form.sinks.items())),
        unacknowledged=base.unacknowledged if steps is None else tuple(step.build() for step in steps),
        teams=tuple(sorted(teams.items())),
    )


def _tickets(forms: Sequence[TicketForm]) -> Ticketing:
    """The rules of all files in their order; owners stand in one file."""
    codes = {code.strip().lower(): said == "real" for form in forms for code, said in form.resolutions.items()}
    return Ticketing(
        rules=tuple(rule.build() for form in forms for rule in form.rules),
        owns=next((form.owns.build() for form in forms if form.owns is not None), Ownership()),
        resolutions=tuple(sorted(codes.items())),
        acknowledges=next((form.acknowledges for form in forms if form.acknowledges is not None), True),
    )


def _cadence(forms: Sequence[RulesFile]) -> Cadence:
    declared = {level: pause for form in forms for level, pause in form.updates.items()}
    every = {**dict(Cadence().every), **declared}
    return Cadence(tuple((level, pause) for level, pause in sorted(every.items()) if pause is not None))


def _regimes(forms: Sequence[RulesFile]) -> tuple[Regime, ...]:
    settings = {id: said for form in forms for id, said in form.regimes.items()}
    own = [pack for form in forms for pack in form.regime_packs]
    return declared(settings, own) if settings or own else ()
