"""Topics, records and sources for tests on a real cluster."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from engine.ports import Record
from ingest.kafka.client import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from ingest.kafka.source import KafkaSource
from ingest.kafka.topic import Topic
from ingest.kafka.topics import Topics
from tests.real.components import eventually

SESSION = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
_numbers = itertools.count()


def given(address: str, **more: Any) -> dict[str, Any]:
    return {"bootstrap_servers": address.split(","), **more}


def fresh() -> str:
    """A name that no topic has yet."""
    return f"test-{uuid.uuid4().hex[:8]}-{next(_numbers)}"


def made(address: str, partitions: int = 2, replication: int = 1, **settings: str) -> str:
    """A fresh topic."""
    name = fresh()
    dotted = {key.replace("_", "."): value for key, value in settings.items()}
    with closing(Topics(given(address))) as topics:
        topics.create([Topic(name, partitions, replication, dotted)])
    return name


def produce(
    address: str, topic: str, values: Iterable[bytes], partition: int = 0, headers: Mapping[str, bytes] | None = None,
    **options: Any,
) -> None:  # fmt: skip
    with closing(KafkaProducer(**given(address, acks="all", **options))) as producer:
        found = list((headers or {}).items())
        sent = [producer.send(topic, value=value, partition=partition, headers=found) for value in values]
        for future in sent:
            future.get(20)


def consume(address: str, topic: str, count: int, seconds: float = 30) -> list[Any]:
    """The first so many records of a topic, from all its partitions."""
    with closing(KafkaConsumer(**given(address, auto_offset_reset="earliest"))) as consumer:
        partitions = eventually(lambda: consumer.partitions_for_topic(topic), f"{topic} is there", seconds)
        consumer.assign([TopicPartition(topic, one) for one in sorted(partitions)])
        found: list[Any] = []

        def enough() -> bool:
            for records in consumer.poll(timeout_ms=200).values():
                found.extend(records)
            return len(found) >= count

        eventually(enough, f"{count} records in {topic}", seconds)
    return found


def forget(address: str, topic: str, before: int, partition: int = 0) -> None:
    """Let the broker delete the records before this offset, as retention does."""
    with closing(KafkaAdminClient(**given(address))) as admin:
        admin.delete_records({TopicPartition(topic, partition): before})


def read(source: KafkaSource, count: int, seconds: float = 40) -> list[Record]:
    found: list[Record] = []

    def enough() -> bool:
        found.extend(source.poll(100, 0.2))
        return len(found) >= count

    eventually(enough, f"{count} records of {source.name} {source.trouble()}", seconds)
    return found


def positions(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    """What a store says that holds these."""
    return {(record.source, record.partition): record.offset or 0 for record in records}
