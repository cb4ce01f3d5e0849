"""Baselines at 100,000 series a tick, beside an exact rolling median and MAD of the same ticks; snapshot and memory.

A tick brings one sample of every series, a minute apart, through `engine.evidence.baselines`: each falls into a new
slot of the fine ring, a fifth of them into the coarse one, and once an hour every series learns its hour. The peer
keeps the last 60 values of every series and computes their median and MAD at each tick (`numpy.median`). CPU seconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.packing import packed, unpacked
from engine.evidence.baselines.store import Store
from engine.evidence.telemetry import Members, Telemetry

SERIES = 100_000
MINUTE = 60_000
START = 1_699_833_600_000
FILLED = 40
MEASURED = 120
EXACT = 60
PER_ENTITY = 20
ASKED = 500
Figures = dict[str, dict[str, list[float]]]


def report(repetitions: int) -> tuple[str, Figures]:
    """A table as Markdown, with all figures."""
    figures: Figures = {}
    for _ in range(repetitions):
        for row, (ours, peer) in _once().items():
            cells = figures.setdefault(row, {"headwater": [], "peer": []})
            cells["headwater"].append(ours)
            if peer is not None:
                cells["peer"].append(peer)
    lines = ["| | Headwater | exact rolling median and MAD | ratio |", "|---|---|---|---|"]
    for row, cells in figures.items():
        ratios = [ours / peer for ours, peer in zip(cells["headwater"], cells["peer"], strict=False)]
        ratio = f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})" if ratios else ""
        lines.append(f"| {row} | {_cell(cells['headwater'])} | {_cell(cells['peer'])} | {ratio} |")
    return "\n".join(lines), figures


def _once() -> dict[str, tuple[float, float | None]]:
    store = Store()
    before = _held(store)
    for number in range(SERIES):
        store.new(f"{number:032x}", f"entity-{number // PER_ENTITY}", f"metric_{number % PER_ENTITY}")
    refs = np.arange(SERIES, dtype=np.int64) * 2
    values = np.random.default_rng(1).normal(100, 10, (16, SERIES))

    def ticks(minutes: Iterable[int]) -> None:
        for minute in minutes:
            store.take(refs, np.full(SERIES, START + minute * MINUTE, np.int64), values[minute % 16])

    ticks(range(FILLED))
    ours = _cpu(lambda: ticks(range(FILLED, FILLED + MEASURED)))
    window = np.tile(values, (4, 1))[:EXACT].T.copy()
    peer = _cpu(lambda: [_exact(window, values[n]) for n in range(3)]) / 3
    recent = _held(store) - before
    ticks(range(4 * 60, 53 * 60, 5))  # two days, so that every series has its buckets
    told: list[bytes] = []
    encode = _cpu(lambda: told.append(msgspec.msgpack.encode(packed(store))))
    decode = _cpu(lambda: unpacked(msgspec.msgpack.decode(told[0])))
    return {
        "samples through baselines, per CPU s": (SERIES * MEASURED / ours, SERIES / peer),
        "bytes per series, columns, hours of history": (recent / SERIES, EXACT * 8.0),
        "bytes per series, columns, with hours of the week": (store.bytes_held() / SERIES, None),
        "bytes per series, index by key": (_index(store) / SERIES, None),
        "deviations of 20 series, ms": (1000 * _asked(store), None),
        "snapshot of 100,000 series, ms": (1000 * encode, None),
        "snapshot, MB": (len(told[0]) / 1e6, None),
        "restore, ms": (1000 * decode, None),
    }


def _exact(window: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviation of a tick's values from the median of the last 60, in MADs; the oldest value gives way."""
    median = np.median(window, axis=1)
    spread = np.median(np.abs(window - median[:, None]), axis=1)
    window[:, :-1] = window[:, 1:]
    window[:, -1] = values
    return np.asarray((values - median) / (1.4826 * spread))


def _asked(store: Store) -> float:
    """CPU seconds of one entity's deviations."""
    telemetry = Telemetry(most_watched=0)
    telemetry.store = store
    asked = np.arange(PER_ENTITY) * 2
    members = telemetry.series
    now = int(store.tables[0].rings.fine.newest[0])
    for number in range(ASKED):
        members[f"entity-{number}"] = Members(telemetry, (asked + number * 2 * PER_ENTITY).tolist())
    return _cpu(lambda: [list(telemetry.deviations(name, now - 10 * MINUTE, now)) for name in members]) / ASKED


def _held(store: Store) -> float:
    return float(store.bytes_held())


def _index(store: Store) -> float:
    """The dictionary, its numbers, and the references to its keys; the keys belong to the label sets."""
    return sys.getsizeof(store.by_key) + 28.0 * len(store.by_key) + 8.0 * len(store.by_key)


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    spread = f" ±{(max(values) - min(values)) / middle:.0%}" if middle and len(values) > 1 else ""
    return (f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}") + spread
