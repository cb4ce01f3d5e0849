"""The engine's metrics, by the naming conventions of Prometheus. No label ever carries a stranger's text.

https://prometheus.io/docs/practices/naming/. The registry is a parameter, so that two engines (and two tests) in
one process do not share counters. Per commit the hot path pays a handful of increments, whatever the number
of alerts; gauges are sampled about once a second by `sample`.
"""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from engine.drills import of_drill
from engine.lifecycle import OPEN, State
from engine.outcomes import IncidentView, TimelineEntry
from engine.ports import Page, Reader
from engine.reasons import Disposition
from engine.sending import Depth, Outbox
from engine.signals import Millis, Signal

COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
ENTRY_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
PROOF_BUCKETS = (300, 600, 900, 1200, 1800, 3600, 7200, 14400, 43200)
COUNTED, PAGE = 10_000, 500
SEVERITIES = ("SEV1", "SEV2", "SEV3", "SEV4", "SEV5")


class EngineMetrics:
    """All metrics of one engine, registered in ``registry``."""

    def __init__(self, registry: CollectorRegistry, version: str = "") -> None:
        self.registry = registry
        self._ingest(registry)
        self._commits(registry)
        self._publishing(registry)
        self._state(registry)
        self._recoveries(registry)
        self._clocks()
        self._rules()
        self._gauge("headwater_build_info", "The running version; always 1.", ("version",)).labels(version).set(1)

    def _ingest(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "headwater_alert_events_received", "Alert events accepted and durable.", ("format",), registry=registry
        )
        self.signals = Counter("headwater_signals", "Signals accepted and durable.", ("kind",), registry=registry)
        self.rejects = Counter(
            "headwater_rejects", "Parts of inputs that could not be decoded.", ("format",), registry=registry
        )
        self.redelivered = Counter(
            "headwater_redelivered_records", "Records skipped: already committed.", ("source",), registry=registry
        )
        self.poison = Counter(
            "headwater_poison_records", "Records the core failed on; kept as dead letters.", registry=registry
        )
        self.lag = self._gauge("headwater_source_lag", "Records of a source that are not yet read.", ("source",))
        self.queue_age = self._gauge("headwater_queue_age_seconds", "Age of the oldest waiting input.", ("source",))

    def _commits(self, registry: CollectorRegistry) -> None:
        self.commit_seconds = Histogram(
            "headwater_commit_seconds", "Duration of one store transaction.", buckets=COMMIT_BUCKETS, registry=registry
        )
        self.commit_entries = Histogram(
            "headwater_commit_entries", "Records per store transaction.", buckets=ENTRY_BUCKETS, registry=registry
        )
        self.decision_seconds = Histogram(
            "headwater_decision_seconds",
            "From the arrival of a group's first record to its durable decision.",
            buckets=COMMIT_BUCKETS,
            registry=registry,
        )
        self.commit_failures = Counter("headwater_commit_failures", "Failed store transactions.", registry=registry)
        self.violations = Counter(
            "headwater_determinism_violations",
            "Stored decisions that their inputs did not lead to again.",
            registry=registry,
        )
        self.resumes = Counter(
            "headwater_resumes", "Times the core was rebuilt from snapshot and input log.", registry=registry
        )
        self.position = self._gauge("headwater_input_position", "Position of the last committed input.")
        self.snapshot_age = self._gauge("headwater_snapshot_age_seconds", "Time since the last stored snapshot.")
        self.ready = self._gauge("headwater_ready", "1 when inputs are accepted.")

    def _publishing(self, registry: CollectorRegistry) -> None:
        self.publications = Counter(
            "headwater_publications", "Attempts to publish, by result.", ("sink", "result"), registry=registry
        )
        self.outbox_rows = self._gauge("headwater_outbox_rows", "Unfinished and dead publications.", ("sink", "state"))
        self.outbox_oldest = self._gauge(
            "headwater_outbox_oldest_seconds", "How long the oldest unfinished publication is due.", ("sink",)
        )
        self.breakers = self._gauge(
            "headwater_sink_breaker", "1 for the state that a sink's circuit breaker is in.", ("sink", "state")
        )
        self.duplicate_tickets = Counter(
            "headwater_duplicate_tickets", "Second tickets found for one incident and closed.", ("sink",),
            registry=registry,
        )  # fmt: skip
        self.probes = Counter(
            "headwater_probes", "Looks for a publication with an unclear answer.", ("sink", "result"), registry=registry
        )
        self.redrives = Counter("headwater_redrives", "Dead publications that a person sent again.", registry=registry)
        self.reconciliations = Counter(
            "headwater_reconciliations", "Looks for second tickets of an incident.", ("sink", "result"),
            registry=registry,
        )  # fmt: skip
        self.ticket_looks = Counter(
            "headwater_ticket_looks", "Looks at what people did in a ticket.", ("sink", "result"), registry=registry
        )
        self.ticket_events = Counter(
            "headwater_ticket_events", "Changes that flowed back from tickets.", ("sink",), registry=registry
        )
        self.publish_failures = Counter(
            "headwater_publisher_failures", "Rounds of a publisher that failed here.", ("sink",), registry=registry
        )

    def _state(self, registry: CollectorRegistry) -> None:
        self.dispositions = self._gauge("headwater_dispositions", "Current dispositions.", ("disposition",))
        self.unaccounted = self._gauge("headwater_alerts_unaccounted", "Accepted alert events not accounted for: 0.")
        self.unmapped = self._gauge("headwater_alerts_unmapped", "Active alerts that no entity could be found for.")
        self.alerts_active = self._gauge("headwater_alerts_active", "Alerts that are firing.")
        self.incidents_open = self._gauge("headwater_incidents_open", "Open incidents, drills left out.", ("severity",))
        self.drills_open = self._gauge("headwater_drills_open", "Open incidents of drills.")
        self.incidents = Counter("headwater_incidents", "Incidents opened.", registry=registry)
        self.updates_overdue = self._gauge(
            "headwater_updates_overdue", "Incidents of which stakeholders should have heard again."
        )
        self.unacknowledged = self._gauge(
            "headwater_incidents_unacknowledged", "Incidents that people were called for and nobody has acknowledged."
        )
        self.strange_tickets = self._gauge(
            "headwater_ticket_events_unknown", "Changes in tickets of incidents that are not known."
        )
        self.storm = self._gauge(
            "headwater_storm", "1 during an alert storm: more new alerts than is usual at this hour."
        )
        self.sources_dead = self._gauge("headwater_sources_dead", "Sources whose heartbeat is lost.")
        self.dead_letters = self._gauge("headwater_dead_letters_open", "Unusable inputs that wait for a person.")
        self.held = self._gauge("headwater_alerts_held", "Alerts that wait for a gate's deadline or for settling.")
        self.suppressed = self._gauge("headwater_alerts_suppressed", "Alerts that a gate keeps back now.")
        self.series = self._gauge("headwater_telemetry_series", "Series that are kept as evidence.")
        self.ignored = self._gauge(
            "headwater_samples_ignored", "Samples of series beyond the limit, which are not kept as evidence."
        )
        self.log_lines = self._gauge(
            "headwater_log_lines", "Log records taken as evidence, by what became of them.", ("taken",)
        )
        self.log_groups = self._gauge("headwater_log_groups", "Groups of like log records that are kept.")
        self.log_groups_given_up = self._gauge(
            "headwater_log_groups_given_up", "Groups of like log records that had to make room for others."
        )
        self.evicted = self._gauge(
            "headwater_telemetry_series_evicted", "Idle series that made room for new ones at the limit."
        )
        self.skew = self._gauge(
            "headwater_clock_skew_seconds", "How far the last arrival lies ahead of this machine's clock."
        )

    def _recoveries(self, registry: CollectorRegistry) -> None:
        self.recovering = self._gauge(
            "headwater_recovery_verdict", "Incidents whose alerts have ended, by what is said of their recovery.",
            ("verdict",),
        )  # fmt: skip
        self.closed_as = Counter(
            "headwater_incidents_closed", "Incidents closed, by whether recovery was proven.", ("closed_as",),
            registry=registry,
        )  # fmt: skip
        self.proof_seconds = Histogram(
            "headwater_recovery_proof_seconds",
            "From the end of an incident's last alert to the proof that service is back.",
            buckets=PROOF_BUCKETS,
            registry=registry,
        )

    def _clocks(self) -> None:
        """Regimes come from the packs and the operator's rules, so the label is bounded."""
        self.clocks_open = self._gauge("headwater_clocks_open", "Regulatory deadlines that run.", ("regime",))
        self.clocks_overdue = self._gauge(
            "headwater_clocks_overdue", "Regulatory deadlines that are over.", ("regime",)
        )
        self.clock_left = self._gauge(
            "headwater_clock_seconds_left", "Seconds until the next regulatory deadline.", ("regime",)
        )

    def _rules(self) -> None:
        """Rules come from the operator's files and from here, so the label is bounded."""
        self.rule_gauges = {
            "rule_suppressed:": self._gauge("headwater_suppressed", "Alerts that a rule has suppressed.", ("rule",)),
            "rule_would_suppress:": self._gauge(
                "headwater_would_have_suppressed", "Alerts that a rule in shadow mode would have suppressed.", ("rule",)
            ),
            "rule_precision:": self._gauge(
                "headwater_suppression_precision",
                "Share of false ones among the alerts that a rule keeps back or would, as far as people judged them.",
                ("rule",),
            ),
            "rule_recall:": self._gauge(
                "headwater_suppression_recall",
                "Share of the alerts judged to be false that a rule keeps back or would.",
                ("rule",),
            ),
        }

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def group(self, events: Mapping[str, int], kinds: Mapping[type[Signal], int], entries: int) -> None:
        """Count what one commit made durable: alert events per format, signals per kind, records."""
        for name, count in events.items():
            self.received.labels(name).inc(count)
        for kind, count in kinds.items():
            self.signals.labels(kind.__name__.strip("_").lower()).inc(count)
        self.commit_entries.observe(entries)

    def closed(self, timeline: Sequence[TimelineEntry], incidents: Sequence[IncidentView]) -> None:
        """Count the real incidents that one commit closed, and how long the proof took where there is one."""
        latest = {view.id: view for view in incidents}
        for line in timeline:
            view = latest.get(line.incident) if line.facts.get("to") == State.RESOLVED else None
            if view is None or not view.closed_as or of_drill(view.id):
                continue
            self.closed_as.labels(view.closed_as).inc()
            if view.closed_as == "restored" and view.recovery is not None:
                self.proof_seconds.observe((view.recovery.at - view.recovery.since) / 1000)

    def sample(self, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        """Set the gauges from the core's own numbers (`Core.counts`, `Core.gauges`)."""
        accounted = 0
        for disposition in Disposition:
            count = counts.get(disposition.value, 0)
            accounted += count
            self.dispositions.labels(disposition.value).set(count)
        self.unaccounted.set(counts.get("received", 0) - accounted)
        self.unmapped.set(gauges.get("unmapped", 0))
        self.alerts_active.set(gauges.get("alerts_active", 0))
        self.updates_overdue.set(gauges.get("updates_overdue", 0))
        self.unacknowledged.set(gauges.get("unacknowledged", 0))
        self.strange_tickets.set(gauges.get("ticket_events_unknown", 0))
        self.storm.set(gauges.get("storm", 0))
        self.sources_dead.set(gauges.get("sources_dead", 0))
        self.held.set(gauges.get("held", 0))
        self.suppressed.set(gauges.get("suppressed", 0))
        self.series.set(gauges.get("series", 0))
        self.ignored.set(gauges.get("samples_ignored", 0))
        self.evicted.set(gauges.get("series_evicted", 0))
        lines, ignored = gauges.get("log_lines", 0), gauges.get("log_lines_ignored", 0)
        self.log_lines.labels("counted").set(lines - ignored)
        self.log_lines.labels("ignored").set(ignored)
        self.log_lines.labels("cut").set(gauges.get("log_lines_cut", 0))
        self.log_groups.set(gauges.get("log_groups", 0))
        self.log_groups_given_up.set(gauges.get("log_groups_given_up", 0))
        self._sample_labelled(gauges)

    def _sample_labelled(self, gauges: Mapping[str, float]) -> None:
        for prefix, gauge in (
            ("recovering:", self.recovering),
            ("clocks_open:", self.clocks_open),
            ("clocks_overdue:", self.clocks_overdue),
            ("clocks_left:", self.clock_left),
            *self.rule_gauges.items(),
        ):
            gauge.clear()
            for name, value in gauges.items():
                if name.startswith(prefix):
                    gauge.labels(name.removeprefix(prefix)).set(value)

    def sample_store(self, reader: Reader, outbox: Outbox, now: Millis) -> None:
        """Set the gauges that the store answers; for each scrape. Counts of incidents and letters end at `COUNTED`."""
        views = list(_all(partial(reader.incidents, state=sorted(OPEN))))
        open_ones = Counted(view.severity.level for view in views if not of_drill(view.id))
        self.drills_open.set(sum(of_drill(view.id) for view in views))
        for severity in SEVERITIES:
            self.incidents_open.labels(severity).set(open_ones[severity])
        self._sample_outbox(outbox.depth(), now)
        self.dead_letters.set(sum(1 for _ in _all(reader.dead_letters)))

    def _sample_outbox(self, depths: Sequence[Depth], now: Millis) -> None:
        self.outbox_rows.clear()
        oldest = dict.fromkeys((depth.sink for depth in depths), now)
        for depth in depths:
            self.outbox_rows.labels(depth.sink, depth.state).set(depth.rows)
            if depth.state != "dead":
                oldest[depth.sink] = min(oldest[depth.sink], depth.oldest)
        self.outbox_oldest.clear()
        for sink, since in oldest.items():
            self.outbox_oldest.labels(sink).set((now - since) / 1000)

    def watch_breaker(self, sink: str, states: Sequence[str], state: Callable[[], str]) -> None:
        """Ask a sink's breaker at each scrape in which of its states it is."""
        for one in states:
            self.breakers.labels(sink, one).set_function(lambda one=one: float(state() == one))  # type: ignore[misc]

    def watch_source(self, source: str, lag: Callable[[], float], age: Callable[[], float]) -> None:
        """Ask a source at each scrape how many records wait in it and how old (seconds) the oldest is."""
        self.lag.labels(source).set_function(lag)
        self.queue_age.labels(source).set_function(age)


def _all(page: Callable[..., Page]) -> Iterator[Any]:
    """The items of a list, page by page, at most `COUNTED`."""
    cursor = ""
    for _ in range(COUNTED // PAGE):
        found = page(cursor=cursor, limit=PAGE)
        yield from found.items
        cursor = found.next
        if not cursor:
            return
