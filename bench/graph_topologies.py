"""Topologies for the graph rows: seeded, as columns, five dependencies for each entity.

`tiers` has ten layers with popular providers, mostly on the next one, pairs of which one is needed, soft dependencies
and buffers; in `growth` each entity needs five older ones, popular ones sooner (preferential attachment, Batagelj and
Brandes 2005), all hard.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from topology.columns import Numbered, arranged
from topology.model import Topology
from topology.parts import Dependency, Entity, Group, Semantics

LAYERS = 10
NEEDS = 5
NOTHING = Dependency(consumer="", provider="")
FORMS = (
    NOTHING,
    Dependency(consumer="", provider="", semantics=Semantics.SOFT, factor=300),
    Dependency(consumer="", provider="", semantics=Semantics.ASYNC, buffer=300),
    Dependency(consumer="", provider="", group="pair"),
)
HARD, SOFT, BUFFERED, PAIR = range(4)


def tiers(count: int, seed: int) -> Topology:
    """Layered, with all semantics."""
    rng = np.random.default_rng(seed)
    layer = np.sort(rng.integers(0, LAYERS, count))
    begin = np.searchsorted(layer, np.arange(LAYERS))
    consumer = np.repeat(np.flatnonzero(layer), NEEDS)
    end = begin[layer[consumer]]
    near = rng.random(len(consumer)) < 0.8
    low = np.where(near, begin[layer[consumer] - 1], 0)
    provider = (low + (end - low) * rng.random(len(consumer)) ** 3).astype(np.int64)
    form = rng.choice([HARD, SOFT, BUFFERED], len(consumer), p=[0.7, 0.2, 0.1])
    paired = (np.arange(len(consumer)) % NEEDS < 2) & (rng.random(count) < 0.5)[consumer]
    return _topology(count, consumer, provider, np.where(paired, PAIR, form))


def growth(count: int, seed: int) -> Topology:
    """Scale-free, all hard."""
    rng = np.random.default_rng(seed)
    consumer = np.repeat(np.arange(1, count), NEEDS)
    place = (rng.random(len(consumer)) * (2 * np.arange(len(consumer)) + 1)).astype(np.int64)
    while (odd := np.flatnonzero(place % 2)).size:  # an odd place is where another dependency leads
        place[odd] = place[place[odd] // 2]
    provider = np.minimum(consumer[place // 2], consumer - 1)
    return _topology(count, consumer, provider, np.zeros(len(consumer), np.int64))


def given(file: Path) -> dict[str, Callable[[int, int], Topology]]:
    """The models of another generator: a module with functions `layered` and `scale_free` of (count, seed), which
    return arrays `source` (consumer), `target`, `semantics` (in `edge_kinds`) and `group` (-1: none)."""
    spec = importlib.util.spec_from_file_location("topology_generator", file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return {
        "layered": lambda count, seed: _adopted(module.layered(count, seed)),
        "scale-free": lambda count, seed: _adopted(module.scale_free(count, seed)),
    }


def _adopted(made: Any) -> Topology:
    groups = int(made.group.max()) + 2
    forms = [
        Dependency(consumer="", provider="", semantics=Semantics(kind), group=f"group{g}" if g >= 0 else "")
        for kind in made.edge_kinds
        for g in range(-1, groups - 1)
    ]
    form = made.semantics * groups + made.group + 1
    return _topology(len(made.kind), made.source, made.target, form, forms)


def _topology(
    count: int,
    consumer: np.ndarray,
    provider: np.ndarray,
    form: np.ndarray,
    forms: tuple[Dependency, ...] | list[Dependency] = FORMS,
) -> Topology:
    """Each pair of entities once; groups need one member."""
    _, first = np.unique(consumer * count + provider, return_index=True)
    consumer, provider, form = consumer[first], provider[first], form[first]
    names = sorted({f.group for f in forms} - {""})
    numbers = np.array([names.index(f.group) if f.group else -1 for f in forms])[form]
    grouped = np.unique(consumer[numbers >= 0] * max(1, len(names)) + numbers[numbers >= 0])
    return Topology(
        arranged(
            Numbered(
                names=[f"service-{i:07}" for i in range(count)],
                entity=np.zeros(count, np.int32),
                entity_templates=[Entity(id="")],
                consumer=consumer.astype(np.int32),
                provider=provider.astype(np.int32),
                dependency=form.astype(np.int32),
                dependency_templates=list(forms),
                group_consumer=(grouped // max(1, len(names))).astype(np.int32),
                group=(grouped % max(1, len(names))).astype(np.int32),
                group_templates=[Group(consumer="", name=name) for name in names],
                fates=(),
            )
        )
    )


MODELS: dict[str, Callable[[int, int], Topology]] = {"tiers": tiers, "growth": growth}
