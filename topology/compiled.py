"""The compiled form of a topology: columns and compressed sparse rows, for work on all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.columns import Columns, stable_order, starts
from topology.components import labels
from topology.parts import Semantics

HARD, SOFT, ASYNC, INFO = range(4)
SEMANTICS = (Semantics.HARD, Semantics.SOFT, Semantics.ASYNC, Semantics.INFO)
"""Code -> semantics."""
NONE = -1

Ints = NDArray[np.int32]
Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Compiled:
    """Entities are numbered by sorted id, dependencies by (consumer, provider, group, semantics), groups by (consumer,
    name). N entities, E dependencies, G groups.

    Per dependency: ``consumer``, ``provider``, ``semantics`` (codes above), ``factor``, ``weight`` (thousandths),
    ``buffer`` (seconds), ``timeout`` (milliseconds), ``group`` (number or -1), ``doubtful`` (trouble may as well not
    pass; None where that holds for none). Those of consumer v are
    ``out_start[v] : out_start[v + 1]``; those on provider v are ``in_edge[in_start[v] : in_start[v + 1]]``. Per group:
    ``group_consumer``, ``need``, ``capacity`` (thousandths, -1: none). Per entity: ``component`` (strong component over
    all but info), ``cyclic`` (the component has more than one member), ``level`` (longest way down to an entity without
    providers in the graph of components: providers lie on lower levels, a component on one).

    Columns are not to be written to; one in which all dependencies say the same takes no memory (its stride is 0).
    """

    names: Sequence[str]
    group_names: Sequence[str]
    consumer: Ints
    provider: Ints
    semantics: Bytes
    factor: Ints
    buffer: Ints
    group: Ints
    weight: Ints
    timeout: Ints
    out_start: Ints
    in_start: Ints
    in_edge: Ints
    group_consumer: Ints
    need: Ints
    capacity: NDArray[np.int64]
    component: Ints
    cyclic: NDArray[np.bool_]
    level: Ints
    doubtful: NDArray[np.bool_] | None = None


LONGEST = 2**31 - 1
"""Buffers (68 years) and timeouts (24 days) that are longer are as long as this."""
DEEP = 2_000
"""Below so many layers the rest is ordered node by node: layers may be as thin as one node each."""


def compile_columns(columns: Columns) -> Compiled:
    """The compiled form. Linear in the size of the topology, but for sorting its groups."""
    consumer, provider = columns.consumers(), columns.provider
    code = {semantics: place for place, semantics in enumerate(SEMANTICS)}
    semantics = columns.of_dependencies(lambda d: code[d.semantics], np.int8)
    component, cyclic, level = _levels(len(columns.names), consumer, provider, semantics)
    groups = _groups(columns, consumer)
    return Compiled(
        names=columns.names,
        group_names=groups.names,
        consumer=consumer,
        provider=provider,
        semantics=semantics,
        factor=columns.of_dependencies(lambda d: d.factor, np.int32),
        buffer=columns.of_dependencies(lambda d: min(d.buffer, LONGEST), np.int32),
        group=groups.of_dependencies,
        weight=columns.of_dependencies(lambda d: d.weight, np.int32),
        timeout=columns.of_dependencies(lambda d: min(d.timeout, LONGEST), np.int32),
        out_start=columns.out_start,
        in_start=columns.in_start,
        in_edge=columns.in_edge,
        group_consumer=groups.consumer,
        need=groups.need,
        capacity=groups.capacity,
        component=component,
        cyclic=cyclic,
        level=level,
        doubtful=columns.of_dependencies(lambda d: d.doubtful, np.bool_) if columns.doubtful else None,
    )


class _Groups(NamedTuple):
    names: Sequence[str]
    consumer: Ints
    need: Ints
    capacity: NDArray[np.int64]
    of_dependencies: Ints


def _groups(columns: Columns, consumer: Ints) -> _Groups:
    """Groups that are declared or only named, by (consumer, name); those only named need one member."""
    names = sorted({d.group for d in columns.dependency_templates if d.group} | {
        g.name for g in columns.group_templates
    })  # fmt: skip
    place = {name: number for number, name in enumerate(names)}
    named = columns.of_dependencies(lambda d: place.get(d.group, NONE), np.int32)
    grouped = np.flatnonzero(named != NONE)
    keys = consumer[grouped] * np.int64(len(names)) + named[grouped]
    template_names = np.array([place[g.name] for g in columns.group_templates], dtype=np.int64)
    declared = columns.group_consumer * np.int64(len(names)) + template_names[columns.group]
    groups = np.union1d(keys, declared)
    of_dependencies = np.full(len(consumer), NONE, dtype=np.int32)
    of_dependencies[grouped] = np.searchsorted(groups, keys)
    need, capacity = np.ones(len(groups), dtype=np.int32), np.full(len(groups), NONE, dtype=np.int64)
    at = np.searchsorted(groups, declared)
    need[at] = np.array([g.need for g in columns.group_templates], dtype=np.int32)[columns.group]
    capacities = [NONE if g.capacity is None else g.capacity for g in columns.group_templates]
    capacity[at] = np.array(capacities, dtype=np.int64)[columns.group]
    width = max(len(names), 1)
    return _Groups(
        [names[number] for number in (groups % width).tolist()],
        (groups // width).astype(np.int32),
        need,
        capacity,
        of_dependencies,
    )


def _levels(count: int, consumer: Ints, provider: Ints, semantics: Bytes) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """(component, cyclic, level) of every entity; levels by peeling off the components that need nothing more
    (A. B. Kahn, Topological sorting of large networks, Comm. ACM 5, 1962, a whole layer at a time)."""
    felt = semantics != INFO
    down, up = consumer[felt], provider[felt]
    total, component = labels(count, down, up, "strong")
    cyclic = np.bincount(component, minlength=total)[component] > 1
    needs, needed = component[down], component[up]
    outside = needs != needed
    needs, needed = needs[outside], needed[outside]
    by_provider = stable_order(needed)
    begin = starts(needed, total)
    missing = np.bincount(needs, minlength=total)
    level = np.zeros(total, dtype=np.int32)
    layer = np.flatnonzero(missing == 0)
    depth = 0
    while len(layer) and depth < DEEP:
        level[layer] = depth
        lengths = begin[layer + 1] - begin[layer]
        places = np.repeat(begin[layer] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        consumers = needs[by_provider[places]]
        np.subtract.at(missing, consumers, 1)
        found = np.unique(consumers)
        layer = found[missing[found] == 0]
        depth += 1
    if len(layer):
        level = _deeper(level, depth, layer, missing, begin, needs[by_provider])
    return component, cyclic, level[component]


def _deeper(
    level: Ints, depth: int, layer: NDArray[np.int64], missing: NDArray[np.int64], begin: Ints, consumers: Ints
) -> Ints:
    """The levels of what is left, ``layer`` first: the same method, node by node."""
    found, left, first, above = level.tolist(), missing.tolist(), begin.tolist(), consumers.tolist()
    front = layer.tolist()
    while front:
        following = []
        for node in front:
            found[node] = depth
            for consumer in above[first[node] : first[node + 1]]:
                left[consumer] -= 1
                if not left[consumer]:
                    following.append(consumer)
        front = following
        depth += 1
    return np.array(found, dtype=np.int32)
