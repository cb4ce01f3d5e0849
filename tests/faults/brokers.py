"""Three brokers of Apache Kafka, two of which must have a record, killed in turn: `python -m tests.faults.brokers`.

Records are sent to every partition in order, each again until it is acknowledged, and read by position meanwhile. One
broker is killed, the others elect new leaders and go on, it comes back; then it is the next one's turn. Nothing
acknowledged may be lost, nothing may overtake what was sent before it, and no offset may go back.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from ingest.kafka.producer import OrderedProducer, Unsent
from ingest.kafka.source import KafkaSource
from tests.real.components import eventually
from tests.real.kafka.brokers import apache
from tests.real.kafka.world import SESSION, given, made

PARTITIONS = 2


class Sender:
    """Sends numbers to every partition, in order, each again until it is acknowledged."""

    def __init__(self, address: str, topic: str) -> None:
        self.topic = topic
        self.acknowledged = dict.fromkeys(range(PARTITIONS), 0)
        self.failures = 0
        self._producer = OrderedProducer(given(address), patience=8.0)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(one,)) for one in range(PARTITIONS)]
        for thread in self._threads:
            thread.start()

    def _send(self, partition: int) -> None:
        while not self._stop.is_set():
            first = self.acknowledged[partition]
            sent: list[Future[int]] = [
                self._producer.send(self.topic, partition, None, b"%d" % number) for number in range(first, first + 20)
            ]
            for one in sent:
                try:
                    one.result(60)
                except Unsent:
                    self.failures += 1
                    self._producer.reopen(self.topic, partition)
                    break
                self.acknowledged[partition] += 1
            self._stop.wait(0.02)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._producer.close()


class Store:
    """What a store would hold: per partition the numbers in the order of their offsets, and the position."""

    def __init__(self, address: str, topic: str) -> None:
        self.numbers: dict[int, list[int]] = {one: [] for one in range(PARTITIONS)}
        self.positions: dict[tuple[str, int], int] = {}
        self.back: list[tuple[int, int]] = []
        self.source = KafkaSource(given(address, **SESSION), [topic], f"group-{topic}")
        self.source.resume({})

    def read(self) -> bool:
        """Take what is there; whether all that was sent has been read is for others to say."""
        records = self.source.poll(500, 0.2)
        for record in records:
            key, offset = (record.source, record.partition), record.offset or 0
            if offset <= self.positions.get(key, -1):
                self.back.append((record.partition, offset))
            self.positions[key] = offset
            self.numbers[record.partition].append(int(record.body))
        self.source.committed(records)
        return False


class Found(NamedTuple):
    """Records acknowledged, records read, and records whose acknowledgement was lost."""

    acknowledged: int
    read: int
    failures: int


def lost_in_turn(folder: Path, cycles: int) -> Found:
    """So many brokers are killed and come back. AssertionError says what was broken."""
    with apache(folder, nodes=3, settings={"min.insync.replicas": "2"}) as nodes:
        address = ",".join(node.address for node in nodes)
        topic = made(address, PARTITIONS, 3, min_insync_replicas="2")
        sender, store = Sender(address, topic), Store(address, topic)
        try:
            for number in range(cycles):
                node = nodes[number % len(nodes)]
                _moves(sender, store, 200)
                node.kill()
                _moves(sender, store, 200)
                node.start()
                eventually(node.up, "it is back", 60)
                _moves(sender, store, 200)
                sys.stderr.write(f"{number + 1} of {cycles}, {sum(sender.acknowledged.values()):,} acknowledged\n")
        finally:
            sender.stop()
        eventually(lambda: store.read() or _caught_up(sender, store), "all is read", 60)
        store.source.close()
    assert store.back == [], "an offset went back"
    for partition, numbers in store.numbers.items():
        known = list(dict.fromkeys(numbers))  # a number may be there twice: its first acknowledgement was lost
        assert known == list(range(len(known))), "a record is before one that was sent ahead of it"
        assert len(known) >= sender.acknowledged[partition], "what was acknowledged is not there"
    read = sum(map(len, store.numbers.values()))
    return Found(sum(sender.acknowledged.values()), read, sender.failures)


def _moves(sender: Sender, store: Store, count: int) -> None:
    """Wait until so many more are acknowledged in each partition, and read on meanwhile."""
    goal = {one: count + now for one, now in sender.acknowledged.items()}
    eventually(
        lambda: store.read() or all(sender.acknowledged[one] >= goal[one] for one in goal),
        f"acknowledgements go on ({sender.failures} failed)",
        90,
    )


def _caught_up(sender: Sender, store: Store) -> bool:
    return all(len(set(store.numbers[one])) >= count for one, count in sender.acknowledged.items())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=20)
    asked, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = lost_in_turn(Path(name), asked.cycles)
    sys.stdout.write(
        "| brokers killed | acknowledged | read | sent again | seconds |\n|---|---|---|---|---|\n"
        f"| {asked.cycles} | {found.acknowledged:,} | {found.read:,} | {found.failures} |"
        f" {time.monotonic() - began:,.0f} |\n"
    )


if __name__ == "__main__":
    main()
