"""The compiled form of a topology: columns and compressed sparse rows, for work on all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from topology.model import Content, Semantics

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
    ``buffer`` (seconds), ``timeout`` (milliseconds), ``group`` (number or -1). Those of consumer v are
    ``out_start[v] : out_start[v + 1]``; those on provider v are ``in_edge[in_start[v] : in_start[v + 1]]``. Per group:
    ``group_consumer``, ``need``, ``capacity`` (thousandths, -1: none). Per entity: ``component`` (strong component over
    all but info), ``cyclic`` (the component has more than one member), ``level`` (longest way down to an entity without
    providers in the graph of components: providers lie on lower levels, a component on one).
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


def compiled(content: Content) -> Compiled:
    """The compiled form of canonical content. Linear in its size (components: scipy's Tarjan)."""
    names = [entity.id for entity in content.entities]
    number = {name: place for place, name in enumerate(names)}
    groups = sorted({(d.consumer, d.group) for d in content.dependencies if d.group} | {
        (g.consumer, g.name) for g in content.groups
    })  # fmt: skip
    group_number = {key: place for place, key in enumerate(groups)}
    declared = {(g.consumer, g.name): g for g in content.groups}
    code = {semantics: place for place, semantics in enumerate(SEMANTICS)}
    edges = content.dependencies
    consumer = _ints([number[d.consumer] for d in edges])
    provider = _ints([number[d.provider] for d in edges])
    semantics = np.array([code[d.semantics] for d in edges], dtype=np.int8)
    component, cyclic, level = _levels(len(names), consumer, provider, semantics)
    order = np.argsort(provider, kind="stable").astype(np.int32)
    return Compiled(
        names=names,
        group_names=[name for _, name in groups],
        consumer=consumer,
        provider=provider,
        semantics=semantics,
        factor=_ints([d.factor for d in edges]),
        buffer=_ints([d.buffer for d in edges]),
        group=_ints([group_number[d.consumer, d.group] if d.group else NONE for d in edges]),
        weight=_ints([d.weight for d in edges]),
        timeout=_ints([d.timeout for d in edges]),
        out_start=_starts(consumer, len(names)),
        in_start=_starts(provider, len(names)),
        in_edge=order,
        group_consumer=_ints([number[key] for key, _ in groups]),
        need=_ints([declared[key].need if key in declared else 1 for key in groups]),
        capacity=np.array(
            [NONE if (c := declared[key].capacity if key in declared else None) is None else c for key in groups],
            dtype=np.int64,
        ),
        component=component,
        cyclic=cyclic,
        level=level,
    )


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int32)


def _starts(rows: Ints, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int32)


def _levels(count: int, consumer: Ints, provider: Ints, semantics: Bytes) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """(component, cyclic, level) of every entity; levels by peeling off the components that need nothing more
    (A. B. Kahn, Topological sorting of large networks, Comm. ACM 5, 1962, a whole layer at a time)."""
    felt = semantics != INFO
    down, up = consumer[felt], provider[felt]
    graph = csr_array((np.ones(len(down), dtype=np.int8), (down, up)), shape=(count, count))
    total, component = connected_components(graph, directed=True, connection="strong")
    component = component.astype(np.int32)
    cyclic = np.bincount(component, minlength=total)[component] > 1
    needs, needed = component[down], component[up]
    outside = needs != needed
    needs, needed = needs[outside], needed[outside]
    by_provider = np.argsort(needed, kind="stable")
    starts = _starts(needed, total)
    missing = np.bincount(needs, minlength=total)
    level = np.zeros(total, dtype=np.int32)
    layer = np.flatnonzero(missing == 0)
    depth = 0
    while len(layer):
        level[layer] = depth
        lengths = starts[layer + 1] - starts[layer]
        places = np.repeat(starts[layer] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        consumers = needs[by_provider[places]]
        np.subtract.at(missing, consumers, 1)
        found = np.unique(consumers)
        layer = found[missing[found] == 0]
        depth += 1
    return component, cyclic, level[component]
