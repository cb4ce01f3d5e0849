"""The basic failures that matter to some entities, and what each does alone: the ground of risk and cut sets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topology.compiled import Compiled
from topology.cutout import WORD, Cutout, Reads, Words, bools, cone, mark, reads
from topology.failures import Failure, basic_failures
from topology.layout import Places, ranges
from topology.model import Kind, Topology

BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
BYTES = 8 * 2**20
"""What the worlds of one pass may take: about a core's cache."""
MOST_WORDS = 128


def business(index: Topology) -> list[str]:
    """The ids of business services and processes; where none is declared, of what nothing else needs."""
    found = [entity.id for entity in index.entities.values() if entity.kind in BUSINESS]
    compiled = index.compiled
    return found or [compiled.names[root] for root in np.flatnonzero(np.diff(compiled.in_start) == 0).tolist()]


@dataclass(frozen=True, slots=True)
class Field:
    """``targets`` (ids, in the order asked for) that still work, the ``cutout`` that matters to them, who of it is down
    already (``before``, by row), and the ``failures`` that may still happen in it: failure i strikes the rows
    ``struck[start[i] : start[i + 1]]``.
    """

    compiled: Compiled
    reads: Reads
    cutout: Cutout
    targets: Sequence[str]
    rows: NDArray[np.int64]
    before: NDArray[np.bool_]
    failures: Sequence[Failure]
    start: Places
    struck: NDArray[np.int64]

    def passes(self, count: int) -> Iterator[tuple[int, int]]:
        """``count`` worlds in portions that fit into memory."""
        step = portion(self.cutout)
        for first in range(0, count, step):
            yield first, min(count, first + step)

    def fallen(self, failures: NDArray[np.int64], worlds: NDArray[np.int64], count: int) -> Words:
        """Who is down in ``count`` worlds, when ``failures[i]`` happens in ``worlds[i]`` on top of what is down."""
        return fallen(self.cutout, self.before, self.start, self.struck, failures, worlds, count)

    def alone(self, more: Callable[[int, int, Words], None]) -> None:
        """Calls ``more(first, last, down)`` for portions of the failures: who is down when each happens alone."""
        for first, last in self.passes(len(self.failures)):
            which = np.arange(first, last)
            more(first, last, self.fallen(which, which - first, last - first))

    def scan(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(targets × failures) which failure takes which target down alone, and which may do so with others."""
        shape = (len(self.targets), len(self.failures))
        alone, together = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)

        def note(first: int, last: int, down: Words) -> None:
            alone[:, first:last] = bools(down[self.rows], last - first)
            together[:, first:last] = bools(self.cutout.loosened(down, self.before)[self.rows], last - first)

        self.alone(note)
        return alone, together & ~alone


def portion(cutout: Cutout) -> int:
    """How many worlds at once."""
    return WORD * max(1, min(MOST_WORDS, BYTES // (8 * max(1, len(cutout)))))


def fallen(
    cutout: Cutout,
    before: NDArray[np.bool_],
    start: Places,
    struck: NDArray[np.int64],
    failures: NDArray[np.int64],
    worlds: NDArray[np.int64],
    count: int,
) -> Words:
    """See `Field.fallen`."""
    down = cutout.blank(count)
    down[before] = ~np.uint64(0)
    places, lengths = ranges(start, failures)
    return cutout.settle(mark(down, struck[places], np.repeat(worlds, lengths)))


def field(index: Topology, targets: Sequence[str], down: Collection[str] = (), *, felt: bool = False) -> Field:
    """What can take down ``targets``, given who is ``down``; with ``felt`` what can take any health from them.

    Raises KeyError for ids that the topology does not have.
    """
    compiled = index.compiled
    number = {name: place for place, name in enumerate(compiled.names)}
    read = reads(compiled, down=not felt)
    asked = [number[name] for name in targets]
    cutout = Cutout(compiled, cone(read, [*asked, *(number[name] for name in down)]))
    first = cutout.blank(1)
    first[[cutout.row[number[name]] for name in down]] = 1
    before = bools(cutout.settle(first), 1)[:, 0]
    working = [(name, place) for name, place in zip(targets, asked, strict=True) if not before[cutout.row[place]]]
    cutout, before = _narrowed(compiled, read, cutout, before, [place for _, place in working])
    failures, start, struck = _struck(basic_failures(index), cutout, number, before)
    rows = cutout.row[[place for _, place in working]].astype(np.int64)
    return Field(compiled, read, cutout, [name for name, _ in working], rows, before, failures, start, struck)


def _narrowed(
    compiled: Compiled, read: Reads, cutout: Cutout, before: NDArray[np.bool_], targets: list[int]
) -> tuple[Cutout, NDArray[np.bool_]]:
    """Without what only matters to those that are down."""
    small = Cutout(compiled, cone(read, targets))
    return small, before[cutout.row[small.numbers]]


def _struck(
    failures: list[Failure], cutout: Cutout, number: dict[str, int], before: NDArray[np.bool_]
) -> tuple[list[Failure], Places, NDArray[np.int64]]:
    kept: list[Failure] = []
    lengths: list[int] = []
    struck: list[int] = []
    for failure in failures:
        rows = [row for name in failure.entities if (row := int(cutout.row[number[name]])) >= 0 and not before[row]]
        if rows:
            kept.append(failure)
            lengths.append(len(rows))
            struck.extend(rows)
    return kept, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.array(struck, dtype=np.int64)
