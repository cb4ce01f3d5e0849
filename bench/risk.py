"""Sampled worlds, next failures and single points on a cone of 10,000 entities: `python bench/run.py --only risk`.

Beside Headwater: a plain-Python worklist over dictionaries with the same meaning (k of n), and networkx reachability,
which knows no redundancy. Both run fewer worlds and are compared per world. Seconds of CPU.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import networkx as nx
import numpy as np

from topology.continuity import Continuity, SharedFate
from topology.cutout import bools
from topology.cuts import next_failures
from topology.field import Field, field
from topology.model import Dependency, Entity, Group, Kind, Topology
from topology.risk import WORLDS, assess
from topology.sampling import failing, hazards
from topology.single_points import single_points

ENTITIES = 10_000
BUSINESS = 100
FEW = 100
"""Worlds of the plain-Python sweep and of networkx."""
SHARES = ((Kind.SERVICE, 0.72, 5), (Kind.DATABASE, 0.08, 1), (Kind.HOST, 0.18, 1), (Kind.NETWORK_DEVICE, 0.02, 1))
"""Kind, share of all entities, layers."""

Worlds = list[list[str]]
Rows = dict[str, dict[str, float]]


def catalogue(count: int = ENTITIES, seed: int = 1) -> Topology:
    """Layers of services on databases on pairs of hosts on pairs of network devices; `BUSINESS` business services, and
    one process that needs them all, so that everything is in its cone. Racks of 20 hosts share a fate."""
    draw = random.Random(seed)
    layers: list[list[Entity]] = [[Entity(id="all", kind=Kind.BUSINESS_PROCESS, tier=0)]]
    layers.append(
        [Entity(id=f"biz-{n}", kind=Kind.BUSINESS_SERVICE, tier=n % 3, users=n * 100) for n in range(BUSINESS)]
    )
    for kind, share, parts in SHARES:
        for part in range(parts):
            said = [Continuity(fates=(f"rack-{n // 20}",)) if kind is Kind.HOST else Continuity() for n in range(count)]
            size = int((count - BUSINESS - 1) * share / parts)
            layers.append([Entity(id=f"{kind}-{part}-{n}", kind=kind, continuity=said[n]) for n in range(size)])
    dependencies, groups = [], []
    for upper, lower in pairwise(layers):
        paired = lower[0].kind in (Kind.HOST, Kind.NETWORK_DEVICE)
        wanted: dict[str, set[str]] = defaultdict(set)
        for place, provider in enumerate(lower):  # nobody is left out
            wanted[upper[place % len(upper)].id].add(provider.id)
        for consumer in upper:
            chosen = wanted[consumer.id]
            while len(chosen) < 2:
                chosen.add(draw.choice(lower).id)
            named = sorted(chosen)
            group = "pair" if paired else ""
            dependencies += [Dependency(consumer=consumer.id, provider=name, group=group) for name in named]
            if paired:
                groups.append(Group(consumer=consumer.id, name=group, need=1))
    fates = [SharedFate(name=f"rack-{n}") for n in range(count // 20)]
    return Topology.build([entity for layer in layers for entity in layer], dependencies, groups, fates)


def measure(repetitions: int) -> dict[str, dict[str, list[float]]]:
    """Row -> who -> seconds of CPU per repetition."""
    index = catalogue()
    assert len(field(index, ["all"]).cutout) == len(index.entities)  # also imports what compiling needs
    graph = nx.DiGraph((d.provider, d.consumer) for d in index.dependencies)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for turn in range(repetitions):
        for row, by in _once(index, graph, turn).items():
            for who, seconds in by.items():
                found[row][who].append(seconds)
    return found


def _once(index: Topology, graph: nx.DiGraph[str], seed: int) -> Rows:
    anew = Topology.decode(index.encode())  # nothing is kept from the repetition before
    compiling = _timed(lambda: anew.compiled)
    ground = field(anew, ["all"])
    hazard = hazards(np.array([failure.probability for failure in ground.failures]))
    failure, world = failing(hazard, WORLDS, (seed,))
    few = _named(ground, failure, world)
    plain, reached = Plain(index), Reach(graph)
    assert _agree(ground, failure, world, [plain.down(failed) for failed in few])
    business = [f"biz-{n}" for n in range(BUSINESS)]
    return {
        f"compiling {len(index.entities):,} entities": {"headwater": compiling},
        f"who is down in {WORLDS:,} worlds": {
            "headwater": _timed(lambda: _fallen(ground, *failing(hazard, WORLDS, (seed,)))),
            "dictionaries": _timed(lambda: [plain.down(failed) for failed in few]) * WORLDS / FEW,
            "networkx": _timed(lambda: [reached.down(failed) for failed in few]) * WORLDS / FEW,
        },
        "risk of the whole cone's process": {"headwater": _timed(lambda: assess(anew, ["all"]))},
        f"risk of {BUSINESS} business services, each in {WORLDS:,} worlds": {
            "headwater": _timed(lambda: assess(anew, business))
        },
        f"next failures of {BUSINESS} business services": {"headwater": _timed(lambda: next_failures(anew, business))},
        "single points of failure, hollow groups, what only degrades": {
            "headwater": _timed(lambda: single_points(anew)),
            "dictionaries": _timed(lambda: [plain.down([f.name]) for f in ground.failures[:FEW]])
            * len(ground.failures) / FEW,
        },
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _fallen(ground: Field, failure: np.ndarray, world: np.ndarray) -> int:
    """How often the target is down."""
    down = 0
    for first, last in ground.passes(WORLDS):
        here = (world >= first) & (world < last)
        down += int(
            bools(ground.fallen(failure[here], world[here] - first, last - first)[ground.rows], last - first).sum()
        )
    return down


def _named(ground: Field, failure: np.ndarray, world: np.ndarray) -> Worlds:
    named: Worlds = [[] for _ in range(FEW)]
    for which, where in zip(failure.tolist(), world.tolist(), strict=True):
        if where < FEW:
            named[where] += ground.failures[which].entities
    return named


def _agree(ground: Field, failure: np.ndarray, world: np.ndarray, plain: Sequence[set[str]]) -> bool:
    here = world < FEW
    down = bools(ground.fallen(failure[here], world[here], FEW), FEW)
    names = ground.cutout.compiled.names
    return all({names[row] for row in np.flatnonzero(down[:, n]).tolist()} == each for n, each in enumerate(plain))


class Plain:
    """A worklist over dictionaries."""

    def __init__(self, index: Topology) -> None:
        self.hard: dict[str, list[str]] = defaultdict(list)
        self.grouped: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.spare: dict[tuple[str, str], int] = {key: -group.need for key, group in index.groups.items()}
        for d in index.dependencies:
            if d.group:
                self.grouped[d.provider].append((d.consumer, d.group))
                self.spare[d.consumer, d.group] += 1
            else:
                self.hard[d.provider].append(d.consumer)

    def down(self, failed: Sequence[str]) -> set[str]:
        """Who is down."""
        found, todo = set(failed), list(set(failed))
        lost: dict[tuple[str, str], int] = defaultdict(int)
        while todo:
            entity = todo.pop()
            fallen = list(self.hard[entity])
            for group in self.grouped[entity]:
                lost[group] += 1
                if lost[group] > self.spare[group]:
                    fallen.append(group[0])
            for consumer in fallen:
                if consumer not in found:
                    found.add(consumer)
                    todo.append(consumer)
        return found


class Reach:
    """Who is reachable from what failed."""

    def __init__(self, graph: nx.DiGraph[str]) -> None:
        self.graph = graph

    def down(self, failed: Sequence[str]) -> set[str]:
        """Failed entities hang on one more node while it is asked."""
        self.graph.add_edges_from(("", name) for name in failed)
        found = nx.descendants(self.graph, "") if failed else set()
        if failed:
            self.graph.remove_node("")
        return found


def table(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Medians and ratios as Markdown."""
    others = ("dictionaries", "networkx")
    lines = ["| CPU seconds | Headwater | dictionaries : Headwater | networkx : Headwater |", "|---|---|---|---|"]
    for row, by in figures.items():
        mine = by["headwater"]
        spread = f" ±{(max(mine) - min(mine)) / statistics.median(mine):.0%}" if len(mine) > 1 else ""
        cells = [f"{statistics.median(mine):.3g}{spread}"]
        for other in others:
            ratios = [theirs / ours for theirs, ours in zip(by.get(other, ()), mine, strict=False)]
            cells.append(f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})" if ratios else "")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)
