"""Records from Kafka topics behind the `Source` port, by kafka-python.

The store alone decides where to resume: on every assignment the consumer seeks behind the last position that it knows
to be durable or already handed to the service, and to the beginning where there is none. What the group commits to the
broker is for lag displays only and is never read back.

kafka-python may block while it connects, joins and rebalances. It therefore runs in a thread of its own, which fills a
bounded buffer and pauses its partitions when the service does not keep up; `poll` takes from the buffer and waits no
longer than asked. Whatever happens to the assignment while the consumer fetches makes that fetch count for nothing: the
consumer is sent back to where the buffer ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.ports import Record
from ingest.decoders import DECODERS, oversized
from ingest.errors import MissingDependency
from ingest.limits import MIB

with warnings.catch_warnings():  # kafka-python 3.0 reads its message schemas with importlib.resources.read_text
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
    from kafka.errors import KafkaError

log = logging.getLogger(__name__)

FORMAT_HEADER = "headwater-format"
"""The record header that names the format; without it a record is plain JSON."""

_DEFAULT_FORMAT = "json"
_IDLE = 0.2  # seconds of one poll of the broker
_COMMIT_EVERY = 1.0
_FIRST_BACKOFF, _LAST_BACKOFF = 0.2, 10.0
_CLOSE_MS = 3000
_CONNECT = 3.0

_Key = tuple[str, int]  # (topic, partition)


class KafkaSource:
    """A `Source` of all records of ``topics``, shared with the other members of ``group``.

    The source of a record is ``kafka:TOPIC``, or ``NAME/TOPIC`` where a ``name`` is given: two clusters may have topics
    of one name, and positions must not be mixed up.

    ``bootstrap`` holds "host:port". ``max_bytes`` is the largest body taken; a larger record arrives as one that
    decodes to a reject. ``buffer_records`` and ``buffer_bytes`` bound what is fetched ahead. ``options`` go to
    `kafka.KafkaConsumer` (security, timeouts). Raises `MissingDependency` without the C implementation of CRC-32C.
    """

    def __init__(
        self,
        bootstrap: Sequence[str],
        topics: Sequence[str],
        group: str,
        *,
        name: str = "",
        max_bytes: int = 4 * MIB,
        buffer_records: int = 10_000,
        buffer_bytes: int = 64 * MIB,
        **options: object,
    ) -> None:
        if importlib.util.find_spec("crc32c") is None:
            raise MissingDependency("reading from Kafka needs the package crc32c: pip install crc32c")
        self.name = name or "kafka:" + ",".join(topics)
        self._prefix = f"{name}/" if name else "kafka:"
        self._topics = tuple(topics)
        self._options: dict[str, Any] = {
            "bootstrap_servers": list(bootstrap),
            "group_id": group,
            "auto_offset_reset": "earliest",
            "client_id": "headwater",
            "bootstrap_timeout_ms": 3000,
            **options,
            "enable_auto_commit": False,
        }
        self._limits = (max_bytes, buffer_records, buffer_bytes)
        self._lock = threading.Condition()
        self._buffer: deque[Record] = deque()
        self._buffered = 0
        self._next: dict[_Key, int] = {}  # the offset that the service is to see next
        self._fetched: dict[_Key, int] = {}  # the offset behind the last one in the buffer
        self._astray: set[_Key] = set()  # partitions in which the consumer is not at that offset
        self._epoch = 0  # grows with everything that makes a fetch under way worthless
        self._durable: dict[_Key, int] = {}
        self._lag: dict[_Key, int] = {}
        self._assigned: set[_Key] = set()
        self._error = ""
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------------------------- the service's thread

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Continue behind these durable positions; starts the consumer."""
        with self._lock:
            for (source, partition), offset in positions.items():
                topic = source.removeprefix(self._prefix)
                if source.startswith(self._prefix) and topic in self._topics:
                    self._next[topic, partition] = offset + 1
                    self._durable[topic, partition] = offset
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records, of each partition in the order of its offsets. `resume` must have been called."""
        if self._thread is None:
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
        """(source, partition) -> records behind the end of the partition, as last heard from the broker."""
        with self._lock:
            return {(self._prefix + topic, partition): lag for (topic, partition), lag in self._lag.items()}

    def trouble(self) -> str:
        """Why nothing can be read at the moment; empty when it can."""
        return self._error

    def close(self) -> None:
        """Leave the group and wake a waiting poll. Records that were fetched ahead are forgotten; they are not lost."""
        self._closing.set()
        with self._lock:
            self._buffer.clear()
            self._buffered = 0
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(2 * _CLOSE_MS / 1000)

    # ------------------------------------------------------------------------------- the consumer's thread

    def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        while not self._closing.is_set():
            consumer = None
            try:
                consumer = self._connected()
                self._error = ""
                backoff = _FIRST_BACKOFF
                self._consume(consumer)
            except Exception as error:  # whatever goes wrong with a broker, the thread goes on trying
                self._error = f"{type(error).__name__}: {error}"
                log.warning("%s: %s; trying again in %.1f s", self.name, self._error, backoff)
            finally:
                self._left(consumer)
            self._closing.wait(backoff)
            backoff = min(2 * backoff, _LAST_BACKOFF)

    def _connected(self) -> Any:
        if not self._options.get("proxy_url") and not self._options.get("socks5_proxy"):
            _reachable(self._options["bootstrap_servers"])
        consumer = KafkaConsumer(**self._options)
        consumer.subscribe(list(self._topics), listener=_Rebalanced(self._on_assigned, self._on_revoked))
        return consumer

    def _consume(self, consumer: Any) -> None:
        """Fetch until closing."""
        paused = False
        told: dict[_Key, int] = {}
        commit_at = time.monotonic() + _COMMIT_EVERY
        while not self._closing.is_set():
            epoch = self._find_back(consumer)
            paused = self._throttle(consumer, paused)
            batches = consumer.poll(timeout_ms=int(_IDLE * 1000))
            if batches:
                self._take(batches, epoch)
            self._measure(consumer)
            if time.monotonic() >= commit_at:
                commit_at = time.monotonic() + _COMMIT_EVERY
                told = self._tell_broker(consumer, told)
        self._tell_broker(consumer, told)

    def _left(self, consumer: Any) -> None:
        self._on_revoked(set(self._assigned))
        if consumer is not None:
            try:
                consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)
            except KafkaError as error:
                log.info("%s: closing: %s", self.name, error)

    def _take(self, batches: Mapping[TopicPartition, Sequence[Any]], epoch: int) -> None:
        made = {
            (partition.topic, partition.partition): [self._record(record) for record in records]
            for partition, records in batches.items()
        }
        with self._lock:
            if epoch != self._epoch or self._closing.is_set():
                self._astray |= made.keys()
                return
            for key, records in made.items():
                self._buffer.extend(records)
                self._buffered += sum(len(record.body) for record in records)
                self._fetched[key] = _offset(records[-1]) + 1
            self._lock.notify_all()

    def _record(self, record: Any) -> Record:
        format = _DEFAULT_FORMAT
        for name, value in record.headers or ():
            if name == FORMAT_HEADER:
                format = (value or b"").decode("utf-8", "replace")[:40]
        if format not in DECODERS:
            format = f"unknown:{format}"  # a sender cannot name a format that is not for senders
        body = record.value or b""
        if len(body) > self._limits[0]:
            format, body = oversized.FORMAT, body[: oversized.KEPT]
        return Record(self._prefix + record.topic, format, body, record.partition, record.offset)

    def _find_back(self, consumer: Any) -> int:
        """Send the consumer to where the buffer ends; the epoch from which on its fetches count."""
        with self._lock:
            for key in self._astray & self._assigned:
                partition = TopicPartition(*key)
                if key in self._fetched:
                    consumer.seek(partition, self._fetched[key])
                else:
                    consumer.seek_to_beginning(partition)
            self._astray.clear()
            return self._epoch

    def _throttle(self, consumer: Any, paused: bool) -> bool:
        """Pause when the buffer is full, resume when half of it is free. Paused members stay in their group."""
        _, most, most_bytes = self._limits
        with self._lock:
            fill = max(len(self._buffer) / most, self._buffered / most_bytes)
            partitions = [TopicPartition(*key) for key in self._assigned]
        if fill >= 1:
            consumer.pause(*partitions)
            return True
        if paused and fill <= 0.5:
            consumer.resume(*consumer.paused())
            return False
        return paused

    def _measure(self, consumer: Any) -> None:
        with self._lock:
            for key in self._assigned:
                with contextlib.suppress(KafkaError):  # revoked a moment ago
                    end = consumer.highwater(TopicPartition(*key))
                    if end is not None:
                        self._lag[key] = max(0, end - self._durable.get(key, self._next.get(key, 0) - 1) - 1)

    def _tell_broker(self, consumer: Any, told: dict[_Key, int]) -> dict[_Key, int]:
        with self._lock:
            durable = {key: offset for key, offset in self._durable.items() if key in self._assigned}
        news = {
            TopicPartition(*key): OffsetAndMetadata(offset + 1, "", -1)
            for key, offset in durable.items()
            if told.get(key) != offset
        }
        if news:
            consumer.commit_async(news)
        return {**told, **durable}

    def _key(self, record: Record) -> _Key:
        return record.source.removeprefix(self._prefix), record.partition

    def _on_assigned(self, partitions: set[_Key]) -> None:
        with self._lock:
            self._assigned |= partitions
            self._restart(partitions)
        log.info("%s: reading %s", self.name, sorted(partitions))

    def _on_revoked(self, partitions: set[_Key]) -> None:
        with self._lock:
            self._assigned -= partitions
            self._restart(partitions)
            for key in partitions:
                self._lag.pop(key, None)

    def _restart(self, keys: set[_Key]) -> None:
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


class _Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]
    """Called on kafka-python's own thread: only notes down what changed."""

    def __init__(self, assigned: Callable[[set[_Key]], None], revoked: Callable[[set[_Key]], None]) -> None:
        self._assigned = assigned
        self._revoked = revoked

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._assigned({(part.topic, part.partition) for part in assigned})

    def on_partitions_revoked(self, revoked: Any) -> None:
        self._revoked({(part.topic, part.partition) for part in revoked})


def _reachable(servers: Sequence[str]) -> None:
    """Raise ConnectionError unless one of the servers takes a connection.

    kafka-python would try for long, log each attempt, and leave the sockets of refused connections unclosed.
    """
    errors = []
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
        except (OSError, ValueError) as error:
            errors.append(f"{server}: {error}")
        else:
            return
    raise ConnectionError(f"no broker can be reached: {'; '.join(errors)}")


def _offset(record: Record) -> int:
    return record.offset or 0
