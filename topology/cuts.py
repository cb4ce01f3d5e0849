"""Next failures: the single and double failures that would take an entity down, given what is down already.

They are the minimal cut sets of order 1 and 2 (W. Vesely et al., Fault Tree Handbook, NUREG-0492, 1981), exact. Two
failures can only do together what neither does alone where a redundancy group loses members to both; so only such pairs
are candidates, and each is then run through the algebra.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topology.cutout import Words, bools
from topology.failures import Failure
from topology.field import Field, field
from topology.groups import UP
from topology.layout import Places
from topology.model import Topology

MOST_PAIRS = 200_000
"""Candidates that are looked at."""
MOST_HITS = 2_000_000
"""Members of groups that failures hit, all told."""

Pairs = NDArray[np.int64]
"""Two columns of failures, the smaller number first."""


@dataclass(frozen=True, slots=True)
class CutSets:
    """Of one entity: what takes it down alone, and which pairs do of which neither does; the most probable first."""

    entity: str
    single: tuple[Failure, ...]
    double: tuple[tuple[Failure, Failure], ...]


@dataclass(frozen=True, slots=True)
class NextFailures:
    """Cut sets of the entities that still work, in the order asked for. ``examined`` candidate pairs; not
    ``complete`` when there were more than the cap, so that pairs may be missing (single failures never are)."""

    cut_sets: tuple[CutSets, ...]
    examined: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Redundant:
    """Redundancy groups of one shape: ``consumer`` falls when ``threshold`` of ``members`` (members × groups) are down.
    ``number`` is the group's, in the cutout."""

    consumer: Places
    members: Places
    threshold: int
    number: Places


def next_failures(
    index: Topology,
    targets: Sequence[str],
    down: Collection[str] = (),
    most: int = MOST_PAIRS,
) -> NextFailures:
    """The cut sets of the targets from ``most`` pairs. Raises KeyError for ids that the topology does not have."""
    ground = field(index, targets, down)
    alone, hits, complete = _hits(ground)
    useful = np.flatnonzero(~alone.all(axis=0))
    pairs, whole = _candidates(ground, [_only(each, useful) for each in hits], most)
    by_target = _verified(ground, alone, pairs)
    return NextFailures(
        tuple(_cut_sets(ground, place, alone[place], by_target[place]) for place in range(len(ground.targets))),
        len(pairs),
        complete and whole,
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Failure ``failure[i]`` takes down member ``member[i]`` of group ``group[i]`` of a gate, but not its consumer."""

    gate: Redundant
    group: NDArray[np.int64]
    member: NDArray[np.int64]
    failure: NDArray[np.int64]


def _only(hits: _Hits, useful: NDArray[np.int64]) -> _Hits:
    kept = np.isin(hits.failure, useful)
    return _Hits(hits.gate, hits.group[kept], hits.member[kept], hits.failure[kept])


def redundant(ground: Field) -> Iterator[Redundant]:
    """All groups of a field that survive the loss of one member, by rows of its cutout."""
    plan = ground.cutout.plan
    for bucket in plan.buckets:
        able = bucket.factor >= UP
        threshold = len(bucket.source) - bucket.need + 1
        if threshold > 1 and able.any():
            yield Redundant(
                plan.number[bucket.consumer[able]], plan.number[bucket.source[:, able]], threshold, bucket.group[able]
            )
        idle = (bucket.weight == 0).any(axis=0) & (bucket.required > 0) & able
        for group in np.flatnonzero(idle).tolist() if bucket.limited else ():
            working = bucket.source[bucket.weight[:, group] > 0, group]
            yield Redundant(
                plan.number[bucket.consumer[[group]]],
                plan.number[working][:, None],
                len(working),
                bucket.group[[group]],
            )


def _hits(ground: Field) -> tuple[NDArray[np.bool_], list[_Hits], bool]:
    """(targets × failures that suffice alone, hits of every gate, whether that is all of them)."""
    alone = np.zeros((len(ground.targets), len(ground.failures)), dtype=bool)
    gates = list(redundant(ground))
    found: list[list[tuple[NDArray[np.int64], ...]]] = [[] for _ in gates]
    left = MOST_HITS

    def note(first: int, last: int, down: Words) -> None:
        nonlocal left
        alone[:, first:last] = bools(down[ground.rows], last - first)
        for gate, parts in zip(gates, found, strict=True):
            for member, rows in enumerate(gate.members):
                if left <= 0:
                    return
                fresh = down[rows] & ~down[gate.consumer]
                fresh[ground.before[rows]] = 0
                group, failure = set_bits(fresh)
                parts.append((group, np.full(len(group), member), failure + first))
                left -= len(group)

    ground.alone(note)
    hits = [
        _Hits(gate, *(np.concatenate(column) for column in zip(*parts, strict=True)))
        for gate, parts in zip(gates, found, strict=True)
        if parts
    ]
    return alone, hits, left > 0


def set_bits(words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, bit) of all that are set."""
    row, word = np.nonzero(words)
    place, bit = np.nonzero(bools(words[row, word][:, None], 64))
    return row[place], word[place] * 64 + bit


def _candidates(ground: Field, hits: list[_Hits], most: int) -> tuple[Pairs, bool]:
    """Pairs that bring some group to its threshold, and whether these are all."""
    size = len(ground.failures)
    found: set[int] = set()
    seen: set[tuple[object, ...]] = set()
    for each in hits:
        for lost, by_loss in _losses(ground, each):
            what = (lost, each.gate.threshold, *((loss, tuple(failures)) for loss, failures in by_loss.items()))
            if what in seen:
                continue
            seen.add(what)
            for one, other in _together(by_loss, lost, each.gate.threshold):
                if len(one) * len(other) > most - len(found):
                    wanted = [min(a, b) * size + max(a, b) for a in one for b in other[: max(1, most // len(one))]]
                    found.update(wanted[: max(0, most - len(found))])
                    return _decoded(found, size), False
                found.update(min(a, b) * size + max(a, b) for a in one for b in other)
    return _decoded(found, size), True


def _losses(ground: Field, hits: _Hits) -> Iterator[tuple[int, dict[int, list[int]]]]:
    """Per group: the members down already, and the failures by the members they take down; both as sets of bits."""
    order = np.lexsort((hits.failure, hits.group))
    groups, starts = np.unique(hits.group[order], return_index=True)
    ends = np.append(starts, len(order))[1:]
    member, failure = hits.member[order].tolist(), hits.failure[order].tolist()
    for group, start, end in zip(groups.tolist(), starts.tolist(), ends.tolist(), strict=True):
        masks: dict[int, int] = {}
        for place in range(start, end):
            masks[failure[place]] = masks.get(failure[place], 0) | 1 << member[place]
        by_loss: dict[int, list[int]] = {}
        for which, mask in masks.items():
            by_loss.setdefault(mask, []).append(which)
        before = np.flatnonzero(ground.before[hits.gate.members[:, group]]).tolist()
        yield sum(1 << place for place in before), by_loss


def _together(
    by_loss: dict[int, list[int]], lost: int, threshold: int
) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    losses = sorted(by_loss, key=lambda loss: (-loss.bit_count(), loss))
    for place, one in enumerate(losses):
        for other in losses[place + 1 :]:
            if one.bit_count() + other.bit_count() + lost.bit_count() < threshold:
                break  # those behind lose no more
            if (one | other | lost).bit_count() >= threshold:
                yield by_loss[one], by_loss[other]


def _decoded(found: set[int], size: int) -> Pairs:
    keys = np.array(sorted(found), dtype=np.int64)
    return np.stack([keys // size, keys % size], axis=1) if size else np.zeros((0, 2), dtype=np.int64)


def _verified(ground: Field, alone: NDArray[np.bool_], pairs: Pairs) -> list[Pairs]:
    """Per target the pairs that take it down, though neither does alone."""
    found: list[list[Pairs]] = [[] for _ in ground.targets]
    for first, last in ground.passes(len(pairs)):
        here = pairs[first:last]
        world = np.arange(last - first)
        state = ground.fallen(here.T.ravel(), np.tile(world, 2), last - first)
        down = bools(state[ground.rows], last - first) & ~alone[:, here[:, 0]] & ~alone[:, here[:, 1]]
        for place in np.flatnonzero(down.any(axis=1)).tolist():
            found[place].append(here[down[place]])
    return [np.concatenate(each) if each else np.zeros((0, 2), dtype=np.int64) for each in found]


def _cut_sets(ground: Field, place: int, alone: NDArray[np.bool_], pairs: Pairs) -> CutSets:
    single = [ground.failures[failure] for failure in np.flatnonzero(alone).tolist()]
    double = [(ground.failures[one], ground.failures[other]) for one, other in pairs.tolist()]
    return CutSets(
        ground.targets[place],
        tuple(sorted(single, key=lambda one: (-one.ppm, one.name))),
        tuple(sorted(double, key=lambda two: (-two[0].ppm * two[1].ppm, two[0].name, two[1].name))),
    )
