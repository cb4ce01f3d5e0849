"""What is stored of an incident, cut at the end of a period, so that a period that is over is always told alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.continuity.report import ReportOf, report_of
from engine.drills import DRILL
from engine.lifecycle import OPEN, State
from engine.outcomes import IncidentView, TimelineEntry
from engine.response_views import Execution
from engine.signals import Millis


class Recorded(msgspec.Struct, frozen=True):
    """An incident as it was known at the end of the period: its last revision by then, the regimes and clocks
    included, its timeline, and its report. ``past``: it was over before the period, and only its actions are left."""

    view: IncidentView
    timeline: tuple[TimelineEntry, ...]
    report: ReportOf
    services: tuple[str, ...]
    past: bool = False

    @property
    def drill(self) -> bool:
        """Is it of the drill lane?"""
        return self.view.id.startswith(f"{DRILL}-")

    @property
    def executions(self) -> tuple[Execution, ...]:
        """All playbooks used."""
        response = self.view.response
        return (*response.past, *([response.execution] if response.execution else ()))


def recorded(
    revisions: Sequence[IncidentView], timeline: Iterable[TimelineEntry], since: Millis, until: Millis
) -> Recorded | None:
    """The incident with these revisions, oldest first, as it was known at ``until``; None where it is not of the
    period (it began later, or nothing of it happened since), was merged into another one, or was a false alarm."""
    known = [one for one in revisions if one.updated_at < until]
    if not known or known[0].opened_at >= until:
        return None
    view = known[-1]
    past = view.state not in OPEN and view.updated_at < since
    if view.state in (State.MERGED, State.DISMISSED) or (past and not unfinished(view)):
        return None
    lines = tuple(line for line in timeline if line.at < until)
    services = {one.entity for each in known for one in each.impact if one.kind.startswith("business")}
    return Recorded(view, lines, report_of(known, lines), tuple(sorted(services or _otherwise(view))), past)


def unfinished(view: IncidentView) -> bool:
    """Has somebody still to do something for it?"""
    return any(action.done_at is None for action in view.response.actions)


def _otherwise(view: IncidentView) -> set[str]:
    """Where no business service is hit: the cause, or whatever is in trouble."""
    return {view.cause} if view.cause else set(view.entities[:1])
