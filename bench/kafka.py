"""Kafka: what a source and the ordered producer add to the bare client, in the same run, on one broker of Apache Kafka.

Usage: python -m bench.kafka [RECORDS [ROUNDS]]     needs script/kafka; HEADWATER_KAFKA names another cluster

Records of 500 bytes in one partition; all rates are per CPU-second of this process, whatever else the machine does. In:
records of `KafkaSource.poll` beside a loop of `KafkaConsumer.poll`, and signals of envelopes of 1,000, decoded. Out:
acknowledged records of `OrderedProducer` beside `KafkaProducer` (acks=all, idempotent, batches of as many bytes).
Medians, and half their spread.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from ingest.decoders import decode
from ingest.kafka.client import KafkaConsumer, TopicPartition, producer
from ingest.kafka.producer import BATCH, OrderedProducer
from ingest.kafka.source import KafkaSource
from tests.real.kafka.brokers import one
from tests.real.kafka.world import SESSION, given, made

SIZE = 500
ENVELOPE = 1_000


def rate(count: int, work: Callable[[], None]) -> float:
    """Records per CPU-second."""
    begin = time.process_time()
    work()
    return count / (time.process_time() - begin)


def plainly(address: str, topic: str, value: bytes, count: int) -> None:
    """The client alone, out."""
    with closing(producer(given(address, acks="all", batch_size=BATCH, linger_ms=5, max_request_size=4 << 20))) as bare:
        sent = [bare.send(topic, value=value, partition=0) for _ in range(count)]
        bare.flush()
        assert all(future.succeeded() for future in sent)


def in_order(address: str, topic: str, value: bytes, count: int) -> None:
    """The ordered producer."""
    ordered = OrderedProducer(given(address), most=1 << 30)
    sent = [ordered.send(topic, 0, None, value) for _ in range(count)]
    assert ordered.flush(120)
    assert all(future.exception() is None for future in sent)
    ordered.close()


def consumed(address: str, topic: str, count: int) -> float:
    """The client alone, in; from its first record."""
    with closing(KafkaConsumer(**given(address, auto_offset_reset="earliest", metrics_enabled=False))) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        found = begin = 0.0
        while found < count:
            records = sum(map(len, consumer.poll(timeout_ms=500).values()))
            if records and not begin:
                begin, count = time.process_time(), count - records
                continue
            found += records
        return count / (time.process_time() - begin)


def sourced(address: str, topic: str, count: int, decoding: bool = False) -> float:
    """The source; from its first record."""
    source = KafkaSource(given(address, **SESSION), [topic], f"bench-{time.monotonic_ns()}")
    source.resume({})
    found = begin = 0.0
    while found < count:
        records = source.poll(512, 0.5)
        if decoding:
            for record in records:
                assert decode(record.format, record.body).signals
        source.committed(records)
        if records and not begin:
            begin, count = time.process_time(), count - len(records)
            continue
        found += len(records)
    spent = time.process_time() - begin
    source.close()
    return count / spent


def told(name: str, rates: list[float], bare: list[float] | None = None) -> None:
    """One line."""
    middle = statistics.median(rates)
    spread = (max(rates) - min(rates)) / middle
    ratio = f"  {middle / statistics.median(bare):.2f} of the client alone" if bare else ""
    print(f"{name:<44} {middle:>10,.0f}/cpu-s  ±{spread / 2:.0%}{ratio}")


def main(count: int = 100_000, rounds: int = 3) -> None:
    alert = {"kind": "alert", "name": "HighLatency", "service": "checkout", "severity": "critical", "labels": {}}
    body = msgspec.json.encode(alert | {"labels": {"note": "x" * 400}})[:SIZE].ljust(SIZE)
    alerts = [alert | {"service": f"s{number % 500}"} for number in range(ENVELOPE)]
    packed = msgspec.msgpack.encode({"headwater": 1, "body": msgspec.json.encode(alerts)})
    out: dict[str, list[float]] = {"bare": [], "ordered": []}
    into: dict[str, list[float]] = {"bare": [], "source": [], "envelopes": []}
    with tempfile.TemporaryDirectory() as folder, one(Path(folder)) as cluster:
        address = cluster.address
        plainly(address, made(address, 1), body, 5_000)  # warm
        for _ in range(rounds):
            topic = made(address, 1)
            out["bare"].append(rate(count, lambda topic=topic: plainly(address, topic, body, count)))  # type: ignore[misc]
            into["bare"].append(consumed(address, topic, count))
            into["source"].append(sourced(address, topic, count))
            topic = made(address, 1)
            out["ordered"].append(rate(count, lambda topic=topic: in_order(address, topic, body, count)))  # type: ignore[misc]
            topic = made(address, 1)
            few = max(20, count // ENVELOPE)
            with closing(producer(given(address, max_request_size=4 << 20))) as bare:
                for _ in range(few):
                    bare.send(topic, value=packed, partition=0, headers=[("headwater-format", b"envelope-msgpack")])
                bare.flush()
            into["envelopes"].append(ENVELOPE * sourced(address, topic, few, decoding=True))
    told("out: KafkaProducer", out["bare"])
    told("out: OrderedProducer", out["ordered"], out["bare"])
    told("in: KafkaConsumer", into["bare"])
    told("in: KafkaSource", into["source"], into["bare"])
    told("in: signals of envelopes of 1,000, decoded", into["envelopes"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
