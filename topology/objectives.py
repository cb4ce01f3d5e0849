"""The countdowns of recovery objectives: when each runs out, and whether the restoration plan meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from topology.model import Topology
from topology.restoration import Plan, Task
from topology.timeline import Course

RTO, MTD = "rto", "mtd"
YES, NO, CANNOT_EXCLUDE = "yes", "no", "cannot_exclude"


class Objective(msgspec.Struct, kw_only=True, frozen=True):
    """A recovery time objective (``rto``) or maximum tolerable downtime (``mtd``) that is running, or will be.

    ``since`` is when the entity went down or will go down, ``due`` when the objective runs out. ``takes`` is how many
    seconds its restoration needs from its begin, at least, and ``takes_latest`` at most (None: not known); ``finish``
    and ``finish_latest`` are the moments that follow. ``breach``: ``yes``, ``no`` or ``cannot_exclude``. Moments are in
    milliseconds.
    """

    entity: str
    kind: str
    since: int
    due: int
    takes: int | None = None
    takes_latest: int | None = None
    finish: int | None = None
    finish_latest: int | None = None
    breach: str = CANNOT_EXCLUDE

    def turns(self) -> tuple[int, ...]:
        """Moments at which its ``breach`` would be told otherwise if restoration had not begun."""
        spans = (span for span in (0, self.takes, self.takes_latest) if span is not None)
        return tuple(self.due - 1000 * span + 1 for span in spans)


def objectives(index: Topology, courses: Mapping[str, Course], found: Plan, begun: int, now: int) -> list[Objective]:
    """The objectives of entities that are or will be down, soonest first, for a restoration that has ``begun`` then.

    What the plan does not know has no predicted finish.
    """
    tasks = {task.entity: task for task in found.tasks}
    result = [
        _objective(course, kind, seconds, tasks, begun, now)
        for course in courses.values()
        for kind, seconds in _declared(index, course.entity)
        if course.down_at is not None
    ]
    return sorted(result, key=lambda one: (one.due, one.entity, one.kind))


def _declared(index: Topology, entity: str) -> Iterator[tuple[str, int]]:
    known = index.entities.get(entity)
    if known is None:
        return
    if known.rto is not None:
        yield RTO, known.rto
    if known.continuity.mtd is not None:
        yield MTD, known.continuity.mtd


def _objective(course: Course, kind: str, seconds: int, tasks: Mapping[str, Task], begun: int, now: int) -> Objective:
    since = course.down_at or 0
    due = since + 1000 * seconds
    task = tasks.get(course.entity)
    if since > now or task is None:
        passed = course.surely_down_at is not None and course.surely_down_at + 1000 * seconds < now
        breach = YES if passed else NO if _spared(course, tasks, begun) else CANNOT_EXCLUDE
        return Objective(entity=course.entity, kind=kind, since=since, due=due, breach=breach)
    finish = max(now, begun + 1000 * task.finish)
    latest = None if task.finish_latest is None else max(now, begun + 1000 * task.finish_latest)
    sure = course.surely_down_at is not None and course.surely_down_at + 1000 * seconds < finish
    return Objective(
        entity=course.entity,
        kind=kind,
        since=since,
        due=due,
        takes=task.finish,
        takes_latest=task.finish_latest,
        finish=finish,
        finish_latest=latest,
        breach=YES if sure else NO if latest is not None and latest <= due else CANNOT_EXCLUDE,
    )


def _spared(course: Course, tasks: Mapping[str, Task], begun: int) -> bool:
    """Whether what its buffer waits for is surely back before the entity would go down."""
    holder = tasks.get(course.held_by)
    if holder is None or holder.finish_latest is None or course.held_until != course.down_at:
        return False
    return begun + 1000 * holder.finish_latest <= (course.held_until or 0)
