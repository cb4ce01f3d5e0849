"""Headwater beside Prometheus Alertmanager, in one run on the same two cores: `python bench/run.py`, or `make bench`.

The server has one core, the generator the other. Repetitions are interleaved; the table gives medians, the spread
(largest minus smallest, of the median) and the ratio Headwater : Alertmanager with its extremes. Read the ratios: the
absolute figures move with the host. What is measured and what bounds it: docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import (
    baselines,
    graph_impact,
    graph_load,
    inquiry,
    latency,
    logs,
    measured_storm,
    memory,
    outbox,
    recovery,
    risk,
    samples,
    storm,
    throughput,
    traces,
)
from bench.peer import HEADWATER, Peer, present
from bench.process import LOAD_CORE

Figures = dict[str, dict[str, list[float]]]
"""Row -> peer -> one figure per repetition."""
PARTS = (
    "throughput",
    "latency",
    "memory",
    "storm",
    "knee",
    "risk",
    "graph",
    "traces",
    "logs",
    "baselines",
    "samples",
    "inquiry",
    "outbox",
    "recovery",
)
SERVERLESS = frozenset({"risk", "graph", "traces", "logs", "baselines", "samples", "inquiry", "outbox", "recovery"})
"""Parts that measure no server."""


async def repetition(peer: Peer, parts: Sequence[str]) -> dict[str, float]:
    """All rows of one peer, once."""
    rows: dict[str, float] = {}
    if "throughput" in parts:
        for name, (per_cpu, _) in (await throughput.measure(peer)).items():
            rows[f"{name} (alerts per CPU s)"] = per_cpu
    if "latency" in parts:
        for name, (p50, p99) in (await latency.measure(peer)).items():
            rows[f"{name}, p50 (ms)"], rows[f"{name}, p99 (ms)"] = p50, p99
    if "memory" in parts:
        rows |= await memory.measure(peer)
    if "storm" in parts:
        rows |= await storm.measure(peer)
    return rows


def table(figures: Figures) -> str:
    """The figures as Markdown."""
    lines = ["| | Alertmanager | Headwater | Headwater : Alertmanager |", "|---|---|---|---|"]
    for row, by_peer in figures.items():
        cells = [_cell(by_peer.get(peer, [])) for peer in ("alertmanager", "headwater")]
        ratios = [
            h / a for h, a in zip(by_peer.get("headwater", []), by_peer.get("alertmanager", []), strict=False) if a
        ]
        ratio = f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})" if ratios else ""
        lines.append(f"| {row} | {cells[0]} | {cells[1]} | {ratio} |")
    return "\n".join(lines)


def serverless(parts: Sequence[str], repetitions: int, generator: Path | None) -> Iterator[tuple[str, Figures]]:
    """Tables of what needs no server, with all figures."""
    if "risk" in parts:
        measured = risk.measure(repetitions)
        yield risk.table(measured), measured
    if "logs" in parts:
        counted = logs.measure(repetitions)
        yield logs.table(counted), counted
    if "graph" in parts:
        yield graph_impact.report(repetitions, generator)
        yield graph_load.report(repetitions)
    if "baselines" in parts:
        yield baselines.report(repetitions)
    if "samples" in parts:
        taken = samples.measure(repetitions)
        yield samples.table(taken), {f"samples, {row}": by_who for row, by_who in taken.items()}
    if "inquiry" in parts:
        looked = inquiry.measure(repetitions)
        yield inquiry.table(looked), looked
        hit = measured_storm.measure(repetitions)
        yield measured_storm.table(hit), hit
    if "recovery" in parts:
        yield recovery.report(repetitions)
    if "outbox" in parts:
        sent = outbox.measure(repetitions)
        yield outbox.table(sent), {f"outbox, {row}": by_kind for row, by_kind in sent.items()}
    if "traces" in parts:
        counted = traces.measure(repetitions)
        yield traces.table(counted), {"traces": counted}


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    if math.isinf(middle):
        return "not all answered"
    spread = f" ±{(max(values) - min(values)) / middle:.0%}" if middle and len(values) > 1 else ""
    return (f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}") + spread


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="measure only this (may be given more than once)"
    )
    parser.add_argument("--peer", choices=("headwater", "alertmanager"), help="measure only this one")
    parser.add_argument(
        "--topologies", type=Path, help="a Python module that generates the topologies of the graph rows instead"
    )
    parser.add_argument("--json", type=Path, help="write every figure of every repetition to this file")
    asked = parser.parse_args()
    parts = asked.only or PARTS
    peers = [peer for peer in present() if asked.peer in (None, peer.name)] if set(parts) - SERVERLESS else []
    os.sched_setaffinity(0, {LOAD_CORE})
    started = time.monotonic()
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for turn in range(asked.repetitions):
        for peer in peers:
            print(f"repetition {turn + 1} of {asked.repetitions}: {peer.name}", file=sys.stderr, flush=True)
            for row, value in uvloop.run(repetition(peer, parts)).items():
                figures[row][peer.name].append(value)
    if "knee" in parts and HEADWATER in peers:
        for row, value in uvloop.run(latency.knee(HEADWATER)).items():
            figures[row]["headwater"].append(value)
    if peers:
        print(table(figures))
    for text, measured in serverless(parts, asked.repetitions, asked.topologies):
        figures |= measured
        print(f"\n{text}", flush=True)
    if len(peers) < 2 and asked.peer is None and set(parts) - SERVERLESS:
        print("\nNO RATIOS: Alertmanager is not installed; run script/parts.")
    took = time.monotonic() - started
    print(f"\n{asked.repetitions} repetitions in {took:.0f} s, load average {os.getloadavg()[0]:.1f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
