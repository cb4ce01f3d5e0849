"""Whether objectives can be met: the audit in the words of the API, kept for the version in force, and as gauges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.feasibility_schemas import AuditOf
from api.schemas import Versions
from engine.ports import Clock
from topology.feasibility.audit import Audit, audit
from topology.feasibility.findings import Level
from topology.model import Topology

KINDS = ("rto", "rpo", "mtd")


def day_of(millis: int) -> date:
    """The date in UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC).date()


def audit_of(found: Audit, most: int | None = None) -> AuditOf:
    """With the worst ``most`` findings."""
    counts = Counter(finding.severity.value for finding in found.findings)
    return AuditOf(
        Versions(found.version, found.version),
        found.on,
        len(found.findings),
        {level.value: counts[level.value] for level in Level},
        found.slack,
        list(found.findings[:most]),
    )


class Audits(Collector):
    """Audits of the topology in force. Today's is kept until the topology or the day is another one; it is also what
    the gauges say, so that a scrape after a reload, or after midnight, finds the new one."""

    def __init__(self, topology: Callable[[], Topology], clock: Clock, registry: CollectorRegistry) -> None:
        self._topology, self._clock = topology, clock
        self._lock = Lock()
        self._latest: Audit | None = None
        registry.register(self)

    def on(self, day: date | None = None) -> Audit:
        """As of a day; None is today."""
        topology, today = self._topology(), day_of(self._clock())
        if day is not None and day != today:
            return audit(topology, day)
        with self._lock:  # one scrape and one request must not do the same work at the same time
            latest = self._latest
            if latest is None or (latest.version, latest.on) != (topology.version, today.isoformat()):
                latest = self._latest = audit(topology, today)
        return latest

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would collect when it starts."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Findings by check and severity, and the least slack by kind of objective. No label names an entity."""
        found = self.on()
        findings = GaugeMetricFamily(
            "headwater_catalogue_findings", "Findings of the catalogue's audit.", labels=("check", "severity")
        )
        for (check, severity), count in sorted(Counter((f.check, f.severity.value) for f in found.findings).items()):
            findings.add_metric((check, severity), count)
        slack = GaugeMetricFamily(
            "headwater_catalogue_slack_seconds",
            "The least slack of an objective; negative when one cannot be met.",
            labels=("objective",),
        )
        for kind in KINDS:
            if kind in found.slack:
                slack.add_metric((kind,), found.slack[kind])
        return findings, slack
