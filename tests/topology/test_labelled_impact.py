"""Hand-labelled impact sets, given the labelled root: every entity on which they differ from the algebra has a reason.

The topologies say who calls whom, and nothing of how a call fails; every call is a hard dependency here. The reasons
are checked, not only listed:

* ``beyond the label``: it needs the root, directly or through others; the label stops before it.
* ``not connected``: no dependency that the data shows connects it with the root.
* ``against the dependencies``: the root needs it, and sent it too much, too little or what it had to refuse.
* ``starved``: it is well and gets too little to do; a hit consumer needs it, or feeds a queue that it reads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx
import pytest

from topology.impact import impact
from topology.model import Dependency, Entity, Kind, Topology

DATA = Path(__file__).parents[1] / "data" / "impact"
CASES = [json.loads(line) for line in (DATA / "labelled.jsonl").read_text().splitlines()]
DIFFERENCES = json.loads((DATA / "differences.json").read_text())


def _topology(case: dict[str, Any]) -> Topology:
    entities = [Entity(id=id, kind=Kind(kind)) for id, kind in case["entities"].items()]
    return Topology.build(entities, [Dependency(consumer=a, provider=b) for a, b in case["edges"]])


def _predicted(case: dict[str, Any]) -> set[str]:
    return set(impact(_topology(case), dict.fromkeys(case["root"], 0))) - set(case["root"])


def _reason(case: dict[str, Any], entity: str) -> str:
    """Why the algebra and the label differ on an entity; by the graph alone."""
    graph: networkx.DiGraph[str] = networkx.DiGraph(case["edges"])
    graph.add_nodes_from(case["entities"])
    roots = case["root"]
    if any(networkx.has_path(graph, entity, root) for root in roots):
        return "beyond the label"
    if any(networkx.has_path(graph, root, entity) for root in roots):
        return "against the dependencies"
    hit = _predicted(case) | set(roots)
    fed = set().union(*(graph.successors(one) for one in hit)) & set(graph.successors(entity))
    if fed or any(networkx.has_path(graph, one, entity) for one in hit):
        return "starved"
    connected = any(networkx.has_path(graph.to_undirected(as_view=True), root, entity) for root in roots)
    return "unexplained" if connected else "not connected"


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 1.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_entity_that_differs_from_the_label_is_listed_with_its_reason(case: dict[str, Any]) -> None:
    predicted, labelled = _predicted(case), set(case["impact"]) - set(case["root"])
    found = {entity: _reason(case, entity) for entity in sorted(predicted ^ labelled)}
    assert found == DIFFERENCES[case["id"]]
    assert "unexplained" not in found.values()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_apart_from_those_the_sets_are_equal(case: dict[str, Any]) -> None:
    differing = DIFFERENCES[case["id"]].keys()
    labelled = set(case["impact"]) - set(case["root"])
    assert _jaccard(_predicted(case) - differing, labelled - differing) == 1.0
    assert set(case["root"]).isdisjoint(differing)
