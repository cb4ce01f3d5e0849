"""Raw topics as a source of stage 1: read by a group, whose committed offsets say where to go on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from api.kafka.declared import Kafka
from engine.ports import Record
from ingest.kafka.client import KafkaError, Partition
from ingest.kafka.members import Member
from ingest.kafka.records import Taking

log = logging.getLogger(__name__)

AGAIN = 2.0
WITHIN = 5.0


class RawTopics:
    """A `Source` without a thread of its own: all that is polled is sent before the next poll, so that nothing is under
    way when partitions are given up."""

    def __init__(self, declared: Kafka, most: int) -> None:
        """Raises OSError where a file cannot be read."""
        self.name = f"kafka:{declared.name}"
        formats = {one.name: one.format for one in declared.read}
        self._taking = Taking(f"{self.name}/", most, formats)
        self._declared, self._topics = declared, [one.name for one in declared.read]
        self._given = {**declared.options(), "auto_offset_reset": "earliest"}
        self._member: Member | None = None
        self._waiting: deque[Record] = deque()
        self._retry = 0.0
        self._closed = threading.Event()
        self.trouble = ""

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """The group knows."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records; a broker that is away is told, and tried again."""
        if self._closed.is_set():
            self._leave()
        elif not self._waiting:
            self._fetch(timeout, limit)
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def committed(self, records: Sequence[Record]) -> None:
        """The group goes on behind these."""
        offsets: dict[Partition, int] = {}
        for record in records:
            offsets[self._key(record)] = (record.offset or 0) + 1
        if self._member is None:
            return
        try:
            self._member.commit(offsets, WITHIN)
        except (KafkaError, ConnectionError) as error:
            log.warning("%s: how far it is could not be noted; some records will come again: %s", self.name, error)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Read them again, and what follows."""
        first: dict[Partition, int] = {}
        for record in (*records, *self._waiting):
            first.setdefault(self._key(record), record.offset or 0)
        self._waiting.clear()
        for key, offset in first.items():
            try:
                if self._member is not None:
                    self._member.seek(key, offset)
            except ValueError:
                log.info("%s: %s/%d is read by somebody else now", self.name, *key)

    def close(self) -> None:
        """Leave the group with the next poll: the client belongs to the thread that polls."""
        self._closed.set()

    def _leave(self) -> None:
        self._waiting.clear()
        member, self._member = self._member, None
        if member is not None:
            try:
                member.close()
            except KafkaError as error:
                log.warning("%s: the group could not be left in good order: %s", self.name, error)

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """They are read from where the group was."""

    def revoked(self, partitions: frozenset[Partition]) -> None:
        """What was fetched of them is somebody else's."""
        self._waiting = deque(one for one in self._waiting if self._key(one) not in partitions)

    def lost(self, partitions: frozenset[Partition]) -> None:
        """As when given up."""
        self.revoked(partitions)

    def _fetch(self, timeout: float, limit: int) -> None:
        try:
            if self._member is None:
                if time.monotonic() < self._retry:
                    return
                declared = self._declared
                self._member = Member(self._given, self._topics, declared.group, self, instance=declared.instance or "")
            found = self._member.poll(timeout, limit)
        except (KafkaError, ConnectionError) as error:
            self.trouble, self._retry = str(error), time.monotonic() + AGAIN
            log.warning("%s: %s", self.name, error)
            self._member = None
            return
        self.trouble = ""
        self._waiting += [self._taking.record(one) for records in found.values() for one in records]

    def _key(self, record: Record) -> Partition:
        return record.source.removeprefix(self._taking.prefix), record.partition
