"""Impact on generated topologies beside a plain search in C, rustworkx and networkx: `run.py --only graph`.

Headwater answers with healths, times, margins and (when asked) paths; the others only say who is reached. Repetitions
are interleaved; CPU seconds of the one process.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.graph_peers import Reach, peers
from bench.graph_topologies import MODELS, given
from topology.compiled import Compiled
from topology.impact import impact
from topology.incremental import Standing
from topology.model import Topology
from topology.parts import Dependency

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SEEDS = 1_000
SINGLES = 1_000
CONE = 1_000
"""Cones up to so many entities are measured for the change of one failure."""
NETWORKX_UP_TO = 1_000_000

Rows = dict[str, dict[str, list[float]]]
"""Row -> who -> milliseconds, one for each repetition."""


def report(repetitions: int, generator: Path | None = None, sizes: Sequence[int] = SIZES) -> tuple[str, Rows]:
    """The table as Markdown, and all figures."""
    rows: Rows = defaultdict(lambda: defaultdict(list))
    for name, make in (given(generator) if generator else MODELS).items():
        for size in sizes:
            _measure(f"{name} {size:,}", make(size, 1), repetitions, rows)
            gc.collect()
    return table(rows), rows


def table(rows: Rows) -> str:
    """Medians ± spread in milliseconds of CPU time, and how many times as long the others take."""
    whose = ("Headwater", "plain C", "rustworkx", "networkx")
    lines = ["| CPU ms | " + " | ".join(whose) + " | Headwater : C | rustworkx : Headwater | networkx : Headwater |",
             "|---|" + 7 * "---|"]  # fmt: skip
    for row, figures in rows.items():
        cells = [_cell(figures.get(who, [])) for who in whose]
        ratios = [
            _ratio(figures.get(a, []), figures.get(b, []))
            for a, b in (("Headwater", "plain C"), ("rustworkx", "Headwater"), ("networkx", "Headwater"))
        ]
        lines.append(f"| {row} | " + " | ".join(cells + ratios) + " |")
    return "\n".join(lines)


def _measure(name: str, topology: Topology, repetitions: int, rows: Rows) -> None:
    print(f"graph: {name}, {len(topology.compiled.consumer):,} dependencies", file=sys.stderr, flush=True)
    compiled = topology.compiled
    others = peers(compiled, NETWORKX_UP_TO)
    rng = np.random.default_rng(2)
    seeds = rng.choice(len(compiled.names), min(SEEDS, len(compiled.names) // 10), replace=False).tolist()
    hub = [int(np.argmax(np.bincount(compiled.provider)))]
    for label, chosen in ((f"{len(seeds):,} seeds", seeds), ("hub", hub)):
        own = {compiled.names[number]: 0 for number in chosen}
        _interleaved(rows[f"{name}: {label}"], lambda own=own: impact(topology, own), others, chosen, repetitions)
    _singles(name, topology, others, rng, rows)
    _changes(name, compiled, others, rng, rows)
    _dependencies(name, compiled, rng, rows)


def _interleaved(
    row: dict[str, list[float]], mine: Callable[[], object], others: dict[str, Reach], chosen: list[int], times: int
) -> None:
    mine()  # the first answer lays the topology out; loading is another row
    for _ in range(times):
        row["Headwater"].append(_milliseconds(mine))
        for who, reach in others.items():
            row[who].append(_milliseconds(lambda reach=reach: reach(chosen)))


def _singles(name: str, topology: Topology, others: dict[str, Reach], rng: np.random.Generator, rows: Rows) -> None:
    """What if one entity, any, were down?"""
    names = topology.compiled.names
    chosen = rng.choice(len(names), min(SINGLES, len(names)), replace=False).tolist()
    taken: dict[str, list[float]] = defaultdict(list)
    for number in chosen:
        taken["Headwater"].append(_milliseconds(lambda n=number: impact(topology, {names[n]: 0})))
        for who, reach in others.items():
            if who != "networkx" or len(names) <= 10_000 or len(taken[who]) < 200:
                taken[who].append(_milliseconds(lambda n=number, reach=reach: reach([n])))
    for who, values in taken.items():
        rows[f"{name}: one entity, p50"][who].append(float(np.percentile(values, 50)))
        rows[f"{name}: one entity, p99"][who].append(float(np.percentile(values, 99)))


def _changes(name: str, compiled: Compiled, others: dict[str, Reach], rng: np.random.Generator, rows: Rows) -> None:
    """One failure comes, or goes; cones under a thousand entities."""
    standing = Standing(compiled)
    taken: dict[str, list[float]] = defaultdict(list)
    for number in rng.choice(len(compiled.names), min(SINGLES, len(compiled.names)), replace=False).tolist():
        entity, cone = compiled.names[number], [0]

        def change(health: int, entity: str = entity, cone: list[int] = cone) -> None:
            cone[0] = len(standing.change({entity: health}))

        times = [_milliseconds(lambda health=health: change(health)) for health in (0, 1000)]
        if 10 <= cone[0] < CONE:
            taken["Headwater"] += times
            if "plain C" in others:
                taken["plain C"].append(_milliseconds(lambda n=number: others["plain C"]([n])))
    for who, values in taken.items():
        rows[f"{name}: one failure changed, cone of 10 … {CONE:,}, p50"][who].append(float(np.percentile(values, 50)))
        rows[f"{name}: one failure changed, cone of 10 … {CONE:,}, p99"][who].append(float(np.percentile(values, 99)))


def _dependencies(name: str, compiled: Compiled, rng: np.random.Generator, rows: Rows) -> None:
    """One dependency comes, and goes, while its provider is down; cones under a thousand entities."""
    taken: list[float] = []
    standing = Standing(compiled)
    for a, b in rng.choice(len(compiled.names), (SINGLES, 2)).tolist():
        consumer, provider = (a, b) if compiled.level[a] > compiled.level[b] else (b, a)
        if compiled.level[consumer] == compiled.level[provider]:
            continue
        hit = [0]
        added = Dependency(consumer=compiled.names[consumer], provider=compiled.names[provider])
        standing.change({added.provider: 0})

        def come(added: Dependency = added, hit: list[int] = hit) -> None:
            hit[0] = len(standing.rewire(added=[added]))

        times = [_milliseconds(come), _milliseconds(lambda added=added: standing.rewire(removed=[added]))]
        standing.change({added.provider: 1000})
        if 10 <= hit[0] < CONE:
            taken += times
    if taken:
        row = f"{name}: one dependency changed, cone of 10 … {CONE:,}"
        rows[f"{row}, p50"]["Headwater"].append(float(np.percentile(taken, 50)))
        rows[f"{row}, p99"]["Headwater"].append(float(np.percentile(taken, 99)))


def _milliseconds(work: Callable[[], object]) -> float:
    gc.disable()
    begin = time.process_time_ns()
    result = work()
    taken = (time.process_time_ns() - begin) / 1e6
    del result
    gc.enable()
    return taken


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    spread = f" ±{(max(values) - min(values)) / middle:.0%}" if middle and len(values) > 1 else ""
    return (f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}") + spread


def _ratio(over: list[float], under: list[float]) -> str:
    if not over or not under:
        return "–"
    if len(over) != len(under) or len(over) == 1:
        return f"{statistics.median(over) / statistics.median(under):.3g}"
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})"
