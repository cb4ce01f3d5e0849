"""How long one look at an incident's evidence takes: verdicts of its alerts, stances, and the ranking of its cause.

A layered topology of 10,000 entities with 60,000 dependencies; every entity has four series, half an hour of them, a
point a minute. One entity at the bottom slows down, and so do those that need it, nearest first, which alert: 10, 100
or 500 of them. *Look* is everything from the timer to the new verdicts and revisions; *ranking* the causes alone, with
the profiles that it asks for. The peer ranks the same entities by personalised PageRank (networkx, from the alerting
ones towards their providers), the usual random walk; it knows no series. CPU seconds.
"""

from __future__ import annotations

import random
import statistics
import time
from array import array
from collections import defaultdict

import networkx

from engine.cause.rank import rank
from engine.cells import nodes
from engine.core import Core
from engine.correlate.graph import Horizon, SymptomGraph
from engine.correlate.partition import partition
from engine.inquiry import Inquiry
from engine.library import Library
from engine.settle import evidence_due
from engine.signals import Activation, AlertEvent, Labels, SampleTable
from topology.model import Dependency, Entity, Topology

ENTITIES, LAYERS, EACH = 10_000, 10, 6
SIZES = (10, 100, 500)
METRICS = ("latency_seconds_mean", "errors_rate", "cpu_usage", "requests_rate")
MINUTE = 60_000
START = 1_795_332_720_000
HISTORY, LATER = 30, 5
Rows = dict[str, dict[str, list[float]]]


def measure(repetitions: int) -> Rows:
    """Row -> who -> milliseconds of CPU, per repetition."""
    found: Rows = defaultdict(lambda: defaultdict(list))
    edges = _edges()
    topology = Topology.build(
        [Entity(id=_name(n)) for n in range(ENTITIES)],
        [Dependency(consumer=_name(a), provider=_name(b)) for a, b in edges],
    )
    graph = networkx.DiGraph((_name(a), _name(b)) for a, b in edges)
    for size in SIZES:
        hit = _hit(edges, size)
        for _ in range(repetitions):
            core = _core(topology, hit)
            found[f"{size} alerts: look (ms)"]["headwater"].append(_look(core))
            took, cause = _ranking(core)
            assert cause == _name(hit[0]), f"{cause} for {_name(hit[0])}"
            row = found[f"{size} alerts: ranking (ms)"]
            row["headwater"].append(took)
            begun = time.process_time()
            networkx.pagerank(graph, personalization={_name(n): 1.0 for n in hit})
            row["pagerank"].append(1000 * (time.process_time() - begun))
    return found


def table(rows: Rows) -> str:
    """The figures as Markdown."""
    lines = ["| | Headwater | personalised PageRank | PageRank : Headwater |", "|---|---|---|---|"]
    for row, by_who in rows.items():
        ours, theirs = by_who["headwater"], by_who.get("pagerank", [])
        ratios = [other / one for one, other in zip(ours, theirs, strict=False)]
        ratio = f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})" if ratios else ""
        lines.append(f"| {row} | {_cell(ours)} | {_cell(theirs)} | {ratio} |")
    return "\n".join(lines)


def _name(number: int) -> str:
    return f"e{number:05}"


def _edges() -> list[tuple[int, int]]:
    """Every entity but the lowest depends on others of the next layers, a few of which are popular."""
    draw = random.Random("inquiry")
    width = ENTITIES // LAYERS
    found: set[tuple[int, int]] = set()
    while len(found) < ENTITIES * EACH:
        consumer = draw.randrange(ENTITIES - width)
        layer = consumer // width + 1
        found.add((consumer, layer * width + int(width * draw.random() ** 2)))
    return sorted(found)


def _hit(edges: list[tuple[int, int]], size: int) -> list[int]:
    """An entity of the lowest layer, and those that need it, nearest first."""
    consumers: dict[int, list[int]] = defaultdict(list)
    for consumer, provider in edges:
        consumers[provider].append(consumer)
    found = [ENTITIES - 400]
    for entity in found:
        found += [one for one in consumers[entity] if one not in set(found)]
        if len(found) >= size:
            break
    return found[:size]


def _core(topology: Topology, hit: list[int]) -> Core:
    """With half an hour of series, the trouble, and the alerts of those that it hits."""
    library = Library()
    version = library.add_topology(topology)
    core = Core(library)
    core.state.telemetry.most_watched = 0
    core.handle(1, [Activation("topology", version)], START)
    labels = tuple(Labels.of({"__name__": m, "service": _name(n)}) for n in range(ENTITIES) for m in METRICS)
    draw = random.Random("series")
    position = 1
    begin = START + HISTORY * MINUTE
    slow = set(hit)
    for minute in range(HISTORY + LATER):
        at = START + minute * MINUTE
        values = array("d")
        for n in range(ENTITIES):
            worse = n in slow and minute >= HISTORY
            latency = 0.1 + 0.01 * draw.random() + (0.5 if worse else 0.0)
            values.extend((latency, 0.01 * draw.random(), 20 + 70 * (worse and n == hit[0]), 100 + draw.random()))
        position += 1
        rows = array("q", range(len(labels)))
        core.handle(position, [SampleTable(labels, rows, array("q", [at]) * len(labels), values)], at + 5_000)
        if minute == HISTORY:
            for n in hit:
                position += 1
                alert = Labels.of({"alertname": "Slow", "service": _name(n), "severity": "critical"})
                core.handle(position, [AlertEvent(alert, starts_at=begin)], at + 6_000)
    return core


def _look(core: Core) -> float:
    """Milliseconds of one look at the domain's evidence."""
    context = core._context
    (name,) = [d.name for d in context.state.domains.values() if d.open]
    begun = time.process_time()
    evidence_due(context, name, context.state.now + 1)
    return 1000 * (time.process_time() - begun)


def _ranking(core: Core) -> tuple[float, str]:
    """(milliseconds of ranking the largest trouble's causes, the best one)."""
    context = core._context
    (domain,) = [d for d in context.state.domains.values() if d.open]
    limits = context.rules.correlation
    horizon = Horizon(limits.window, limits.recover_after, limits.group_wait)
    now = context.state.now + 2
    (part,) = nodes(context, domain, horizon, now, anew=False)
    graph = SymptomGraph(part, context.topology, horizon)
    trouble = max(partition(graph), key=lambda one: len(one.nodes))
    begun = time.process_time()
    inquiry = Inquiry(context, graph, trouble, now)
    ranked = rank(graph, trouble, inquiry.own, inquiry.suspicion())
    return 1000 * (time.process_time() - begun), ranked.candidates[0].entity


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    return f"{middle:,.3g} ±{(max(values) - min(values)) / middle:.0%}" if len(values) > 1 else f"{middle:,.3g}"
