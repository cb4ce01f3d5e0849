"""The restoration order in the words of the API and the command line: of assumed failures, or of an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from api.restoration_schemas import ManualStart, RestorationOf, RestorationTask, Threatened
from engine.outcomes import Impacted, IncidentView
from engine.restoration import plan_of, to_repair
from engine.signals import Millis
from topology.impact import impact
from topology.model import Topology
from topology.objectives import CANNOT_EXCLUDE, NO, YES, objectives
from topology.restoration import Plan, Task, plan
from topology.timeline import Course, timeline

UP = 1000


def restoration_of(topology: Topology, failed: Sequence[str], most: int | None = None) -> RestorationOf:
    """If these entities (ids that the topology has) went down at moment 0 and their restoration began at once."""
    own = dict.fromkeys(sorted(failed), 0)
    hits = impact(topology, own)
    courses = timeline(topology, own, 0, own, hits)
    lows = {entity: hit.low for entity, hit in hits.items()}
    found = plan(topology, lows, own, 0, {entity: hit.at for entity, hit in hits.items()})
    return _answer(topology, found, courses, sorted(own), {"topology": topology.version}, (0, 0), most)


def restoration_of_incident(
    topology: Topology, view: IncidentView, now: Millis, most: int | None = None
) -> RestorationOf:
    """Of an incident, as of its latest revision. Once its last alert has ended there is nothing to restore."""
    begun = now if view.restoring_at is None else view.restoring_at
    rows = _rows(topology, view, now) if view.firing else []
    own = {row.entity for row in rows if row.observed or row.via == "own"}
    hits = [(row.entity, row.low, row.at or view.onset) for row in rows]
    found = plan_of(topology, own, hits, view.cause, now)
    failed = to_repair(topology, own, {entity for entity, low, _ in hits if low < UP}, view.cause)
    courses = {row.entity: _course(row) for row in rows}
    answer = _answer(topology, found, courses, sorted(failed), view.versions, (now, begun), most)
    answer.versions = {**view.versions, "topology": topology.version}
    answer.incident, answer.revision = view.id, view.revision
    return answer


def _rows(topology: Topology, view: IncidentView, now: Millis) -> Sequence[Impacted]:
    """All that is hit; where a revision lists only a part of it, from what has failed, anew."""
    if view.impact_total <= len(view.impact):
        return view.impact
    own = {row.entity: row.low for row in view.impact if row.via == "own"}
    since = {row.entity: row.at or view.onset for row in view.impact if row.via == "own"}
    found = impact(topology, own, now, since)
    courses = timeline(topology, own, now, since, found)
    return [
        Impacted(
            entity=entity,
            name="",
            kind="",
            low=hit.low,
            high=hit.high,
            path=(),
            via=hit.via,
            at=hit.at,
            degraded_at=courses[entity].degraded_at,
            down_at=courses[entity].down_at,
            held_by=courses[entity].held_by,
            held_until=courses[entity].held_until,
        )
        for entity, hit in found.items()
    ]


def _course(row: Impacted) -> Course:
    return Course(
        entity=row.entity,
        degraded_at=row.degraded_at,
        down_at=row.down_at,
        surely_degraded_at=row.degraded_at if row.high < UP else None,
        surely_down_at=row.down_at if row.high == 0 else None,
        held_by=row.held_by,
        held_until=row.held_until,
    )


def _answer(
    topology: Topology,
    found: Plan,
    courses: Mapping[str, Course],
    failed: list[str],
    versions: Mapping[str, str],
    times: tuple[Millis, Millis],
    most: int | None,
) -> RestorationOf:
    now, begun = times
    due = objectives(topology, courses, found, begun, now)
    return RestorationOf(
        versions=dict(versions),
        at=now,
        begun=begun,
        failed=failed,
        total=len(found.tasks),
        takes=found.takes,
        takes_latest=found.takes_latest,
        critical=found.critical,
        waves=[wave[:most] for wave in found.waves[:most]],
        manual=[ManualStart(one.entity, one.providers[:most], one.group) for one in found.bypasses[:most]],
        missing=list(found.missing[:most]),
        objectives_total=len(due),
        objectives=due[:most],
        threatened=_threatened(courses.values(), found, begun)[:most],
        tasks=[_task(topology, task) for task in found.tasks[:most]],
    )


def _threatened(courses: Iterable[Course], found: Plan, begun: Millis) -> list[Threatened]:
    tasks = {task.entity: task for task in found.tasks}
    return [
        Threatened(course.entity, course.held_by, course.held_until, _spared(tasks.get(course.held_by), course, begun))
        for course in sorted(courses, key=lambda one: (one.held_until or 0, one.entity))
        if course.held_until is not None and course.held_by
    ]


def _spared(holder: Task | None, course: Course, begun: Millis) -> str:
    left = (course.held_until or 0) - begun
    if holder is None:
        return CANNOT_EXCLUDE
    if holder.finish_latest is not None and 1000 * holder.finish_latest <= left:
        return YES
    return NO if 1000 * holder.finish > left else CANNOT_EXCLUDE


def _task(topology: Topology, task: Task) -> RestorationTask:
    known = topology.entities.get(task.entity)
    return RestorationTask(
        entity=task.entity,
        name=known.name if known else "",
        kind=known.kind.value if known else "unknown",
        owner=known.owner if known else "",
        health=task.health,
        way=task.way.value,
        stays_down=task.stays_down,
        wave=task.wave,
        start=task.start,
        start_latest=task.start_latest,
        ready=task.ready,
        finish=task.finish,
        finish_latest=task.finish_latest,
        slack=task.slack,
        after=task.after,
        takes=task.takes,
    )
