"""How far sources are behind, as metrics by Prometheus' conventions: asked at each scrape, of what is assigned now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.kafka.source import KafkaSource


class LagCollector(Collector):
    """Topics and sources are an operator's words, and as many as were declared."""

    def __init__(self, sources: Sequence[KafkaSource]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """One sample per partition that is assigned to us."""
        lag = GaugeMetricFamily(
            "headwater_kafka_lag_records",
            "Records of a partition that are not yet durable here.",
            labels=("source", "topic", "partition"),
        )
        expired = CounterMetricFamily(
            "headwater_kafka_expired_records", "Records that were gone before they were read.", labels=("source",)
        )
        losses = CounterMetricFamily(
            "headwater_kafka_lost_partitions",
            "Partitions taken away because the group had not heard of us.",
            labels=("source",),
        )
        for source in self._sources:
            for (topic, partition), records in sorted(source.lag().items()):
                lag.add_metric((source.name, topic, str(partition)), records)
            expired.add_metric((source.name,), source.expired)
            losses.add_metric((source.name,), source.losses)
        return lag, expired, losses
