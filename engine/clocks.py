"""Regulatory clocks of an incident: advisory countdowns that begin, move, run out and end, each with its reasons.

A clock is shown as soon as its duty cannot be excluded, and never vanishes. Its deadline follows from marks that named
persons set (`rules.regimes.deadlines`); one that another takes the place of is kept. Only a person ends it: by the mark
that fulfils it, or by dismissing it. The engine's own downtime moves no deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

import msgspec

from engine import regime_answers as answers
from engine.cases import Case, Observed
from engine.clock_views import (
    COUNTED_CLOCKS,
    OPEN_CLOCKS,
    Basis,
    BasisFact,
    ClockView,
    DueWas,
    RegimeView,
)
from engine.clock_words import ANSWERS, NONE_LEFT, news_of
from engine.context import Context
from engine.lifecycle import State
from engine.regime_facts import add, next_threshold
from engine.signals import Millis
from engine.state import Incident
from engine.telling import tell_incident, telling_digest
from engine.view import clocks_of
from rules.regimes.deadlines import Due, explained, explained_all
from rules.regimes.model import Calendar, Clock, Given, Regime
from rules.ternary import Ternary

SHOWN = 50
"""Alerts that the basis of an answer names."""
SOON = 4
"""A clock is due soon when this part (one fourth) of its time is left."""
KEPT: Millis = 30 * 86_400_000
"""How long a closed incident is kept for clocks that nobody has started."""


def judge_regimes(context: Context, incident: Incident, now: Millis, *, anew: bool = False) -> str:
    """Judge the incident by every regime that concerns it, where what it depends on has changed (or ``anew``); why a
    revision is due, "" when nothing has changed. Sets when to look again."""
    if context.rules.regimes:
        answers.enlist(context, incident)
    if not incident.regimes:
        return ""
    news: list[str] = []
    for id in sorted(incident.regimes):
        news += _judge(context, incident, incident.regimes[id], now, anew)
    _wake(context, incident, now)
    return "; ".join(news)


def clock_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``clock``: a clock is due soon or overdue, or a duration has passed a threshold."""
    incident = context.state.incidents.get(name)
    if incident is not None and incident.state is not State.MERGED:
        refresh_clocks(context, incident, due)


def refresh_clocks(context: Context, incident: Incident, now: Millis, why: str = "") -> None:
    """Judge anew, revise and tell."""
    news = judge_regimes(context, incident, now, anew=True)
    why = "; ".join(filter(None, (why, news)))
    context.revise(incident, now, why)
    announce(context, incident, now, why)


def rules_changed(context: Context, now: Millis) -> None:
    """Other rules are in force: look at every incident that some regime judges."""
    for name in sorted(context.state.incidents):
        incident = context.state.incidents[name]
        if incident.regimes and incident.state is not State.MERGED:
            refresh_clocks(context, incident, now)


def announce(context: Context, incident: Incident, now: Millis, why: str) -> None:
    """Tell people what has changed; of an incident that nobody was told of, once one of its clocks has a deadline."""
    if telling_digest(incident) == incident.told_digest:
        return
    if incident.told:
        tell_incident(context, incident, "update", now, why or "its clocks have changed")
    elif any(one.due is not None and one.state in COUNTED_CLOCKS for one in clocks_of(incident)):
        tell_incident(context, incident, "open", now, why or "a regulatory clock runs")


def holds(incident: Incident, now: Millis) -> bool:
    """Whether a closed incident must stay at hand because of its clocks: until all that have a deadline are ended by a
    person, and for a while where one may yet be started."""
    if incident.state is State.MERGED:
        return False
    clocks = [one for one in clocks_of(incident) if one.state in OPEN_CLOCKS]
    if any(one.due is not None for one in clocks):
        return True
    since = incident.resolved_at
    touched = any(case.pressed or case.said for case in incident.regimes.values())
    concerned = touched or incident.declared_at is not None
    return concerned and since is not None and now < since + KEPT and any(c.state in COUNTED_CLOCKS for c in clocks)


def clock_gauges(incidents: Iterable[Incident], now: Millis) -> dict[str, float]:
    """Clocks with a deadline that nobody has ended, by regime: how many, how many overdue, and the least seconds left
    (negative: over), under names such as ``clocks_open:dora``."""
    found: dict[str, float] = {}
    for incident in incidents:
        if incident.state is State.MERGED:
            continue
        for one in clocks_of(incident):
            if one.due is None or one.state not in COUNTED_CLOCKS:
                continue
            of, over, left = (f"clocks_{what}:{one.regime}" for what in ("open", "overdue", "left"))
            found[of] = found.get(of, 0) + 1
            found[over] = found.get(over, 0) + (one.state == "overdue")
            found[left] = min(found.get(left, inf), (one.due - now) / 1000)
    return found


def carry_clocks(context: Context, incident: Incident, into: Incident, now: Millis) -> None:
    """After a merge the clocks run on in the other incident: with what people said of both, of marks the first."""
    for id in sorted(incident.regimes):
        _carry(context, incident, incident.regimes[id], into, now)
    add(into.observed, incident.observed)
    context.timers.cancel("clock", incident.id)
    if into.regimes:
        judge_regimes(context, into, now, anew=True)


def forget_observed(incident: Incident) -> None:
    """Alerts were taken from it: what it hit is not known to be its own any more, what people said stays."""
    incident.observed = Observed()


# ---------------------------------------------------------------------------------------------------------- one case


def _judge(context: Context, incident: Incident, case: Case, now: Millis, anew: bool) -> list[str]:
    answers.follow_rules(context, incident, case, now)
    regime = answers.version(context, case)
    facts = answers.counted(incident, case, regime, now)
    inputs = answers.inputs_of(case, regime, facts)
    if inputs == case.inputs and case.view is not None and not anew:
        return []
    case.inputs = inputs
    before = case.view
    case.view, applies = answers.answered(incident, case, regime, facts, now)
    news = _tell_answer(context, incident, before, case.view, now)
    _ask_again(context, incident, case, regime, case.view, now)
    basis = _basis(context, incident, case, regime, facts, now)
    deadlines = explained_all(regime, answers.moments(case, regime))
    likely = _proposed(incident, case, regime)
    for clock in regime.clocks:
        view = _clock(case, regime, clock, applies[clock.id], deadlines[clock.id], basis)
        if view is not None:
            view = msgspec.structs.replace(view, proposed_due=likely.get(clock.id) if view.due is None else None)
            news += _put(context, incident, case, view, now)
    for id in sorted(case.clocks.keys() - {clock.id for clock in regime.clocks}):
        news += _put(context, incident, case, case.clocks[id], now)
    return news


def _tell_answer(
    context: Context, incident: Incident, before: RegimeView | None, view: RegimeView, now: Millis
) -> list[str]:
    if before is not None and before.answer == view.answer:
        return []
    said = ANSWERS[view.answer]
    what = f"{view.regime}: {view.classification or 'reportable incident'}"
    text = f"{what}: {said}" if before is None else f"{what}: {ANSWERS[before.answer]} → {said}"
    if view.answer == "cannot_exclude" and view.missing:
        text += f"; ask first for {', '.join(one.fact for one in view.missing[:3])}"
    about = {
        "regime": view.regime,
        "since": view.since,
        "rules": view.rules,
        "before": before.answer if before else "",
        "after": view.answer,
        "because": list(view.because[:SHOWN]),
        "article": view.article,
    }
    context.tell(incident.id, incident.domain, now, "regime", text, facts=about)
    return [text] if before is not None or view.answer == "yes" else []


def _ask_again(context: Context, incident: Incident, case: Case, regime: Regime, view: RegimeView, now: Millis) -> None:
    """Whoever classified it did not know that the engine would come to say no."""
    mark = next((one for one in regime.marks if one.id == view.classified_by_mark), None)
    pressed = answers.counting(case, mark) if mark else None
    if pressed is None:
        case.told = ""
        return
    if case.told and case.told != "no" and view.answer == "no":
        text = f"{regime.id}: by the facts it is no {view.classification} any more, but {pressed.by} has set "
        text += f"{view.classified_by_mark}: withdraw that mark, or let it stand"
        about = {"regime": regime.id, "mark": view.classified_by_mark, "because": list(view.because[:SHOWN])}
        context.tell(incident.id, incident.domain, now, "classification_asked", text, facts=about)
    case.told = view.answer


def _basis(
    context: Context, incident: Incident, case: Case, regime: Regime, facts: Mapping[str, Given], now: Millis
) -> Basis:
    known = {**regime.operator, **facts}
    return Basis(
        at=now,
        revision=incident.revision,
        evidence=tuple(sorted(incident.alerts)[:SHOWN]),
        topology=context.state.topology,
        rules=case.rules,
        facts={
            id: BasisFact(value=known[id].value, by=known[id].by, estimated=known[id].estimated) for id in sorted(known)
        },
        marks=dict(sorted(answers.moments(case, regime).items())),
    )


def _proposed(incident: Incident, case: Case, regime: Regime) -> dict[str, Millis | None]:
    proposed = answers.proposals(incident, case, regime)
    if not proposed:
        return {}
    found = explained_all(regime, answers.moments(case, regime) | proposed)
    return {id: due.at for id, due in found.items()}


# --------------------------------------------------------------------------------------------------------- one clock


def _clock(
    case: Case, regime: Regime, clock: Clock, applies: tuple[Ternary, tuple[str, ...]], due: Due, basis: Basis
) -> ClockView | None:
    """The clock as it stands, but for the passing of time (`_put`); None while its duty can be excluded."""
    answer, because = applies
    old = case.clocks.get(clock.id)
    if old is None and answer is Ternary.NO:
        return None
    stop = next((mark for mark in regime.marks if mark.id == clock.stops), None)
    done = answers.counting(case, stop) if stop else None
    return ClockView(
        regime=regime.id,
        clock=clock.id,
        name=clock.name,
        notify=clock.notify,
        since=case.since,
        rules=case.rules,
        act=clock.source.act,
        article=clock.source.article,
        quote=clock.source.quote,
        stops=clock.stops,
        applies=answer.value,
        because=because,
        state="waiting" if due.provisional else "running",
        due=due.at,
        reasons=due.because,
        provisional=due.provisional,
        waits_for=due.waits_for,
        unmoved=due.unmoved,
        promptly=due.promptly,
        soon_at=_soon_at(clock, due, basis.marks, regime.calendar),
        shown_at=old.shown_at if old else basis.at,
        started_at=_started(old, due, basis.at),
        fulfilled_at=done.at if done else None,
        fulfilled_by=done.by if done else "",
        late=bool(done and due.at is not None and done.at > due.at),
        dismissed=old.dismissed if old else None,
        history=_history(old, due, basis.at),
        basis=basis,
    )


def _soon_at(clock: Clock, due: Due, marks: Mapping[str, Millis], calendar: Calendar) -> Millis | None:
    """When a part of the time is left that the limit gives which counts."""
    periods = [*clock.due, *((clock.later.due,) if clock.later else ())]
    alone = {p.mark: msgspec.structs.replace(clock, due=(p,), later=None) for p in periods if p.mark in marks}
    begun = [marks[mark] for mark, one in alone.items() if explained(one, marks, calendar).at == due.at]
    return None if due.at is None or not begun else due.at - (due.at - max(begun)) // SOON


def _started(old: ClockView | None, due: Due, now: Millis) -> Millis | None:
    if old is not None and old.started_at is not None:
        return old.started_at
    return now if due.at is not None else None


def _history(old: ClockView | None, due: Due, now: Millis) -> tuple[DueWas, ...]:
    if old is None or old.due is None or old.due == due.at:
        return old.history if old else ()
    return (*old.history, DueWas(due=old.due, until=now, why="; ".join(due.because) or NONE_LEFT))


def _put(context: Context, incident: Incident, case: Case, view: ClockView, now: Millis) -> list[str]:
    """Keep the clock as it stands at this moment, and tell what is new of it."""
    old = case.clocks.get(view.clock)
    state = _state(view, now)
    counts = state in COUNTED_CLOCKS and view.due is not None
    view = msgspec.structs.replace(
        view,
        state=state,
        soon=counts and view.soon_at is not None and now >= view.soon_at,
        passed=counts and view.due is not None and now > view.due,
    )
    if old is not None and _answer(old) == _answer(view):
        view = msgspec.structs.replace(view, basis=old.basis)
    case.clocks[view.clock] = view
    texts = [] if old == view else list(news_of(old, view))
    for text in texts:
        about: dict[str, object] = {"regime": view.regime, "clock": view.clock, "state": view.state, "due": view.due}
        about |= {"applies": view.applies, "article": view.article, "reasons": list(view.reasons), "stops": view.stops}
        context.tell(incident.id, incident.domain, now, "clock", text, facts=about)
    return texts


def _state(view: ClockView, now: Millis) -> str:
    if view.dismissed is not None:
        return "dismissed"
    if view.fulfilled_at is not None:
        return "fulfilled"
    if view.applies == Ternary.NO.value:
        return "not_applicable"
    if view.provisional:
        return "waiting"
    return "overdue" if view.due is not None and now > view.due else "running"


def _answer(view: ClockView) -> tuple[object, ...]:
    return view.applies, view.because, view.state, view.due, view.provisional, view.reasons, view.rules


# ------------------------------------------------------------------------------------------------------ all of them


def _wake(context: Context, incident: Incident, now: Millis) -> None:
    """At the next moment at which time alone changes something."""
    due: list[Millis] = []
    for case in incident.regimes.values():
        for one in case.clocks.values():
            if one.state in COUNTED_CLOCKS and one.due is not None:
                due += [at for at in (one.soon_at, one.due + 1) if at is not None and at > now]
        regime = answers.version(context, case)
        at = next_threshold(incident, regime, {*case.said, *regime.operator}, now)
        due += [] if at is None else [at]
    if due:
        context.timers.set(min(due), "clock", incident.id)
    else:
        context.timers.cancel("clock", incident.id)


def _carry(context: Context, incident: Incident, case: Case, into: Incident, now: Millis) -> None:
    name = incident.id
    said = {k: [msgspec.structs.replace(o, origin=o.origin or name) for o in v] for k, v in case.said.items()}
    pressed = {k: [msgspec.structs.replace(o, origin=o.origin or name) for o in v] for k, v in case.pressed.items()}
    mine = into.regimes.get(case.regime)
    if mine is None:
        into.regimes[case.regime] = Case(
            case.regime, case.since, case.rules, case.content, said, pressed, dict(case.clocks), told=case.told
        )
        return
    if mine.since != case.since:
        text = f"{case.regime}: {name} was judged by the version of {case.since}, this incident is by {mine.since}"
        context.tell(into.id, into.domain, now, "regime_rules", text, facts={"regime": case.regime, "from": name})
    for fact, values in said.items():
        mine.said[fact] = sorted([*values, *mine.said.get(fact, [])], key=lambda one: one.at)
    for mark, presses in pressed.items():
        mine.pressed[mark] = sorted([*mine.pressed.get(mark, []), *presses], key=lambda one: one.pressed_at)
    for id, theirs in case.clocks.items():
        ours = mine.clocks.get(id)
        mine.clocks[id] = theirs if ours is None else _joined(ours, theirs)
    mine.inputs = ""


def _joined(ours: ClockView, theirs: ClockView) -> ClockView:
    """One clock of two: as old as the older, dismissed only if both are."""
    started = [at for at in (ours.started_at, theirs.started_at) if at is not None]
    return msgspec.structs.replace(
        ours,
        shown_at=min(ours.shown_at, theirs.shown_at),
        started_at=min(started, default=None),
        dismissed=ours.dismissed if theirs.dismissed is not None else None,
        history=tuple(sorted((*ours.history, *theirs.history), key=lambda one: one.until)),
        soon=ours.soon or theirs.soon,
    )
