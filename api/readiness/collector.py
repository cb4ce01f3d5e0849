"""Readiness as Prometheus reads it: https://prometheus.io/docs/practices/naming/. No label carries a stranger's text.

Histograms and counts are made of the stored incidents, not of what this process has seen: they survive a restart. They
lose the incidents that retention takes, which Prometheus takes for a reset of the counter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.readiness.book import DAY, Book
from engine.errors import StoreUnavailable
from engine.readiness.figures import by_phase
from engine.readiness.phases import PHASES, Past
from engine.readiness.report import Readiness

BUCKETS = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Seconds, up to a day."""
YES_NO = {True: "true", False: "false", None: "unknown"}
WINDOW = 90
"""Days over which shares are taken."""


class ReadinessMetrics(Collector):
    """Registers itself."""

    def __init__(self, book: Book, registry: CollectorRegistry) -> None:
        self._book = book
        self._latest: Sequence[Metric] = ()
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would collect when it starts."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All of it; while the store cannot be read, what it said last."""
        try:
            rows, drills = self._book.past(), self._book.drilled()
            since, until = self._book.period(WINDOW)
            found = self._book.readiness(since, until)
        except StoreUnavailable:
            return self._latest
        over = [one for one, _ in rows]
        times = (*_durations(over), *_durations(drills, "drill"))
        self._latest = [*times, *_met(over), *_shares(found), *_coverage(found), *_figures(found)]
        return self._latest


def _durations(over: Sequence[Past], kind: str = "incident") -> Iterable[Metric]:
    """A histogram for each phase; drills have their own."""
    real = [one for one in over if not one.false_alarm]
    for phase, rows in by_phase(real).items():
        family = HistogramMetricFamily(f"headwater_{kind}_{phase}_seconds", PHASES[phase], labels=("severity",))
        for severity in sorted({severity for severity, _ in rows}):
            values = [seconds for one, seconds in rows if one == severity]
            family.add_metric((severity,), _buckets(values), sum(values))
        yield family


def _buckets(values: Sequence[float]) -> list[tuple[str, float]]:
    ordered = sorted(values)
    counts = Counter(bisect_left(BUCKETS, value) for value in ordered)
    total, rows = 0, []
    for place, bound in enumerate((*map(float, BUCKETS), float("inf"))):
        total += counts[place]
        rows.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
    return rows


def _met(over: Sequence[Past]) -> Iterable[Metric]:
    real = [one for one in over if not one.false_alarm]
    objectives = CounterMetricFamily(
        "headwater_objectives", "Times that a recovery objective was at stake, by whether it was met.",
        labels=("objective", "met"),
    )  # fmt: skip
    for (kind, met), count in sorted(Counter((m.kind, YES_NO[m.met]) for one in real for m in one.objectives).items()):
        objectives.add_metric((kind, met), count)
    deadlines = CounterMetricFamily(
        "headwater_regulatory_deadlines", "Regulatory deadlines of incidents that are over, by whether they were met.",
        labels=("regime", "met"),
    )  # fmt: skip
    for (kind, met), count in sorted(Counter((m.kind, YES_NO[m.met]) for one in real for m in one.deadlines).items()):
        deadlines.add_metric((kind, met), count)
    over_ = CounterMetricFamily(
        "headwater_incidents_over", "Incidents that are over, by whether people dismissed them.",
        labels=("false_alarm",),
    )  # fmt: skip
    for false_alarm in (False, True):
        over_.add_metric((YES_NO[false_alarm],), sum(one.false_alarm is false_alarm for one in over))
    return objectives, deadlines, over_


def _shares(found: Readiness) -> Iterable[Metric]:
    rows = (
        ("headwater_false_alarm_ratio", "Share of false ones among the alerts that people judged.", "alerts_false"),
        (
            "headwater_false_suppression_ratio",
            "Share of real ones among the alerts that were kept back and that people judged.",
            "suppressed_real",
        ),
    )
    for name, text, field in rows:
        value = getattr(found.alarms, field)
        if value.value is not None:
            yield GaugeMetricFamily(name, f"{text} Over {WINDOW} days.", value.value)
        yield GaugeMetricFamily(name.replace("_ratio", "_judged"), f"Of how many: {text}", value.count)


def _coverage(found: Readiness) -> Iterable[Metric]:
    covered = GaugeMetricFamily(
        "headwater_coverage_entities", "Entities in scope that have what readiness takes.", labels=("aspect",)
    )
    for row in found.coverage:
        covered.add_metric((row.aspect,), row.covered)
    scope = GaugeMetricFamily(
        "headwater_coverage_scope_entities",
        "Services, databases, queues and business services in scope.",
        found.coverage[0].count if found.coverage else 0,
    )
    return covered, scope


def _figures(found: Readiness) -> Iterable[Metric]:
    for figure in found.figures:
        if figure.value is not None:
            yield GaugeMetricFamily(f"headwater_{figure.id}", figure.text, figure.value)


def days(found: Readiness) -> int:
    """How long the period is."""
    return round((found.until - found.since) / DAY)
