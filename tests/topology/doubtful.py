"""Random small topologies whose entities fail, alone and together; and the probabilities of every world of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec
from hypothesis import strategies as st

from tests.topology.graphs import topologies
from topology.continuity import Continuity, SharedFate
from topology.failures import Failure, basic_failures
from topology.impact import impact
from topology.model import Topology

LATE = 10**9
"""Milliseconds, when every buffer is spent."""


@st.composite
def doubtful(draw: st.DrawFn, most: int = 400_000) -> Topology:
    """Every entity states a probability (some 0); up to two shared fates."""
    bare = draw(topologies("abcdef"))
    fates = [
        SharedFate(name=name, failure=draw(st.integers(1, most))) for name in draw(st.sampled_from(["", "x", "xy"]))
    ]
    entities = [
        msgspec.structs.replace(
            entity,
            continuity=Continuity(
                failure=draw(st.sampled_from([0, 1, 50, 1000, most])),
                fates=tuple(fate.name for fate in fates if draw(st.booleans())),
            ),
        )
        for entity in bare.content.entities
    ]
    return Topology.build(entities, bare.content.dependencies, bare.content.groups, fates)


def down_at_rest(index: Topology, failed: list[str]) -> set[str]:
    """By the production algebra."""
    hits = impact(index, dict.fromkeys(failed, 0), LATE, dict.fromkeys(failed, 0))
    return {entity for entity, hit in hits.items() if hit.low == 0}


def worlds(index: Topology, down: list[str] | None = None) -> Iterator[tuple[list[Failure], float, set[str]]]:
    """(what happens, with what probability, who is down) of every world there is."""
    failures = basic_failures(index)
    for happens in product([False, True], repeat=len(failures)):
        chosen = [failure for failure, yes in zip(failures, happens, strict=True) if yes]
        weight = 1.0
        for failure, yes in zip(failures, happens, strict=True):
            weight *= failure.probability if yes else 1 - failure.probability
        yield chosen, weight, down_at_rest(index, [*(down or []), *(e for f in chosen for e in f.entities)])
