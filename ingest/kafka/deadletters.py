"""A topic beside the table of dead letters, for those who watch topics: each letter of a source as a record.

The table is the record; the topic follows it. How far it got stands in the topic itself, in the header of its last
record, so that after a crash letters are sent again rather than left out. The value is what could not be used, as it
came; the reason stands in headers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from engine.ports import DeadLetter, Reader
from ingest.errors import TooLarge
from ingest.kafka.client import KafkaConsumer, TopicPartition, options
from ingest.kafka.producer import OrderedProducer
from ingest.turning import Turning

log = logging.getLogger(__name__)

LETTER, REASON, POINTER, FORMAT, SOURCE, POSITION = (
    "headwater-dead-letter",
    "headwater-reason",
    "headwater-pointer",
    "headwater-format",
    "headwater-source",
    "headwater-position",
)
_EVERY = 5.0
_ASK_MS = 10_000
_PARTITION = 0
_LONGEST = 4_096
_PAGE = 200


class DeadLetterTopic:
    """Copies letters of sources whose names begin with ``prefix`` to partition 0 of ``topic``; runs between `start` and
    `stop`. ``reader`` is read at the first start only, it may not be there before."""

    def __init__(self, given: Mapping[str, Any], topic: str, prefix: str, reader: Callable[[], Reader]) -> None:
        self._given, self._topic, self._prefix, self._reader = dict(given), topic, prefix, reader
        self._sent: int | None = None
        self._producer: OrderedProducer | None = None
        self._loop = Turning(f"dead-letters-{topic}", self._run)

    @property
    def loops(self) -> list[Turning]:
        """Its threads, once it has begun."""
        return [self._loop, *([self._producer.loop] if self._producer else ())]

    def start(self) -> None:
        """Begin."""
        self._producer = OrderedProducer(self._given, name=f"{self._loop.name}-producer")
        self._loop.start()

    def wake(self) -> None:
        """There may be new ones."""
        self._loop.wake()

    def stop(self) -> None:
        """End; what is not sent is sent at the next start."""
        self._loop.end()
        self._loop.join(_EVERY)

    def _run(self) -> None:
        producer = self._producer
        assert producer is not None  # noqa: S101 - `start` has made it
        while not self._loop.ended:
            self._loop.turn()
            try:
                if self._sent is None:
                    self._sent = self._last()
                self._copy(producer, self._sent)
            except Exception as error:  # a broker that is away must not end the thread
                log.warning("dead letters cannot be copied to %s: %s", self._topic, error)
                producer.reopen(self._topic, _PARTITION)
            self._loop.pause(_EVERY)
        producer.close()

    def _copy(self, producer: OrderedProducer, behind: int) -> None:
        sent = []
        for letter in self._letters(behind):
            try:
                future = producer.send(self._topic, _PARTITION, None, letter.raw, headers(letter))
            except TooLarge:
                future = producer.send(self._topic, _PARTITION, None, None, headers(letter))
            sent.append((letter.id, future))
        producer.flush(_EVERY)
        for id, future in sent:
            future.result(_EVERY)
            self._sent = id

    def _letters(self, behind: int) -> list[DeadLetter]:
        """Those with a higher id, oldest first."""
        found: list[DeadLetter] = []
        cursor = ""
        while True:
            page = self._reader().dead_letters(state="", cursor=cursor, limit=_PAGE)
            fresh = [one for one in page.items if isinstance(one, DeadLetter) and one.id > behind]
            found += [one for one in fresh if one.source.startswith(self._prefix)]
            cursor = page.next
            if not cursor or len(fresh) < len(page.items):
                return sorted(found, key=lambda one: one.id)

    def _last(self) -> int:
        """The id in the last record of the topic; 0 when there is none."""
        consumer = KafkaConsumer(**options({**self._given, "auto_offset_reset": "earliest"}))
        try:
            partition = TopicPartition(self._topic, _PARTITION)
            consumer.assign([partition])
            end = consumer.end_offsets([partition], timeout_ms=_ASK_MS)[partition]
            if not end:
                return 0
            consumer.seek(partition, end - 1)
            records = consumer.poll(timeout_ms=_ASK_MS).get(partition, ())
            ids = [int(value) for record in records for name, value in record.headers if name == LETTER]
            return max(ids, default=0)
        finally:
            consumer.close(autocommit=False)


def headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """Why it could not be used, and where it came from."""
    said = {
        LETTER: str(letter.id), REASON: letter.reason, POINTER: letter.pointer, FORMAT: letter.format,
        SOURCE: letter.source, POSITION: "" if letter.position is None else str(letter.position),
    }  # fmt: skip
    return [(name, value.encode("utf-8", "replace")[:_LONGEST]) for name, value in said.items()]
