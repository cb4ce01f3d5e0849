"""Duties of regimes: which were met, which were missed, and what follows, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.clock_views import ClockView
from engine.clock_words import when
from engine.governance.record import Recorded
from engine.governance.rows import DISMISSED, MET, MISSED, RUNNING, ClockRow, RegimeRow
from engine.signals import Millis

_OUTCOMES = {"fulfilled": MET, "overdue": MISSED, "running": RUNNING, "waiting": RUNNING, "dismissed": DISMISSED}


def clocks_of(one: Recorded, since: Millis) -> Iterator[ClockRow]:
    """Clocks that were to be met in the period or later; what was settled before it has been told."""
    for clock in one.view.clocks:
        outcome = _outcome(clock)
        settled = clock.fulfilled_at if clock.fulfilled_at is not None else clock.due
        if outcome is None or (outcome in (MET, MISSED) and settled is not None and settled < since):
            continue
        yield ClockRow(
            incident=one.view.id,
            regime=clock.regime,
            clock=clock.clock,
            name=clock.name,
            article=f"{clock.act} {clock.article}".strip(),
            due=clock.due,
            fulfilled_at=clock.fulfilled_at,
            outcome=outcome,
        )


def _outcome(clock: ClockView) -> str | None:
    """None: the duty does not apply."""
    return MISSED if clock.late and clock.state == "fulfilled" else _OUTCOMES.get(clock.state)


def regimes_of(found: Sequence[Recorded], clocks: Sequence[ClockRow]) -> Iterator[RegimeRow]:
    """By regime, those that judged an incident of the period."""
    names = {view.regime: (view.name, view.authority) for one in found for view in one.view.regimes}
    for regime, (name, authority) in sorted(names.items()):
        answers = [(one.view.id, view.answer) for one in found for view in one.view.regimes if view.regime == regime]
        own = [clock for clock in clocks if clock.regime == regime]
        count = {outcome: sum(clock.outcome == outcome for clock in own) for outcome in (MET, MISSED, RUNNING)}
        reportable = tuple(id for id, answer in answers if answer == "yes")
        doubtful = tuple(id for id, answer in answers if answer == "cannot_exclude")
        yield RegimeRow(
            regime=regime,
            name=name,
            authority=authority,
            reportable=reportable,
            cannot_exclude=doubtful,
            met=count[MET],
            missed=count[MISSED],
            running=count[RUNNING],
            dismissed=sum(clock.outcome == DISMISSED for clock in own),
            implications=tuple(_implications(own, reportable, doubtful)),
        )


def _implications(own: Iterable[ClockRow], reportable: Sequence[str], doubtful: Sequence[str]) -> Iterator[str]:
    if reportable:
        yield f"reportable as far as the facts say: {', '.join(reportable)}"
    if doubtful:
        yield f"cannot be excluded until facts are given: {', '.join(doubtful)}"
    for clock in own:
        if clock.outcome == MISSED:
            done = f", done {when(clock.fulfilled_at)}" if clock.fulfilled_at is not None else ", not done"
            due = when(clock.due) if clock.due is not None else "not known"
            yield f"{clock.incident}: {clock.name} ({clock.article}) was due {due}{done}"
        elif clock.outcome == RUNNING and clock.due is not None:
            yield f"{clock.incident}: {clock.name} ({clock.article}) is due {when(clock.due)}"
