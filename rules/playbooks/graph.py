"""The task graph: an order, cycles, and when what will be finished. Pure arithmetic on milliseconds.

The critical path method: a task can start when all before it have ended; the latest end of all is the prediction
(Kelley and Walker, "Critical-path planning and scheduling", 1959, https://doi.org/10.1145/1460299.1460318).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules.playbooks.model import Task


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task has come: when it began and ended, and whether it is ``dropped``: skipped, or not needed."""

    started: int | None = None
    finished: int | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """When tasks begin and end, as done or predicted; ``critical`` is the chain that decides on ``finish``."""

    start: Mapping[str, int]
    end: Mapping[str, int]
    critical: tuple[str, ...]
    finish: int


def order(tasks: Iterable[Task]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tasks, each behind all that come before it (in the order of the file where that is free), and those that
    wait for each other in circles. What is named but not there is not waited for."""
    waits = {task.id: set(task.before) for task in tasks}
    waits = {id: before & waits.keys() for id, before in waits.items()}
    found: list[str] = []
    left = list(waits)
    while ready := [id for id in left if waits[id] <= set(found)]:
        found += ready
        left = [id for id in left if id not in ready]
    return tuple(found), tuple(_circles(left, waits))


def _circles(left: Sequence[str], waits: Mapping[str, set[str]]) -> list[str]:
    """Of those that never become ready, the ones that wait for themselves."""
    kept = set(left)
    while idle := {id for id in kept if not any(id in waits[other] for other in kept)}:
        kept -= idle
    return [id for id in left if id in kept]


def schedule(tasks: Sequence[Task], known: Mapping[str, Progress], now: int) -> Schedule:
    """What is done as it was, what runs as it is expected to (but not before ``now``), the rest as soon as it can.

    Of branches that nobody has decided on the longest counts. The graph has no circles.
    """
    by_id = {task.id: task for task in tasks}
    start: dict[str, int] = {}
    end: dict[str, int] = {}
    held: dict[str, str] = {}
    for id in order(tasks)[0]:
        task, seen = by_id[id], known.get(id, Progress())
        before = [one for one in task.before if one in end]
        last = max(before, key=lambda one: (end[one], one), default="")
        held[id] = last
        free = end[last] if last else now
        if seen.dropped:
            start[id] = end[id] = free
        elif seen.finished is not None:
            start[id], end[id] = seen.started if seen.started is not None else seen.finished, seen.finished
        elif seen.started is not None:
            start[id], end[id] = seen.started, max(now, seen.started + task.takes)
        else:
            start[id] = max(now, free)
            end[id] = start[id] + task.takes
    open_ = [id for id in end if not known.get(id, Progress()).dropped]
    if not open_:
        return Schedule(start, end, (), now)
    last = max(open_, key=lambda one: (end[one], one))
    chain: list[str] = []
    at = last
    while at:
        if not known.get(at, Progress()).dropped:
            chain.append(at)
        at = held[at]
    return Schedule(start, end, tuple(reversed(chain)), end[last])
