"""An incident's case under one regime: which version judges it, which facts and marks count, and the answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import xxhash

from engine.cases import Case
from engine.clock_views import CriterionView, FactView, MarkView, MissingView, Pressed, RegimeView
from engine.context import Context
from engine.regime_facts import own_facts, quantised
from engine.signals import Millis
from engine.state import Incident
from rules.regimes.evaluation import RegimeResult, evaluate
from rules.regimes.model import Clock, Given, Mark, Regime
from rules.regimes.view import View
from rules.regimes.workdays import in_force
from rules.ternary import Ternary

SHOWN = 12
"""Missing facts that a revision lists."""
AWARE, OCCURRED = "aware", "occurred"


def enlist(context: Context, incident: Incident) -> None:
    """Open a case for every regime that concerns the incident: in the version in force on the day it was opened."""
    for regime in context.rules.regimes_for(incident.obligations, incident.opened_at):
        if regime.id not in incident.regimes:
            open_case(context, incident, regime)


def open_case(context: Context, incident: Incident, regime: Regime) -> Case:
    """The incident is judged by this version of the regime from now on."""
    case = Case(regime.id, regime.since.isoformat(), context.state.rules, _digest(regime))
    incident.regimes[regime.id] = case
    return case


def known_regime(context: Context, incident: Incident, id: str) -> Regime | None:
    """The version of a regime that the incident is, or would be, judged by; None when there is none."""
    if id in incident.regimes:
        return version(context, incident.regimes[id])
    versions = (r for r in context.rules.regimes if r.id == id)
    return next((regime for regime in versions if in_force(regime, incident.opened_at)), None)


def version(context: Context, case: Case) -> Regime:
    """The version that a case is judged by: as the rules in force have it, else as those that last had it."""
    found = _declared(context, case)
    if found is None:
        found = _in(context.library.rules(case.rules).regimes, case)
    if found is None:
        raise LookupError(f"rules {case.rules} have no {case.regime} of {case.since}")
    return found


def follow_rules(context: Context, incident: Incident, case: Case, now: Millis) -> None:
    """Other rules came into force: take their words for the same version of the regime, and say so."""
    if case.rules == context.state.rules:
        return
    found = _declared(context, case)
    about: dict[str, object] = {"regime": case.regime, "before": case.rules, "after": context.state.rules}
    text = ""
    if found is None:
        if not case.left:
            text = f"{case.regime} is no longer declared: this incident stays judged by it as in rules {case.rules}"
        case.left = True
    else:
        content = _digest(found)
        if content != case.content:
            text = f"{case.regime} is judged by rules {context.state.rules} from now on, by {case.rules} before"
        case.rules, case.content, case.left = context.state.rules, content, False
    if text:
        context.tell(incident.id, incident.domain, now, "regime_rules", text, facts=about)


def counting(case: Case, mark: Mark) -> Pressed | None:
    """The press of a mark that counts: of those not withdrawn the first moment, or the latest."""
    held = [one for one in case.pressed.get(mark.id, ()) if one.withdrawn_at is None]
    if mark.counts == "latest":
        return max(held, key=lambda one: (one.at, -one.pressed_at), default=None)
    return min(held, key=lambda one: (one.at, one.pressed_at), default=None)


def moments(case: Case, regime: Regime) -> dict[str, Millis]:
    """The marks that are set."""
    found = ((mark.id, counting(case, mark)) for mark in regime.marks)
    return {id: pressed.at for id, pressed in found if pressed is not None}


def proposals(incident: Incident, case: Case, regime: Regime) -> dict[str, Millis]:
    """Marks that a person might confirm: people knew at the latest when the incident was declared to them; it occurred
    when its first sign was seen."""
    likely = {AWARE: incident.declared_at, OCCURRED: incident.began.at if incident.began else incident.onset}
    return {
        mark.id: at for mark in regime.marks if (at := likely.get(mark.id)) is not None and counting(case, mark) is None
    }


def counted(incident: Incident, case: Case, regime: Regime, now: Millis) -> dict[str, Given]:
    """The facts of the incident: what people said, else what the engine knows."""
    return own_facts(incident, regime, now) | _people(case)


def inputs_of(case: Case, regime: Regime, facts: Mapping[str, Given]) -> str:
    """A digest of all that the answers depend on, time in so far as it can change one."""
    content = (case.content, sorted(quantised(regime, facts).items()))
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(content))


def answered(
    incident: Incident, case: Case, regime: Regime, facts: Mapping[str, Given], now: Millis
) -> tuple[RegimeView, dict[str, tuple[Ternary, tuple[str, ...]]]]:
    """The regime's answers, and of each clock whether it applies. What a person has classified is classified."""
    result = evaluate(regime, facts, incident.opened_at)
    view = View(regime, facts)
    by = _classified_by(case, regime)
    clocks = {}
    for clock, found in zip(regime.clocks, result.clocks, strict=True):
        clocks[clock.id] = (found.applies, found.because)
        if by and clock.classified:
            clocks[clock.id] = _without_classification(view, clock, by)
    return _view(incident, case, regime, result, facts, now), clocks


def _classified_by(case: Case, regime: Regime) -> str:
    whole = regime.classification
    mark = next((mark for mark in regime.marks if whole and mark.id == whole.mark), None)
    pressed = counting(case, mark) if mark else None
    return f"{whole.mark}: set by {pressed.by}" if whole and pressed else ""


def _without_classification(view: View, clock: Clock, by: str) -> tuple[Ternary, tuple[str, ...]]:
    if clock.when is None:
        return Ternary.YES, (by,)
    found = view.answer(clock.when)
    return found.value, (by, *found.because)


def _people(case: Case) -> dict[str, Given]:
    last = {fact: said[-1] for fact, said in case.said.items() if said}
    return {fact: Given(one.value, by=one.by, note=one.reason) for fact, one in last.items() if one.value is not None}


def _view(
    incident: Incident, case: Case, regime: Regime, result: RegimeResult, facts: Mapping[str, Given], now: Millis
) -> RegimeView:
    return RegimeView(
        regime=regime.id,
        name=regime.name,
        since=case.since,
        rules=case.rules,
        jurisdiction=regime.jurisdiction,
        authority=regime.authority,
        classification=result.classification,
        classified_by_mark=regime.classification.mark if regime.classification else "",
        answer=result.answer.value,
        because=result.because,
        act=result.source.act,
        article=result.source.article,
        quote=result.source.quote,
        criteria=tuple(
            CriterionView(
                id=one.id,
                name=one.name,
                answer=one.answer.value,
                because=one.because,
                unknown=one.unknown,
                estimated=one.estimated,
                article=one.source.article,
            )
            for one in result.criteria
        ),
        missing=tuple(
            MissingView(fact=one.fact, question=one.question, given=one.given, decides=one.decides)
            for one in result.missing[:SHOWN]
        ),
        missing_total=len(result.missing),
        estimated=result.estimated,
        facts=_facts(incident, case, regime, facts, now),
        marks=_marks(incident, case, regime),
        at=now,
    )


def _facts(
    incident: Incident, case: Case, regime: Regime, facts: Mapping[str, Given], now: Millis
) -> tuple[FactView, ...]:
    own = own_facts(incident, regime, now)
    found = []
    for fact in regime.facts:
        counts = facts.get(fact.id) or regime.operator.get(fact.id, Given())
        engine, said = own.get(fact.id, Given()).value, tuple(case.said.get(fact.id, ()))
        if counts.value is None and engine is None and not said:
            continue
        found.append(
            FactView(
                id=fact.id,
                question=fact.question,
                kind=fact.kind,
                unit=fact.unit,
                value=counts.value,
                by=counts.by,
                estimated=counts.estimated,
                note=counts.note,
                engine=engine,
                said=said,
            )
        )
    return tuple(found)


def _marks(incident: Incident, case: Case, regime: Regime) -> tuple[MarkView, ...]:
    proposed = proposals(incident, case, regime)
    found = []
    for mark in regime.marks:
        counts = counting(case, mark)
        found.append(
            MarkView(
                id=mark.id,
                question=mark.question,
                counts=mark.counts,
                at=counts.at if counts else None,
                by=counts.by if counts else "",
                proposed=proposed.get(mark.id),
                pressed=tuple(case.pressed.get(mark.id, ())),
            )
        )
    return tuple(found)


def _declared(context: Context, case: Case) -> Regime | None:
    return _in(context.rules.regimes, case)


def _in(regimes: tuple[Regime, ...], case: Case) -> Regime | None:
    return next((r for r in regimes if r.id == case.regime and r.since.isoformat() == case.since), None)


def _digest(regime: Regime) -> str:
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(regime, order="deterministic"))
