"""The storm of `bench.storm` in the core alone, with series of its 500 leaves and without: what evidence costs.

10,000 alerts within two seconds; before them half an hour of four series of each leaf and of the switch, a point a
minute, in which the trouble does not show yet. Then time goes on until the allowed lateness is over, with a point of
every series a minute that shows it.
"""

from __future__ import annotations

import random
import statistics
import time
from array import array

from bench import alerts
from bench.headwater import STORM_SERVICES, catalogue
from bench.storm import ALERTS_EACH
from engine.core import Core
from engine.library import Library
from engine.signals import Activation, Labels, SampleTable, Signal
from ingest.decoders import decode
from topology.loading import load

METRICS = ("latency_seconds_mean", "errors_rate", "cpu_usage", "requests_rate")
MINUTE, HISTORY = 60_000, 30
BATCH = 100
SPREAD = 20
"""Milliseconds between two batches."""
AFTER = 4
Rows = dict[str, dict[str, list[float]]]


def measure(repetitions: int) -> Rows:
    """Row -> measured or unmeasured -> seconds of CPU, per repetition."""
    found: Rows = {}
    topology, problems = load({"catalogue.yaml": catalogue().encode()})
    assert topology is not None, problems
    begin = int(time.time()) * 1000
    entities = [f"leaf-{n:03}" for n in range(STORM_SERVICES)] + ["switch-7"]
    sent = _storm(begin)
    for _ in range(repetitions):
        for who in ("unmeasured", "measured"):
            library = Library()
            version = library.add_topology(topology)
            core = Core(library)
            core.handle(1, [Activation("topology", version)], begin - HISTORY * MINUTE)
            feed = _Feed(core, entities if who == "measured" else [])
            for minute in range(-HISTORY, 0):
                feed.minute(begin + minute * MINUTE, worse=False)
            begun = time.process_time()
            for number, signals in enumerate(sent):
                core.handle(feed.next(), signals, begin + 1_000 + number * SPREAD)
            taken = time.process_time()
            for minute in range(1, AFTER):
                feed.minute(begin + minute * MINUTE, worse=True)
            core.tick(begin + AFTER * MINUTE)
            done = time.process_time()
            causes = sorted(str(one.cause) for one in core.state.incidents.values() if one.told and one.alerts)
            assert causes == ["switch-7"], causes
            found.setdefault("storm taken (s)", {}).setdefault(who, []).append(taken - begun)
            found.setdefault("until the last pass after it (s)", {}).setdefault(who, []).append(done - taken)
    return found


def table(rows: Rows) -> str:
    """The figures as Markdown."""
    lines = ["| CPU s, 10,000 alerts | measured | unmeasured | measured : unmeasured |", "|---|---|---|---|"]
    for row, by_who in rows.items():
        ours, others = by_who["measured"], by_who["unmeasured"]
        ratios = [one / other for one, other in zip(ours, others, strict=True)]
        cells = (f"{statistics.median(values):.3g}" for values in (ours, others, ratios))
        lines.append(f"| {row} | {' | '.join(cells)} ({min(ratios):.3g} … {max(ratios):.3g}) |")
    return "\n".join(lines)


class _Feed:
    """A point a minute of each series."""

    def __init__(self, core: Core, entities: list[str]) -> None:
        self._core = core
        self._entities = entities
        self._position = 1
        self._labels = tuple(Labels.of({"__name__": m, "service": e}) for e in entities for m in METRICS)
        self._draw = random.Random("storm")

    def next(self) -> int:
        self._position += 1
        return self._position

    def minute(self, at: int, *, worse: bool) -> None:
        if not self._labels:
            self._core.tick(at + 5_000)
            return
        draw = self._draw.random
        values = array("d")
        for _ in self._entities:
            values.extend((0.1 + 0.01 * draw() + worse, 0.01 * draw() + worse, 20 + draw(), 100 + draw()))
        rows = array("q", range(len(self._labels)))
        table = SampleTable(self._labels, rows, array("q", [at]) * len(rows), values)
        self._core.handle(self.next(), [table], at + 5_000)


def _storm(begin: int) -> list[tuple[Signal, ...]]:
    on = [(f"leaf-{n:03}", f"Check{k}") for n in range(STORM_SERVICES) for k in range(ALERTS_EACH)]
    on.append(("switch-7", "LinkDown"))
    random.Random("storm").shuffle(on)
    rendered = [alerts.alert(n, begin / 1000, on=entity, name=name) for n, (entity, name) in enumerate(on)]
    bodies = (f"[{','.join(rendered[at : at + BATCH])}]".encode() for at in range(0, len(rendered), BATCH))
    return [decode("alertmanager-v2", body).signals for body in bodies]
