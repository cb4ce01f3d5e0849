"""Random small topologies for property tests: every semantics, groups, capacities, buffers, cycles."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache

import msgspec
from hypothesis import strategies as st

from topology.model import Dependency, Entity, Group, Semantics, Topology

SECONDS = 6
LONGEST_BUFFER = 2
DISCOVERED = 0.25
"""So many dependencies outside of groups were only seen."""
healths = st.sampled_from([0, 0, 1, 250, 400, 500, 667, 999, 1000])


@st.composite
def topologies(draw: st.DrawFn, names: str = "abcdefgh") -> Topology:
    ids = list(names[: draw(st.integers(2, len(names)))])
    dependencies: list[Dependency] = []
    groups: list[Group] = []
    for consumer in ids:
        others = [i for i in ids if i != consumer]
        chosen = draw(st.lists(st.sampled_from(others), unique=True, max_size=5))
        cut = draw(st.integers(0, len(chosen)))
        singles, members = chosen[:cut], chosen[cut:]
        for provider in singles:
            semantics = draw(st.sampled_from(list(Semantics)))
            dependencies.append(_dependency(draw, consumer, provider, semantics))
        if members:
            kind = draw(st.sampled_from(["hard", "soft", "async"]))
            factor = draw(st.sampled_from([0, 1, 333, 500, 999, 1000]))
            made = [_dependency(draw, consumer, m, Semantics(kind), "g", factor) for m in members]
            dependencies.extend(made)
            total = sum(d.weight for d in made)
            capacity = draw(st.one_of(st.none(), st.integers(1, total)))
            groups.append(
                Group(consumer=consumer, name="g", need=draw(st.integers(1, len(members))), capacity=capacity)
            )
    return Topology.build([Entity(id=i) for i in ids], dependencies, groups)


def _dependency(
    draw: st.DrawFn, consumer: str, provider: str, semantics: Semantics, group: str = "", factor: int | None = None
) -> Dependency:
    return Dependency(
        consumer=consumer,
        provider=provider,
        semantics=semantics,
        factor=draw(st.sampled_from([0, 1, 333, 500, 999, 1000])) if factor is None else factor,
        buffer=draw(st.integers(0, LONGEST_BUFFER)) if semantics is Semantics.ASYNC else 0,
        group=group,
        weight=draw(st.sampled_from([1, 333, 500, 1000, 2000])) if group else 1000,
        discovered=not group and semantics is not Semantics.INFO and draw(st.integers(0, 3)) == 0,
    )


@st.composite
def failures(draw: st.DrawFn, index: Topology) -> dict[str, int]:
    chosen = draw(st.lists(st.sampled_from(sorted(index.entities)), unique=True, min_size=1, max_size=3))
    return {entity: draw(healths) for entity in chosen}


def renamed(index: Topology, names: Mapping[str, str]) -> Topology:
    """The same topology under other names, given in another order."""
    return Topology.build(
        [Entity(id=names[e.id]) for e in reversed(index.content.entities)],
        [
            Dependency(
                consumer=names[d.consumer],
                provider=names[d.provider],
                semantics=d.semantics,
                factor=d.factor,
                buffer=d.buffer,
                group=d.group,
                weight=d.weight,
                discovered=d.discovered,
            )
            for d in reversed(index.content.dependencies)
        ],
        [
            Group(consumer=names[g.consumer], name=g.name, need=g.need, capacity=g.capacity)
            for g in index.content.groups
        ],
    )


@lru_cache(maxsize=1024)
def seeded(seed: int, most: int = 8) -> Topology:
    """A random topology, quicker than drawn ones: several groups of one entity, weights of zero, undeclared groups,
    buffers in groups, with and without cycles."""
    chance = random.Random(seed)
    ids = [f"n{i:03}" for i in range(chance.randint(1, most))]
    cycles = chance.random() < 0.7
    dependencies: list[Dependency] = []
    groups: list[Group] = []
    for place, consumer in enumerate(ids):
        others = [i for i in ids if i != consumer] if cycles else ids[:place]
        for provider in chance.sample(others, min(len(others), chance.randint(0, 2))):
            dependencies.append(_random(chance, consumer, provider, chance.choice(list(Semantics))))
        for name in ("g", "h")[: chance.randint(0, 2) if others else 0]:
            members = chance.sample(others, min(len(others), chance.randint(1, 4)))
            semantics = chance.choice([Semantics.HARD, Semantics.SOFT, Semantics.ASYNC])
            made = [_random(chance, consumer, member, semantics, name) for member in members]
            dependencies += [msgspec.structs.replace(d, factor=made[0].factor) for d in made]
            total = sum(d.weight for d in made)
            if chance.random() < 0.9:
                capacity = chance.choice([None, chance.randint(1, total), total]) if total else None
                need = chance.randint(1, len(members))
                groups.append(Group(consumer=consumer, name=name, need=need, capacity=capacity))
    return Topology.build([Entity(id=i) for i in ids], dependencies, groups)


def seeded_failures(seed: int, index: Topology, most: int = 3) -> dict[str, int]:
    chance = random.Random(seed)
    chosen = chance.sample(sorted(index.entities), min(len(index.entities), chance.randint(1, most)))
    return {entity: chance.choice([0, 0, 1, 250, 400, 500, 667, 999, 1000]) for entity in chosen}


def _random(chance: random.Random, consumer: str, provider: str, semantics: Semantics, group: str = "") -> Dependency:
    return Dependency(
        consumer=consumer,
        provider=provider,
        semantics=semantics,
        factor=chance.choice([0, 1, 333, 500, 999, 1000]),
        buffer=chance.randint(0, LONGEST_BUFFER) if semantics is Semantics.ASYNC else 0,
        group=group,
        weight=chance.choice([0, 1, 333, 500, 1000, 2000]) if group else 1000,
        discovered=not group and semantics is not Semantics.INFO and chance.random() < DISCOVERED,
    )
