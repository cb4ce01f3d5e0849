"""The report for governance, put together from what is stored of a period (practice 7.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from engine.continuity.report import RECURS, Measured
from engine.governance.compliance import clocks_of, regimes_of
from engine.governance.gaps import actions_of, failed_drills, gaps_of
from engine.governance.record import Recorded
from engine.governance.rows import (
    ClockRow,
    DrillRow,
    GovernanceReport,
    IncidentRow,
    Resources,
    ServiceRow,
)
from engine.outcomes import TimelineEntry
from engine.signals import Millis


def governance(
    found: Iterable[Recorded], exercises: Iterable[TimelineEntry], since: Millis, until: Millis
) -> GovernanceReport:
    """The report of a period, of what `engine.governance.record.recorded` gave of its incidents; ``exercises`` are the
    lines of the record that tell of exercises."""
    known = sorted(found, key=lambda one: (one.view.opened_at, one.view.id))
    all_real = [one for one in known if not one.drill]
    real = [one for one in all_real if not one.past]
    clocks = [clock for one in real for clock in clocks_of(one, since)]
    drills = sorted((*_held(exercises, since, until), *_drilled(known, since)), key=lambda one: (one.at, one.id))
    return GovernanceReport(
        since=since,
        until=until,
        incidents=tuple(_incident(one, real, clocks, since) for one in real),
        services=tuple(_services(real)),
        regimes=tuple(regimes_of(real, clocks)),
        resources=_resources(real, since),
        drills=tuple(drills),
        gaps=(*(gap for one in real for gap in gaps_of(one, clocks, until)), *failed_drills(drills)),
        actions=tuple(row for one in all_real for row in actions_of(one, since, until)),
    )


def _incident(one: Recorded, others: Sequence[Recorded], clocks: Iterable[ClockRow], since: Millis) -> IncidentRow:
    view = one.view
    same = [other.view.id for other in others if view.cause and other.view.cause == view.cause]
    return IncidentRow(
        id=view.id,
        title=view.title,
        state=view.state,
        severity=view.severity.level,
        cause=view.cause or "",
        began=view.onset,
        ended=view.resolved_at,
        carried=view.opened_at < since,
        closed_as=view.closed_as,
        services=one.services,
        phases=one.report.phases,
        objectives=one.report.objectives,
        clocks=tuple(clock for clock in clocks if clock.incident == view.id),
        problem=f"{view.cause} was the cause of {', '.join(same)}" if len(same) > RECURS else "",
    )


def _services(found: Iterable[Recorded]) -> Iterator[ServiceRow]:
    incidents: dict[str, list[str]] = defaultdict(list)
    measured: dict[str, list[Measured]] = defaultdict(list)
    for one in found:
        own = [objective for objective in one.report.objectives if objective.kind == "rto"]
        for objective in own:
            measured[objective.entity].append(objective)
        for service in sorted({*one.services, *(objective.entity for objective in own)}):
            incidents[service].append(one.view.id)
    for service, ids in sorted(incidents.items()):
        spans = measured[service]
        yield ServiceRow(
            service=service,
            incidents=tuple(ids),
            away=sum(one.took for one in spans),
            met=sum(one.variance <= 0 for one in spans),
            missed=sum(one.variance > 0 for one in spans),
            worst=max((one.variance for one in spans), default=None),
            causes=tuple(dict.fromkeys(cause for one in spans if one.variance > 0 for cause in one.causes)),
        )


def _resources(found: Sequence[Recorded], since: Millis) -> Resources:
    acts = [line.actor for one in found for line in one.timeline if line.actor and line.at >= since]
    tasks = [task for one in found for run in one.executions for task in run.tasks]
    took = [t.took for t in tasks if t.took is not None and t.finished_at is not None and t.finished_at >= since]
    calls = [call for one in found for call in one.view.response.vendors if call.at >= since]
    grants = [g for one in found for g in one.view.response.grants if g.granted_at is not None]
    granted = [((g.ended_at or g.until or 0) - (g.granted_at or 0)) for g in grants if (g.granted_at or 0) >= since]
    measures = [measure for one in found for measure in one.view.response.measures if measure.at >= since]
    used = {run.playbook for one in found for run in one.executions if run.at >= since}
    return Resources(
        people=len(set(acts)),
        acts=len(acts),
        step_millis=sum(took),
        steps=len(took),
        briefings=sum(held.at >= since for one in found for held in one.view.response.briefings),
        playbooks=tuple(sorted(used)),
        vendor_calls=len(calls),
        vendor_breaches=sum(call.breached for call in calls),
        grants=len(granted),
        grant_minutes=sum(granted) // 60_000,
        measures=len(measures),
        measures_kept=sum(measure.state == "accepted" for measure in measures),
    )


def _held(lines: Iterable[TimelineEntry], since: Millis, until: Millis) -> Iterator[DrillRow]:
    for line in lines:
        if line.kind == "exercise" and since <= line.at < until:
            passed, findings = str(line.facts.get("passed", "")), str(line.facts.get("findings", ""))
            yield DrillRow(id=line.incident, kind="exercise", at=line.at, passed=passed, findings=findings)


def _drilled(found: Iterable[Recorded], since: Millis) -> Iterator[DrillRow]:
    """Incidents of the drill lane, with how long it took until restoration began."""
    for one in found:
        view = one.view
        if one.drill and view.opened_at >= since:
            begun = view.declared_at is not None and view.restoring_at is not None
            took = (view.restoring_at or 0) - (view.declared_at or 0) if begun else None
            yield DrillRow(id=view.id, kind="drill", at=view.opened_at, passed="", findings="", initiation=took)
