"""Records from Kafka topics behind the `Source` port.

The store alone decides where to resume: on every assignment the consumer seeks behind the last position that it knows
to be durable or already handed to the service, and to the beginning where there is none. What the group commits to the
broker is for lag displays only and is never read back.

kafka-python may block while it connects, joins and rebalances. It therefore runs in a thread of its own, which fills a
bounded buffer and pauses its partitions when the service does not keep up; `poll` takes from the buffer and waits no
longer than asked. Whatever happens to the assignment while the consumer fetches makes that fetch count for nothing: the
consumer is sent back to where the buffer ends.

A position that a partition no longer holds is never passed over in silence: records that expired before they were read
are counted and told, and a partition that ends before the position (its topic was made anew, or lost what it had
acknowledged) is not read at all, for its records would be taken for repeats.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from engine.ports import Record
from ingest.kafka.client import KafkaError, Partition, errors
from ingest.kafka.members import Member
from ingest.kafka.records import Taking
from ingest.limits import MIB
from ingest.turning import Turning

log = logging.getLogger(__name__)

_IDLE = 0.2  # seconds of one poll of the broker
_ASK = 10.0
_COMMIT_EVERY = 1.0
_ASK_EVERY = 5.0
_FIRST_BACKOFF, _LAST_BACKOFF = 0.2, 10.0
_JOIN = 6.0


class KafkaSource:
    """A `Source` of all records of ``topics``, shared with the other members of ``group``.

    The source of a record is ``kafka:TOPIC``, or ``NAME/TOPIC`` where a ``name`` is given: two clusters may have topics
    of one name, and positions must not be mixed up.

    ``given`` are options of kafka-python (`ingest.kafka.security.given`, timeouts). ``formats``: topic -> the format of
    records without headers, plain JSON otherwise. ``instance``: static membership. ``max_bytes`` is the largest body
    taken; a larger record arrives as one that decodes to a reject. ``buffer_records`` and ``buffer_bytes`` bound what
    is fetched ahead.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        topics: Sequence[str],
        group: str,
        *,
        name: str = "",
        formats: Mapping[str, str] | None = None,
        instance: str = "",
        max_bytes: int = 4 * MIB,
        buffer: tuple[int, int] = (10_000, 64 * MIB),
    ) -> None:
        self.name = name or "kafka:" + ",".join(topics)
        self._taking = Taking(f"{name}/" if name else "kafka:", max_bytes, dict(formats or {}))
        self._topics, self._group, self._instance = tuple(topics), group, instance
        self._given = {"auto_offset_reset": "none", **given}
        self._limits = buffer
        self._lock = threading.Condition()
        self._buffer: deque[Record] = deque()
        self._buffered = 0
        self._next: dict[Partition, int] = {}  # the offset that the service is to see next
        self._fetched: dict[Partition, int] = {}  # the offset behind the last one in the buffer
        self._astray: set[Partition] = set()  # partitions in which the consumer is not at that offset
        self._epoch = 0  # grows with everything that makes a fetch under way worthless
        self._durable: dict[Partition, int] = {}
        self._lag: dict[Partition, int] = {}
        self._assigned: set[Partition] = set()
        self._beyond: dict[Partition, str] = {}  # partitions that end before our position, and the words for it
        self._error = ""
        self._member: Member | None = None
        self._closing = threading.Event()
        self._wake = threading.Event()
        self.loop = Turning(self.name, self._run)
        self.expired = 0
        """Records that were gone before they were read."""
        self.losses = 0
        """Partitions that were taken from us because the group had not heard of us."""

    # ------------------------------------------------------------------------------- the service's thread

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Continue behind these durable positions; starts the consumer."""
        prefix = self._taking.prefix
        with self._lock:
            for (source, partition), offset in positions.items():
                topic = source.removeprefix(prefix)
                if source.startswith(prefix) and topic in self._topics:
                    self._next[topic, partition] = offset + 1
                    self._durable[topic, partition] = offset
        if not self.loop.begun:
            self.loop.start()

    def wake_by(self, event: threading.Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""
        self._wake = event

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records, of each partition in the order of its offsets. `resume` must have been called."""
        if not self.loop.begun:
            raise RuntimeError("resume() before poll(): without positions it is not known where to begin")
        with self._lock:
            if not self._buffer and timeout > 0 and not self._closing.is_set():
                self._lock.wait(timeout)
            taken = [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]
            for record in taken:
                self._buffered -= len(record.body)
                self._next[self._key(record)] = _offset(record) + 1
        return taken

    def committed(self, records: Sequence[Record]) -> None:
        """These are durable; the broker is told some time later."""
        with self._lock:
            for record in records:
                self._durable[self._key(record)] = _offset(record)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """These are not stored: deliver them, and what follows them, once more."""
        with self._lock:
            for record in reversed(records):
                self._next[self._key(record)] = _offset(record)
            self._restart({self._key(record) for record in records})
        log.warning("%d records could not be stored and will be read again: %s", len(records), error)

    def lag(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> records behind the end of the partition, as last heard from the broker."""
        with self._lock:
            return dict(self._lag)

    def trouble(self) -> str:
        """Why something cannot be read at the moment; empty when all can."""
        with self._lock:
            return "; ".join(filter(None, (self._error, *self._beyond.values())))

    def close(self) -> None:
        """Leave the group and wake a waiting poll. Records that were fetched ahead are forgotten; they are not lost."""
        self._closing.set()
        with self._lock:
            self._buffer.clear()
            self._buffered = 0
            self._lock.notify_all()
        self._wake.set()
        self.loop.end()
        self.loop.join(_JOIN)

    # ------------------------------------------------------------------------------- the consumer's thread

    def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        while not self._closing.is_set():
            member = None
            self.loop.turn()
            try:
                member = Member(self._given, self._topics, self._group, self, instance=self._instance)
                self._member, self._error, backoff = member, "", _FIRST_BACKOFF
                self._consume(member)
            except Exception as error:  # whatever goes wrong with a broker, the thread goes on trying
                self._error = f"{type(error).__name__}: {error}"
                log.warning("%s: %s; trying again in %.1f s", self.name, self._error, backoff)
            finally:
                self._left(member)
            self.loop.pause(backoff)
            backoff = min(2 * backoff, _LAST_BACKOFF)

    def _consume(self, member: Member) -> None:
        """Fetch until closing."""
        told: dict[Partition, int] = {}
        commit_at, ask_at = time.monotonic() + _COMMIT_EVERY, time.monotonic() + _ASK_EVERY
        while not self._closing.is_set():
            self.loop.turn()
            epoch = self._find_back(member)
            self._throttle(member)
            try:
                batches = member.poll(_IDLE)
            except (errors.OffsetOutOfRangeError, errors.NoOffsetForPartitionError):
                self._compare(member)
                continue
            if batches:
                self._take(batches, epoch)
            ends = {key: member.end(key) for key in member.assignment() - member.paused()}
            self._measure(ends)
            # No fetch says where a partition ends that is paused, or that came back with nothing new in it (KIP-227).
            silent = member.paused() | {key for key, end in ends.items() if end is None}
            if silent and time.monotonic() >= ask_at:
                ask_at = time.monotonic() + _ASK_EVERY
                self._measure({key: end for key, (_, end) in member.bounds(list(silent), _ASK).items()})
            if time.monotonic() >= commit_at:
                commit_at = time.monotonic() + _COMMIT_EVERY
                told = self._tell_broker(member, told)
        self._tell_broker(member, told)

    def _left(self, member: Member | None) -> None:
        if member is not None:
            try:
                member.close()
            except KafkaError as error:
                log.info("%s: closing: %s", self.name, error)
        with self._lock:
            self._let_go(frozenset(self._assigned))

    def _take(self, batches: Mapping[Partition, Sequence[Any]], epoch: int) -> None:
        made = {key: [self._taking.record(record) for record in records] for key, records in batches.items()}
        with self._lock:
            if epoch != self._epoch or self._closing.is_set():
                self._astray |= made.keys()
                return
            for key, records in made.items():
                self._buffer.extend(records)
                self._buffered += sum(len(record.body) for record in records)
                self._fetched[key] = _offset(records[-1]) + 1
            self._lock.notify_all()
        if not self._wake.is_set():
            self._wake.set()

    def _find_back(self, member: Member) -> int:
        """Send the consumer to where the buffer ends; the epoch from which on its fetches count."""
        with self._lock:
            for key in self._astray & self._assigned:
                member.seek(key, self._fetched.get(key))
            self._astray.clear()
            return self._epoch

    def _compare(self, member: Member) -> None:
        """A partition does not hold our position: go on at its beginning, or do not go on at all."""
        with self._lock:
            wanted = {key: self._fetched[key] for key in self._assigned if key in self._fetched}
        bounds = member.bounds(list(wanted), _ASK)
        with self._lock:
            for key, (first, end) in bounds.items():
                if wanted[key] > end:
                    self._beyond[key] = (
                        f"{key[0]}/{key[1]} is stored up to offset {wanted[key] - 1} but ends at {end}: made anew, or"
                        " records lost; it is not read. To read it from its beginning give the source another name"
                    )
                    log.error("%s: %s", self.name, self._beyond[key])
                    member.seek(key, end)
                elif wanted[key] < first:
                    self.expired += first - wanted[key]
                    gone = first - wanted[key], *key
                    log.error("%s: %d records of %s/%d expired before they were read", self.name, *gone)
                    self._next[key] = first
                    self._restart({key})
            self._epoch += 1

    def _throttle(self, member: Member) -> None:
        """Pause when the buffer is full, resume when half of it is free. Paused members stay in their group."""
        most, most_bytes = self._limits
        with self._lock:
            fill = max(len(self._buffer) / most, self._buffered / most_bytes)
            mine, never = set(self._assigned), self._assigned & self._beyond.keys()
        paused = member.paused()
        if fill >= 1:
            member.pause(mine - paused)
        elif fill <= 0.5 and paused - never:
            member.resume(paused - never)
        member.pause(never - paused)

    def _measure(self, ends: Mapping[Partition, int | None]) -> None:
        with self._lock:
            for key, end in ends.items():
                if end is not None and key in self._assigned:
                    self._lag[key] = max(0, end - self._durable.get(key, self._next.get(key, 0) - 1) - 1)

    def _tell_broker(self, member: Member, told: dict[Partition, int]) -> dict[Partition, int]:
        with self._lock:
            durable = {key: offset for key, offset in self._durable.items() if key in self._assigned}
        news = {key: offset + 1 for key, offset in durable.items() if told.get(key) != offset}
        if news:
            member.tell(news)
        return {**told, **durable}

    def _key(self, record: Record) -> Partition:
        return record.source.removeprefix(self._taking.prefix), record.partition

    # ------------------------------------------------------------------------------- what the group says

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """Begin where the store stands, or the service."""
        with self._lock:
            self._assigned |= partitions
            self._restart(set(partitions))
            if self._member is not None:
                for key in partitions:
                    self._member.seek(key, self._fetched.get(key))
        log.info("%s: reading %s", self.name, sorted(partitions))

    def revoked(self, partitions: frozenset[Partition]) -> None:
        """What is buffered of them is somebody else's to read; what the service has in hand it may still store."""
        with self._lock:
            self._let_go(partitions)

    def lost(self, partitions: frozenset[Partition]) -> None:
        """They were somebody else's for some time: told, for it comes of a stall or a partition of the network."""
        with self._lock:
            self.losses += len(partitions)
            self._let_go(partitions)
        log.warning("%s: the group had given up on us; lost %s", self.name, sorted(partitions))

    def _let_go(self, partitions: frozenset[Partition]) -> None:
        self._assigned -= partitions
        self._restart(set(partitions))
        for key in partitions:
            self._lag.pop(key, None)
            self._beyond.pop(key, None)

    def _restart(self, keys: set[Partition]) -> None:
        """Forget what is buffered of these partitions and fetch it again, from what the service is to see next."""
        kept = [record for record in self._buffer if self._key(record) not in keys]
        self._buffer = deque(kept)
        self._buffered = sum(len(record.body) for record in kept)
        for key in keys:
            self._fetched.pop(key, None)
            if key in self._next:
                self._fetched[key] = self._next[key]
        self._astray |= keys
        self._epoch += 1


def _offset(record: Record) -> int:
    return record.offset or 0
