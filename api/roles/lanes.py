"""The topic of shards, written in order and read by a group."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from contextlib import suppress
from typing import Any

import msgspec

from api.kafka.shards import ShardTopic
from engine.envelope import FORMAT
from engine.errors import StoreUnavailable
from engine.ports import Origin, Record
from engine.splitting import Sent
from engine.worker import TOPIC, Worker
from ingest.errors import Overloaded, TooLarge
from ingest.kafka.client import KafkaError, Partition, errors
from ingest.kafka.members import Member
from ingest.kafka.producer import OrderedProducer, Unsent

log = logging.getLogger(__name__)

ORIGIN = "origin"
ANSWER = 60.0
MOST = 2_000
PAUSE = 0.2


class Lanes:
    """Writes to the partitions of the shards; safe from any thread."""

    def __init__(self, declared: ShardTopic) -> None:
        """Raises OSError where a file of certificates or a password cannot be read."""
        self._topic = declared.topic
        self._producer = OrderedProducer(declared.given())
        self.loop = self._producer.loop

    def send(self, sent: Sequence[Sent]) -> None:
        """Returns when all of it is acknowledged; else raises `StoreUnavailable`, and all of it is to be sent again."""
        under_way: list[tuple[int, Future[int]]] = []
        wrong = ""
        try:
            for one in sent:
                origin = msgspec.msgpack.encode(one.origin)
                done = self._producer.send(self._topic, one.shard, None, one.body, [(ORIGIN, origin)])
                under_way.append((one.shard, done))
        except (Overloaded, TooLarge) as error:
            wrong = str(error)
        for shard, done in under_way:
            try:
                done.result(ANSWER)
            except (Unsent, TooSlow) as error:
                wrong = wrong or f"shard {shard}: {error}"
        if wrong:
            for shard in {one.shard for one in sent}:
                self._producer.reopen(self._topic, shard)
            raise StoreUnavailable(f"Kafka does not take what comes in: {wrong}")

    def close(self) -> None:
        """Send what waits."""
        self._producer.close()


class ShardMember:
    """Implements `engine.worker.Member` for a worker, and joins the group for it."""

    def __init__(self, declared: ShardTopic, worker: Worker, instance: str) -> None:
        """Raises ConnectionError, KafkaError and OSError."""
        self._topic, self._worker = declared.topic, worker
        given = {**declared.options(), "auto_offset_reset": "none"}
        worker.join(self)
        self._member = Member(given, [declared.topic], declared.group, _Owner(worker), instance=instance)

    def poll(self, timeout: float) -> Sequence[Record]:
        """What came; nothing while the broker cannot be reached. Raises KafkaError where a position is no longer in the
        topic: it was away for too long."""
        try:
            found = self._member.poll(timeout, MOST)
        except errors.RetriableError as error:  # of a connection that was lost under way: the next poll makes another
            log.warning("the broker does not answer as it should, it is asked again: %r", error)
            time.sleep(min(timeout, PAUSE))
            return []
        return [self._record(partition, one) for (_, partition), records in found.items() for one in records]

    def seek(self, shard: int, offset: int) -> None:
        """Deliver from this offset on; a shard that has seen nothing begins where its partition does."""
        try:
            self._member.seek((self._topic, shard), offset or None)
            self._member.resume([(self._topic, shard)])
        except ValueError:
            raise StoreUnavailable(f"Shard {shard} is no longer assigned to this worker.") from None

    def hold(self, shard: int) -> None:
        """Fetch nothing of it. It has a position all the same: without one a poll fails for all shards."""
        with suppress(ValueError):
            self._member.seek((self._topic, shard), None)
            self._member.pause([(self._topic, shard)])

    def committed(self, offsets: Mapping[int, int]) -> None:
        """For the group's lag."""
        self._member.tell({(self._topic, shard): offset + 1 for shard, offset in offsets.items()})

    def in_touch(self) -> bool:
        """Whether the group answers."""
        return self._member.in_touch()

    def close(self) -> None:
        """Leave the group."""
        try:
            self._member.close()
        except KafkaError as error:
            log.warning("the group could not be left in good order: %s", error)

    @staticmethod
    def _record(partition: int, found: Any) -> Record:
        headers = dict(found.headers or ())
        origin = msgspec.msgpack.decode(headers[ORIGIN], type=Origin) if ORIGIN in headers else None
        return Record(TOPIC, FORMAT, found.value or b"", partition, found.offset, origin=origin)


class _Owner:
    """Tells the worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def assigned(self, partitions: frozenset[Partition]) -> None:
        self._worker.assigned({partition for _, partition in partitions})

    def revoked(self, partitions: frozenset[Partition]) -> None:
        self._worker.revoked({partition for _, partition in partitions})

    def lost(self, partitions: frozenset[Partition]) -> None:
        self._worker.lost({partition for _, partition in partitions})
