"""Single points of failure of a whole catalogue, by the business behind them; and redundancy that is only on paper.

Every basic failure is tried alone, thousands at once. One that takes a business service or process down is a single
point; one that only takes health from some is listed apart. A redundancy group is hollow when one failure that is not
its consumer's takes so many members down that the group falls: both replicas on one host.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.bulk import healths
from topology.cutout import bools
from topology.cuts import Redundant, redundant, set_bits
from topology.failures import Failure
from topology.field import BYTES, Field, business, field
from topology.groups import UP
from topology.kernels import at_least
from topology.layout import ranges
from topology.model import Topology

SHOWN = 10
"""Business services named with a finding; all are counted."""
SHARED = 5
"""Things that a hollow group shares, named; all are counted."""
MOST_CELLS = 4 * 10**9
"""Entities × failures up to which it is looked into what only degrades."""


class Behind(NamedTuple):
    """The business that a failure hits: best tier, how many services and processes, users as bounds (the largest, and
    all of them), obligations; the first `SHOWN` of them, the most important first."""

    tier: int | None
    total: int
    users: tuple[int, int] | None
    obligations: tuple[str, ...]
    first: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Worst first."""
        return (99 if self.tier is None else self.tier, -self.total, -(self.users or (0, 0))[0])


@dataclass(frozen=True, slots=True)
class Point:
    """A failure that takes business down alone."""

    failure: Failure
    behind: Behind


@dataclass(frozen=True, slots=True)
class Degrading:
    """A failure that takes nothing of the business down, but health from it; ``lowest`` is what it leaves."""

    failure: Failure
    behind: Behind
    lowest: int


@dataclass(frozen=True, slots=True)
class Hollow:
    """A redundancy group that a single failure takes down: ``shared``, the nearest first, `SHARED` of ``total``.
    ``need`` of ``members`` would do. ``behind``: the business that the nearest takes down."""

    consumer: str
    group: str
    members: tuple[str, ...]
    need: int
    shared: tuple[Failure, ...]
    total: int
    behind: Behind


@dataclass(frozen=True, slots=True)
class SinglePoints:
    """All findings, worst first. ``business`` are the ids that counted as business; ``unexamined`` failures were not
    looked at for degrading, as there were too many."""

    points: tuple[Point, ...]
    degrading: tuple[Degrading, ...]
    hollow: tuple[Hollow, ...]
    business: tuple[str, ...] = attribute(repr=False)
    failures: int
    unexamined: int


def single_points(index: Topology, most_cells: int = MOST_CELLS) -> SinglePoints:
    """The findings of a catalogue; the business is `topology.field.business`."""
    targets = _by_importance(index, business(index))
    ground = field(index, targets)
    ranked = _nearest_first(ground)
    facts = _Facts(index, ground)
    points: dict[Failure, Point] = {}
    groups = [_Shared(gate, ground) for gate in redundant(ground)]
    for first, last in ground.passes(len(ranked)):
        which = ranked[first:last]
        down = ground.fallen(which, np.arange(last - first), last - first)
        hit = facts.others(bools(down[ground.rows], last - first), which)
        duties = facts.duties(bools(down[facts.rows], last - first))
        for column in np.flatnonzero(hit.any(axis=0)).tolist():
            failure = ground.failures[which[column]]
            points[failure] = Point(failure, facts.behind(hit[:, column], duties[:, column]))
        for shared in groups:
            shared.look(down, which)
    degrading, unexamined = _degrading(index, targets, points.keys(), most_cells)
    nothing = Behind(None, 0, None, (), ())
    found = [hollow for shared in groups for hollow in shared.found(points, nothing)]
    return SinglePoints(
        points=tuple(sorted(points.values(), key=lambda one: (one.behind.rank, one.failure.name))),
        degrading=tuple(sorted(degrading, key=lambda one: (one.behind.rank, one.lowest, one.failure.name))),
        hollow=tuple(sorted(found, key=lambda one: (one.behind.rank, one.consumer, one.group))),
        business=tuple(targets),
        failures=len(ranked),
        unexamined=unexamined,
    )


def _by_importance(index: Topology, ids: Sequence[str]) -> list[str]:
    def rank(id: str) -> tuple[int, int, str]:
        entity = index.entities[id]
        return (99 if entity.tier is None else entity.tier, -(entity.users or 0), id)

    return sorted(ids, key=rank)


def _nearest_first(ground: Field) -> NDArray[np.int64]:
    """Shared fates, then entities by how near to the business they are."""
    level = ground.cutout.compiled.level
    near = [(not f.fate, -int(level[ground.struck[ground.start[i]]]), f.name) for i, f in enumerate(ground.failures)]
    return np.array(sorted(range(len(near)), key=near.__getitem__), dtype=np.int64)


class _Facts:
    """What the catalogue says of the targets (in order of importance), and of the obligations in their cone: ``rows``
    are the entities that have any, once for each."""

    def __init__(self, index: Topology, ground: Field) -> None:
        self.ground = ground
        entities = [index.entities[name] for name in ground.targets]
        self.tier = [entity.tier for entity in entities]
        self.users = np.array([-1 if entity.users is None else entity.users for entity in entities], dtype=np.int64)
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(ground.cutout.compiled.names):
            for duty in index.entities[name].obligations:
                rows.setdefault(duty, []).append(row)
        self.names = sorted(rows)
        self.rows = np.array([row for duty in self.names for row in rows[duty]], dtype=np.int64)
        self.starts = np.cumsum([0, *(len(rows[duty]) for duty in self.names)])[:-1]
        self.place = {name: place for place, name in enumerate(ground.targets)}

    def others(self, hit: NDArray[np.bool_], which: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Targets × failures, without what is hit because it is what fails."""
        for column, failure in enumerate(which.tolist()):
            for name in self.ground.failures[failure].entities:
                if name in self.place:
                    hit[self.place[name], column] = False
        return hit

    def duties(self, hit: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Obligations × failures, of what is hit among ``rows``."""
        return np.asarray(np.logical_or.reduceat(hit, self.starts, axis=0)) if len(self.names) else hit

    def behind(self, hit: NDArray[np.bool_], duties: NDArray[np.bool_]) -> Behind:
        """Of one failure."""
        places = np.flatnonzero(hit)
        users = self.users[places]
        users = users[users >= 0]
        return Behind(
            tier=self.tier[places[0]],
            total=len(places),
            users=(int(users.max()), int(users.sum())) if len(users) else None,
            obligations=tuple(self.names[duty] for duty in np.flatnonzero(duties).tolist()),
            first=tuple(self.ground.targets[place] for place in places[:SHOWN].tolist()),
        )


class _Shared:
    """What takes the groups of one shape down, gathered over portions of failures, the nearest first."""

    def __init__(self, gate: Redundant, ground: Field) -> None:
        self.gate = gate
        self.ground = ground
        self.total = np.zeros(len(gate.consumer), dtype=np.int64)
        self.first: dict[int, list[int]] = {}

    def look(self, down: NDArray[np.uint64], which: NDArray[np.int64]) -> None:
        """Portions come in the order of nearness."""
        group, place = set_bits(at_least(down[self.gate.members], self.gate.threshold))
        failure = which[place]
        other = self._strikes_another(group, failure)
        group, failure = group[other], failure[other]
        if not len(group):
            return
        turn = np.arange(len(group)) - np.searchsorted(group, group)  # sorted by group, then nearness
        kept = turn + self.total[group] < SHARED
        for one, of in zip(group[kept].tolist(), failure[kept].tolist(), strict=True):
            self.first.setdefault(one, []).append(of)
        self.total += np.bincount(group, minlength=len(self.total))

    def _strikes_another(self, group: NDArray[np.int64], failure: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Not the consumer itself: on a cycle it takes its members down."""
        places, lengths = ranges(self.ground.start, failure)
        own = self.ground.struck[places] == np.repeat(self.gate.consumer[group], lengths)
        struck = np.bincount(np.repeat(np.arange(len(group)), lengths), weights=own, minlength=len(group))
        other: NDArray[np.bool_] = struck == 0
        return other

    def found(self, points: dict[Failure, Point], nothing: Behind) -> Iterator[Hollow]:
        """The hollow ones."""
        small = self.ground.cutout.compiled
        for group, failures in self.first.items():
            shared = tuple(self.ground.failures[failure] for failure in failures)
            members = self.gate.members[:, group]
            yield Hollow(
                consumer=small.names[self.gate.consumer[group]],
                group=small.group_names[self.gate.number[group]],
                members=tuple(sorted(small.names[row] for row in members.tolist())),
                need=len(members) - self.gate.threshold + 1,
                shared=shared,
                total=int(self.total[group]),
                behind=points[shared[0]].behind if shared[0] in points else nothing,
            )


def _degrading(
    index: Topology, targets: Sequence[str], points: Collection[Failure], most_cells: int
) -> tuple[list[Degrading], int]:
    """(findings, how many failures were left out): the algebra in full, as many failures a pass as fit."""
    ground = field(index, targets, felt=True)
    facts = _Facts(index, ground)
    size = len(ground.cutout)
    left = np.array([place for place, one in enumerate(ground.failures) if one not in points], dtype=np.int64)
    examined = left[: most_cells // max(1, size)]
    step = max(1, BYTES // max(1, size))
    found = []
    for first in range(0, len(examined), step):
        which = examined[first : first + step]
        places, lengths = ranges(ground.start, which)
        own = np.full((size, len(which)), UP, dtype=np.int16)
        own[ground.struck[places], np.repeat(np.arange(len(which)), lengths)] = 0
        health = healths(ground.cutout.compiled, own)
        mine = health[ground.rows]
        hit = facts.others(mine < UP, which)
        duties = facts.duties(health[facts.rows] < UP)
        for column in np.flatnonzero(hit.any(axis=0)).tolist():
            behind = facts.behind(hit[:, column], duties[:, column])
            lowest = int(mine[hit[:, column], column].min())
            found.append(Degrading(ground.failures[which[column]], behind, lowest))
    return found, len(left) - len(examined)
