"""Spans per second through assembly and counting, on one core: `python bench/run.py --only traces`.

The limit beside it: the least that any account of spans does, on the same spans in the same run: one dictionary look-up
and one addition per span ("counting"), and the same with the parent found through a dictionary of the trace's spans
("pairing"). Seconds of CPU; the spans are those of a shop of 12 services, 24 spans a trace.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from engine.evidence.traces.store import Traces
from engine.evidence.traces.view import Look
from engine.signals import Labels, Span

TRACES = 8_000
SERVICES = 12
PER_MINUTE = 400
"""Traces a minute: all that is kept by minute and by block is in use."""
NOBODY = Labels.of({"service": "x"})
START = 1_767_225_600_000_000

Sent = tuple[str, Span]
Rows = dict[str, list[float]]


def spans(traces: int = TRACES) -> list[Sent]:
    """Children before parents, as they end; a client span and a server span for each call."""
    sent: list[Sent] = []
    for number in range(traces):
        begin = START + number * 60_000_000 // PER_MINUTE
        of: list[Sent] = []
        for service in range(SERVICES):
            start, lasts = begin + service * 150, 40_000 - service * 3_000 + number * 37 % 900
            above = f"{(service - 1) // 2}c{service}" if service else ""
            of.append(_span(f"e{service}", number, f"{service}s", above, start, lasts, "server"))
            for callee in (2 * service + 1, 2 * service + 2):
                if callee < SERVICES:
                    inner = (f"{service}c{callee}", f"{service}s", start + 50, lasts - 2_000, "client")
                    of.append(_span(f"e{service}", number, *inner))
        sent += reversed(of)
    return sent


def _span(entity: str, trace: int, span: str, parent: str, start: int, lasts: int, kind: str) -> Sent:
    operation = f"{kind} {span[-1]}"
    end = (start + lasts) // 1000
    return entity, Span(NOBODY, f"{trace:032x}", span, parent, operation, start // 1000, end, False, kind, start, lasts)


def headwater(sent: Sequence[Sent]) -> Traces:
    """The engine's own state."""
    traces = Traces()
    for entity, span in sent:
        traces.add(entity, span, 1 << 60)
    return traces


def counting(sent: Sequence[Sent]) -> dict[tuple[str, str], int]:
    """Microseconds by entity and operation."""
    sums: dict[tuple[str, str], int] = {}
    for entity, span in sent:
        key = (entity, span.operation)
        sums[key] = sums.get(key, 0) + (span.duration_us or 0)
    return sums


def pairing(sent: Sequence[Sent]) -> dict[tuple[str, str], int]:
    """Calls by consumer and provider; every trace is held for ever."""
    held: dict[str, dict[str, str]] = {}
    waiting: dict[tuple[str, str], list[str]] = {}
    calls: dict[tuple[str, str], int] = {}
    for entity, span in sent:
        of = held.setdefault(span.trace, {})
        of[span.span] = entity
        ends = [(entity, child) for child in waiting.pop((span.trace, span.span), ())]
        if span.parent in of:
            ends.append((of[span.parent], entity))
        elif span.parent:
            waiting.setdefault((span.trace, span.parent), []).append(entity)
        for edge in ends:
            if edge[0] != edge[1]:
                calls[edge] = calls.get(edge, 0) + 1
    return calls


def measure(repetitions: int) -> Rows:
    """Spans per second of CPU, and the milliseconds of one look at all entities, per repetition."""
    sent = spans()
    rows: Rows = {"headwater": [], "counting": [], "pairing": [], "look": []}
    peers: dict[str, Callable[[Sequence[Sent]], object]] = {
        "headwater": headwater,
        "counting": counting,
        "pairing": pairing,
    }
    for _ in range(repetitions):
        for name, run in peers.items():
            began = time.process_time()
            made = run(sent)
            rows[name].append(len(sent) / (time.process_time() - began))
            if isinstance(made, Traces):
                until = made.latest * 60_000
                began = time.process_time()
                look = Look(made, until - 300_000, until)
                found = [look.of(entity) for entity in made.entities]
                rows["look"].append((time.process_time() - began) * 1000)
                assert all(one.self_time for one in found)
    return rows


def table(rows: Rows) -> str:
    """Medians with their spread, and the ratio to Headwater in the same repetition."""
    lines = ["| spans through | thousand per CPU s | Headwater : this |", "|---|---|---|"]
    for name in ("headwater", "pairing", "counting"):
        values = rows[name]
        ratio = statistics.median(h / v for h, v in zip(rows["headwater"], values, strict=True))
        lines.append(f"| {name} | {_spread([value / 1000 for value in values])} | {ratio:.2g} |")
    lines.append(f"| a look at all {SERVICES} entities and their edges (ms) | {_spread(rows['look'])} | |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:.3g} ±{(max(values) - min(values)) / middle:.0%}"
