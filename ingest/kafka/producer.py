"""Producing in an order that holds when something fails.

A producer that sends on behind a failed record would leave a gap that nobody can close: whoever reads by position
skips the record when it comes late. So a partition is a lane: records go out in the order of their `send`, in batches,
one batch of a lane at a time, and when a record fails, no record behind it has been or will be handed to a broker. The
lane stays shut until `reopen`, so that nobody who has not yet heard of the failure sends on behind it.

A failed record may have been written all the same (its acknowledgement was lost); sent again it is there twice, and
in order. Acknowledged is what all replicas in sync have (acks=all; idempotent within the retries of one batch).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from ingest.errors import Overloaded, TooLarge
from ingest.kafka.client import KafkaError, Partition, producer
from ingest.limits import MIB
from ingest.turning import Turning

log = logging.getLogger(__name__)

BATCH = MIB - 64 * 1024
"""Bytes of a batch and of a record: what a broker takes at its defaults (``message.max.bytes``) less headers."""

_OVERHEAD = 128  # bytes of a record beside its key, value and headers, at most
_IDLE = 1.0
_GRACE = 5.0  # seconds beyond its patience after which a client that says nothing is given up


class Unsent(Exception):
    """A record that is not known to be in its partition: it failed, or one before it did. ``first``: it is the one."""

    def __init__(self, reason: str, *, first: bool) -> None:
        super().__init__(reason)
        self.first = first


class _Waiting(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    size: int
    done: Future[int]


class _Lane:
    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.shut = ""

    def chunk(self) -> list[_Waiting]:
        """The next batch."""
        taken: list[_Waiting] = []
        size = 0
        while self.waiting and (not taken or size + self.waiting[0].size <= BATCH):
            taken.append(self.waiting.popleft())
            size += taken[-1].size
        return taken


class OrderedProducer:
    """Sends to partitions named by the caller; any thread may call.

    ``given`` goes to `kafka.KafkaProducer` (``bootstrap_servers``, security, ``compression_type``). ``linger``: seconds
    for which the first of a batch waits for others. ``patience``: seconds until a record that no broker takes has
    failed. ``most``: bytes that may wait. Lanes share their rounds: one whose broker is away holds the others up until
    its patience ends.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        *,
        linger: float = 0.002,
        patience: float = 30.0,
        most: int = 64 * MIB,
        name: str = "kafka-producer",
    ) -> None:
        half = max(1000, int(patience * 500))
        self._given: dict[str, Any] = {
            **given,
            "acks": "all",
            "enable_idempotence": True,
            "batch_size": BATCH + MIB,  # never full: a full batch would leave at once, and others of its broker with it
            "max_request_size": 16 * MIB,
            "linger_ms": half,  # batches leave by a flush, when they are complete
            "max_block_ms": half,
            "request_timeout_ms": half,
            "delivery_timeout_ms": 2 * half,
        }
        self._linger, self._patience, self._most = linger, patience, most
        self._lock = threading.Condition()
        self._lanes: dict[Partition, _Lane] = {}
        self._bytes = 0  # of what waits or is under way
        self._hurry = False
        self._closing = threading.Event()
        self._client: Any = None
        self.loop = Turning(name, self._run)
        self.loop.start()

    def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Future[int]:
        """The offset of the record (-1 where the broker does not say), once it is acknowledged; else `Unsent`.

        Raises `TooLarge` and `Overloaded`: nothing was taken.
        """
        size = _OVERHEAD + len(key or b"") + len(value or b"") + sum(len(n) + len(v) + 8 for n, v in headers)
        if size > BATCH:
            raise TooLarge(f"expected a record of at most {BATCH} bytes, got {size}")
        done: Future[int] = Future()
        done.set_running_or_notify_cancel()  # what is taken cannot be called back
        with self._lock:
            lane = self._lanes.setdefault((topic, partition), _Lane())
            if lane.shut or self._closing.is_set():
                done.set_exception(Unsent(lane.shut or "the producer is closed", first=False))
                return done
            if self._bytes + size > self._most:
                raise Overloaded(f"{self._bytes} bytes are waiting to be sent", 5.0)
            self._bytes += size
            lane.waiting.append(_Waiting(key, value, list(headers), size, done))
            if self._bytes == size:  # else there is a round to come anyway
                self._lock.notify_all()
        return done

    def reopen(self, topic: str, partition: int) -> None:
        """Take records of this partition again: whoever sends has heard of the failure, and begins at the first
        record that failed."""
        with self._lock:
            self._lanes.setdefault((topic, partition), _Lane()).shut = ""

    def flush(self, seconds: float) -> bool:
        """Wait until everything sent so far is acknowledged or has failed; False when that takes longer."""
        with self._lock:
            self._hurry = True
            self._lock.notify_all()
            return self._lock.wait_for(lambda: self._bytes == 0, seconds)

    def close(self, seconds: float = 5.0) -> None:
        """Take nothing more; what is not acknowledged after ``seconds`` has failed."""
        self.flush(seconds)
        self._closing.set()
        with self._lock:
            self._lock.notify_all()
        self.loop.join(_GRACE)
        with self._lock:
            left = [key for key, lane in self._lanes.items() if lane.waiting]
        for key in left:
            self._fail(key, [], "the producer is closed")

    # ------------------------------------------------------------------------------- the producer's thread

    def _run(self) -> None:
        while chunks := self._next():
            try:
                reasons = self._round(chunks)
            except Exception as error:  # whatever goes wrong with brokers, the thread goes on
                reasons = {key: (_acknowledged(chunk), _told(error)) for key, chunk in chunks.items()}
                self._drop()
            for key, (sent, reason) in reasons.items():
                log.warning("kafka: %s/%d: %s", *key, reason)
                self._fail(key, chunks[key][sent:], reason)
            with self._lock:
                self._bytes -= sum(one.size for chunk in chunks.values() for one in chunk)
                self._lock.notify_all()
        self._drop()

    def _next(self) -> dict[Partition, list[_Waiting]]:
        """What the next round sends: one batch of each lane. Empty: closing."""
        with self._lock:
            self.loop.turn()
            while not self._lock.wait_for(lambda: self._closing.is_set() or self._bytes > 0, _IDLE):
                self.loop.turn()
            if not self._hurry and self._linger > 0:
                self._lock.wait_for(lambda: self._closing.is_set() or self._hurry, self._linger)
            self._hurry = False
            if self._closing.is_set():
                return {}
            return {key: lane.chunk() for key, lane in self._lanes.items() if lane.waiting}

    def _round(self, chunks: Mapping[Partition, list[_Waiting]]) -> dict[Partition, tuple[int, str]]:
        """Send the chunks; (how many are acknowledged, why the next is not) of each lane that failed."""
        client = self._connected()
        failed: dict[Partition, tuple[int, str]] = {}
        known = {topic: client.partitions_for(topic) or () for topic, _ in chunks}
        sent: dict[Partition, list[Any]] = {}
        for key, chunk in chunks.items():
            if key[1] not in known[key[0]]:
                failed[key] = 0, f"there is no partition {key[1]} of {key[0]}"
                continue
            sent[key] = [client.send(key[0], one.value, one.key, one.headers, key[1]) for one in chunk]
        try:
            client.flush(self._patience + _GRACE)
        except KafkaError as error:
            log.warning("kafka: the producer is given up: %s", error)
            self._drop()
        for key, answers in sent.items():
            for count, (one, answer) in enumerate(zip(chunks[key], answers, strict=True)):
                if not answer.succeeded():
                    failed[key] = count, f"not acknowledged: {answer.exception or 'no answer in time'}"
                    break
                one.done.set_result(answer.value.offset)
        if failed:
            self._drop()
        return failed

    def _connected(self) -> Any:
        """The client of kafka-python, a new one after every failure: none sends what its forerunner gave up."""
        end = time.monotonic() + self._patience
        while self._client is None:
            try:
                self._client = producer(self._given)
            except (ConnectionError, KafkaError):
                if time.monotonic() >= end or self._closing.wait(0.2):
                    raise
        return self._client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client._sender.force_close()  # close() would first wait for what is given up
            client.close(timeout=_GRACE)

    def _fail(self, key: Partition, records: list[_Waiting], reason: str) -> None:
        """These records, and what waits behind them, count as not sent; the lane is shut."""
        with self._lock:
            lane = self._lanes[key]
            lane.shut = reason
            behind = list(lane.waiting)
            lane.waiting.clear()
            self._bytes -= sum(one.size for one in behind)
            self._lock.notify_all()
        for count, one in enumerate([*records, *behind]):
            one.done.set_exception(Unsent(reason, first=count == 0))


def _acknowledged(chunk: Sequence[_Waiting]) -> int:
    return sum(one.done.done() for one in chunk)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
