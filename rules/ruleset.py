"""The rules of one version, immutable: everything an operator declares, ready to be asked.

A version's content holds the built-in defaults too: what a stored version decides does not change when the defaults
of a later release do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Literal

import msgspec

from rules import escalation as escalations
from rules import exposure as exposures
from rules import heartbeats, starvation
from rules.cadence import Cadence
from rules.correlation import Correlation
from rules.escalation import Escalation, EscalationResult
from rules.evidence import EvidencePolicy
from rules.exposure import ExposureRule
from rules.flapping import Flapping
from rules.gates import CATALOGUE, Exclusion, Gate, Inhibition, Silence, Subject, Threshold, Window, catalogue_gate
from rules.heartbeats import HeartbeatRule
from rules.mapping import DEFAULT_ORDER, Names
from rules.matchers import Matcher
from rules.obligations import Obligation
from rules.packs import escalation as escalation_pack
from rules.packs import severity as pack
from rules.playbooks.policy import ContinuityPolicy
from rules.probes import DataCheck, Probe
from rules.recovery import RecoveryPolicy
from rules.regimes.model import Regime
from rules.regimes.workdays import in_force
from rules.routing import Route, RouteFacts, destinations
from rules.severity import Policy, SeverityFacts, SeverityResult, assess
from rules.severity.conditions import next_change
from rules.severity.judge import moments
from rules.ticketing import Ticketing
from rules.words import DEFAULT_WORD, DEFAULT_WORDS

Mode = Literal["shadow", "enforce"]
AnyGate = Exclusion | Window | Silence | Threshold
EVERY_RULE = "*"
INFERENCES = frozenset({"evidence.contradicted", "evidence.self_cleared"})
"""Suppressions by the engine itself, whose modes an operator may set by these names."""
NAME_LABELS = ("alertname", "name", "alert", "rule", "check", "__name__")
SEVERITY_LABELS = ("severity", "priority", "level")


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The canonical content of a version. Orders are the operator's: of two rules that speak, the first decides."""

    mapping: tuple[str, ...] = DEFAULT_ORDER
    words: tuple[tuple[str, str], ...] = tuple(sorted(DEFAULT_WORDS.items()))
    maintenance: tuple[Window, ...] = ()
    scope: tuple[Exclusion, ...] = ()
    silences: tuple[Silence, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    heartbeats: tuple[HeartbeatRule, ...] = heartbeats.DEFAULT
    starvation: tuple[Matcher, ...] = starvation.DEFAULT
    severity: Policy = pack.DEFAULT
    escalation: Escalation = escalation_pack.DEFAULT
    exposure: tuple[ExposureRule, ...] = exposures.DEFAULT
    correlation: Correlation = Correlation()
    flapping: Flapping = Flapping()
    evidence: EvidencePolicy = EvidencePolicy()
    routes: tuple[Route, ...] = ()
    tickets: Ticketing = Ticketing()
    updates: Cadence = Cadence()
    probes: tuple[Probe, ...] = ()
    data_checks: tuple[DataCheck, ...] = ()
    recovery: RecoveryPolicy = RecoveryPolicy()
    obligations: tuple[Obligation, ...] = ()
    regimes: tuple[Regime, ...] = ()
    modes: tuple[tuple[str, Mode], ...] = ()
    continuity: ContinuityPolicy = ContinuityPolicy()


class RuleSet:
    """The compiled rules of one version. Pure: asks no clock, keeps no state, may be shared by threads."""

    __slots__ = ("_declared", "_gates", "_modes", "_names", "_words", "content", "obligations", "version")

    def __init__(self, content: Content) -> None:
        self.content = content
        self.version = blake2b(msgspec.json.encode(content), digest_size=8).hexdigest()
        self.obligations: Mapping[str, Obligation] = {duty.id: duty for duty in content.obligations}
        self._names = Names(content.mapping)
        self._words = dict(content.words)
        self._modes = dict(content.modes)
        self._gates: tuple[AnyGate, ...] = (
            *content.scope,
            *content.maintenance,
            *content.silences,
            *content.thresholds,
        )
        self._declared = frozenset((CATALOGUE, *(rule.id for rule in (*self._gates, *content.inhibitions))))

    @classmethod
    def default(cls) -> RuleSet:
        """The rules in force when nothing is declared: no gates, the usual names, words and policy."""
        return cls(Content())

    @classmethod
    def decode(cls, content: bytes) -> RuleSet:
        """The rules of a stored version."""
        return cls(msgspec.json.decode(content, type=Content))

    def encode(self) -> bytes:
        """The canonical content, to be stored under `version`."""
        return msgspec.json.encode(self.content)

    def names(self, labels: Mapping[str, str]) -> Iterator[str]:
        """Names under which the topology may know the entity these labels speak of, best first."""
        return self._names.candidates(labels)

    def alert_name(self, labels: Mapping[str, str]) -> str:
        """The alert's name, or "unnamed"."""
        for label in NAME_LABELS:
            if name := labels.get(label):
                return name
        return "unnamed"

    def severity_word(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
        """The normalised severity word (`rules.words.WORDS`); labels win; unknown is warning."""
        for source in (labels, annotations):
            for label in SEVERITY_LABELS:
                if text := source.get(label):
                    return self._words.get(text.strip().lower(), DEFAULT_WORD)
        return DEFAULT_WORD

    @property
    def has_gates(self) -> bool:
        """Whether any gate is declared; the catalogue's own scope is not one."""
        return bool(self._gates)

    def gate(self, subject: Subject, at: int, enforced: Callable[[str], bool] = lambda _: True) -> Gate | None:
        """The first gate that suppresses, in the order scope, maintenance, silence, threshold; else the first that
        holds; None lets the alert pass. Rules that are not ``enforced`` answer only where no enforced one does."""
        found: dict[tuple[bool, str], Gate] = {}
        if refused := catalogue_gate(subject):
            found[enforced(refused.rule), refused.action] = refused
        for rule in self._gates:
            if (True, "suppress") in found:
                break
            if (answer := rule.gate(subject, at)) is not None:
                found.setdefault((enforced(answer.rule), answer.action), answer)
        order = ((True, "suppress"), (True, "hold"), (False, "suppress"), (False, "hold"))
        return next((found[key] for key in order if key in found), None)

    @property
    def inhibitions(self) -> tuple[Inhibition, ...]:
        """Declared inhibitions, in their order."""
        return self.content.inhibitions

    def heartbeat(self, labels: Mapping[str, str]) -> HeartbeatRule | None:
        """The heartbeat this alert is, if it is one."""
        return next((rule for rule in self.content.heartbeats if rule.matches(labels)), None)

    def starved(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert says that an entity gets too little to do."""
        return any(matcher.matches(labels) for matcher in self.content.starvation)

    @property
    def correlation(self) -> Correlation:
        """The parameters of correlation and alert life."""
        return self.content.correlation

    @property
    def evidence(self) -> EvidencePolicy:
        """What a missed alert costs, and how long one waits for evidence."""
        return self.content.evidence

    def severity(self, facts: SeverityFacts) -> SeverityResult:
        """The severity of an incident with these facts."""
        return assess(self.content.severity, facts)

    def escalate(self, facts: SeverityFacts, severity: SeverityResult, level: str) -> EscalationResult:
        """Who must hear of an incident of this level, which a person may have set."""
        return escalations.escalate(self.content.escalation, facts, severity, level)

    def next_change(self, facts: SeverityFacts) -> int | None:
        """When, by mere lapse of time, a rule of severity or escalation comes to hold; None: never."""
        return next_change(
            (*moments(self.content.severity), *escalations.moments(self.content.escalation)),
            facts,
        )

    def exposure(self, labels: Mapping[str, str]) -> ExposureRule | None:
        """What samples with these labels say of a store's copies; declared rules first."""
        return next((rule for rule in self.content.exposure if rule.matches(labels)), None)

    @property
    def suppressing(self) -> tuple[str, ...]:
        """The ids of all rules that may keep alerts back, those of the engine's own inferences too."""
        return tuple(sorted(self._declared | INFERENCES))

    def mode(self, rule: str) -> Mode:
        """Whether a suppression is carried out or only recorded.

        What a person declared is enforced, what the engine infers is in shadow, unless ``modes`` says otherwise.
        """
        default: Mode = "enforce" if rule in self._declared else "shadow"
        return self._modes.get(rule) or self._modes.get(EVERY_RULE) or default

    def with_continuity(self, declared: ContinuityPolicy) -> RuleSet:
        """The same rules with what the folder ``playbooks`` declares."""
        return RuleSet(msgspec.structs.replace(self.content, continuity=declared))

    @property
    def continuity(self) -> ContinuityPolicy:
        """Playbooks, duty rosters, vendors, exercises, and how incidents are worked on."""
        return self.content.continuity

    def with_mode(self, mode: Mode) -> RuleSet:
        """The same rules with every suppression in one mode (replay's ``--suppression``)."""
        return RuleSet(msgspec.structs.replace(self.content, modes=((EVERY_RULE, mode),)))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Declared routes, in their order."""
        return self.content.routes

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Declared probes, in their order."""
        return self.content.probes

    @property
    def data_checks(self) -> tuple[DataCheck, ...]:
        """Declared checks of data, in their order."""
        return self.content.data_checks

    @property
    def recovery(self) -> RecoveryPolicy:
        """What counts as recovered."""
        return self.content.recovery

    def maintained(self, entity: str, since: int, until: int) -> str:
        """The id of a maintenance window declared for the entity that overlaps [``since``, ``until``), or ""."""
        windows = self.content.maintenance
        return next((one.id for one in windows if one.concerns(entity) and one.overlaps(since, until)), "")

    def sinks(self, facts: RouteFacts) -> dict[str, tuple[str, ...]]:
        """Audience -> names of sinks that the routes choose; audiences that no route speaks of are left out."""
        return destinations(self.content.routes, facts)

    def undeclared(self, obligations: Iterable[str]) -> tuple[str, ...]:
        """Those of a catalogue's obligations that no rules declare, sorted."""
        return tuple(sorted(set(obligations) - self.obligations.keys()))

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """All versions of the regimes that are enabled, by id and by when they begin."""
        return self.content.regimes

    def regimes_at(self, at: int) -> tuple[Regime, ...]:
        """The regimes in force at a moment."""
        return tuple(regime for regime in self.content.regimes if in_force(regime, at))

    def regimes_for(self, obligations: Iterable[str], at: int) -> tuple[Regime, ...]:
        """The regimes in force that an incident which reaches these obligations has to be judged by.

        A regime that some declared obligation names concerns incidents that reach such an obligation; one that none
        names concerns every incident.
        """
        named = {duty.regime.casefold() for duty in self.content.obligations}
        reached = {self.obligations[id].regime.casefold() for id in obligations if id in self.obligations}
        return tuple(r for r in self.regimes_at(at) if r.id in reached or r.id not in named)
