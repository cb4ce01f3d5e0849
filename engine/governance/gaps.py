"""What the record shows to be amiss, and what somebody has taken on to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from engine.clock_words import when
from engine.governance.record import Recorded
from engine.governance.rows import MISSED, ActionRow, ClockRow, DrillRow, Gap
from engine.response_views import Response
from engine.signals import Millis


def gaps_of(one: Recorded, clocks: Iterable[ClockRow], until: Millis) -> Iterator[Gap]:
    """Those of an incident."""
    id = one.view.id
    texts = (*_late(one, clocks), *_otherwise(one), *_left(one.view.response, until))
    yield from (Gap(kind=kind, about=id, text=text) for kind, text in texts)


def _late(one: Recorded, clocks: Iterable[ClockRow]) -> Iterator[tuple[str, str]]:
    """What took too long."""
    for objective in one.report.objectives:
        if objective.variance > 0:
            over = f"{objective.variance // 60_000} min over its {objective.kind.upper()}"
            causes = "; ".join(objective.causes) or "no cause is recorded"
            yield "objective", f"{objective.entity} was back {over}: {causes}"
    for clock in clocks:
        if clock.incident == one.view.id and clock.outcome == MISSED:
            yield "clock", f"{clock.name} ({clock.article}) was missed"
    for call in one.report.late_vendors:
        contract = f" (contract {call.contract})" if call.contract else ""
        yield "vendor", f"{call.vendor} did not answer in time{contract}"


def _otherwise(one: Recorded) -> Iterator[tuple[str, str]]:
    """What was not done as written, and what nobody saw."""
    yield from (("deviation", deviation.text) for deviation in one.view.response.deviations)
    for unseen in one.report.unseen:
        yield "unseen", f"{unseen.entity} deviated without an alert: {unseen.what}"


def _left(response: Response, until: Millis) -> Iterator[tuple[str, str]]:
    """What is still in force, or to be reviewed, and what the review found."""
    for measure in response.measures:
        if measure.state == "open":
            yield "measure", f"{measure.kind} is still in force: {measure.text}"
    review = response.review
    if review is not None and review.held_at is None and review.due < until:
        yield "review", f"the review was due {when(review.due)} and has not been held"
    if review is not None and review.findings:
        yield "review", review.findings


def failed_drills(drills: Iterable[DrillRow]) -> Iterator[Gap]:
    """Exercises that did not pass."""
    for drill in drills:
        if drill.passed in ("no", "partly"):
            yield Gap(kind="exercise", about=drill.id, text=f"passed: {drill.passed}; {drill.findings}".rstrip("; "))


def actions_of(one: Recorded, since: Millis, until: Millis) -> Iterator[ActionRow]:
    """Those that are open, and those that were done in the period."""
    last = datetime.fromtimestamp((until - 1) / 1000, UTC).date().isoformat()
    for action in one.view.response.actions:
        if action.done_at is not None:
            if action.done_at >= since:
                yield ActionRow(incident=one.view.id, action=action, state="done")
            continue
        state = "overdue" if action.due and action.due[:10] < last else "open"
        yield ActionRow(incident=one.view.id, action=action, state=state)
