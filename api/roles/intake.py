"""Stage 1 at work: takes records from its sources, divides them among the shards, and tells when they are durable.

It keeps nothing. A source hears that a record is taken once all that came of it is acknowledged; what was sent in part
and comes again is known by its place in its source.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from api.roles.force import InForce
from engine import failpoints
from engine.errors import StoreUnavailable
from engine.feed import Feed, tell_committed, tell_failed
from engine.ports import Decode, Record, Source
from engine.splitting import Sent, split
from ingest.turning import Turning

log = logging.getLogger(__name__)

RECORDS, SIZE, WAIT = 512, 8 << 20, 0.5
FIRST, LONGEST = 0.2, 10.0
NOTHING = "no versions are in force yet: `headwater api` brings them"
LOOK = 1.0
"""Seconds between looks for other versions."""


class Intake:
    """One thread over some sources."""

    def __init__(
        self, sources: Sequence[Source], decode: Decode, force: InForce, send: Callable[[Sequence[Sent]], None]
    ) -> None:
        self._feed = Feed(sources)
        self._decode, self._force, self._send = decode, force, send
        self._stop = threading.Event()
        self.loop = Turning("-".join(["intake", *(one.name for one in sources)]), self._run)
        self._looked = 0.0
        self.trouble = "starting"
        self.records = 0

    def start(self) -> None:
        """Begin."""
        self._feed.resume({})
        self.loop.start()

    def stop(self) -> None:
        """Take nothing more; what was taken is answered."""
        self._stop.set()
        self._feed.close()
        self.loop.join(LONGEST)
        tell_failed(self._feed.poll(RECORDS, SIZE, 0), StoreUnavailable("the process ends"))

    @property
    def alive(self) -> bool:
        """Does its thread live?"""
        return self.loop.alive

    def step(self) -> int:
        """One group of records; how many there were."""
        self._look()
        deliveries = self._feed.poll(RECORDS, SIZE, WAIT)
        if not deliveries:
            return 0
        try:
            if not self._force.noted.number:
                raise StoreUnavailable(NOTHING)
            sent = [one for delivery in deliveries for one in self._divided(delivery.record)]
            self._send(sent)
        except StoreUnavailable as error:
            self.trouble = str(error)
            tell_failed(deliveries, error)
            raise
        failpoints.reach("stage1.after_send")
        self.trouble = ""
        self.records += len(deliveries)
        tell_committed(deliveries)
        return len(deliveries)

    def _run(self) -> None:
        wait = FIRST
        while not self._stop.is_set():
            self.loop.turn()
            try:
                self.step()
                wait = FIRST
            except StoreUnavailable as error:
                log.error("input is refused: %s", error)
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST)
            except Exception:
                log.exception("stage 1 failed on a group of records")
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST)
        while self.step_quietly():
            pass

    def step_quietly(self) -> int:
        """The last ones."""
        try:
            return self.step()
        except StoreUnavailable:
            return 0

    def _divided(self, record: Record) -> list[Sent]:
        """With other versions in force the same record may be divided otherwise: then it is another one, so that no
        part of it is taken for a repetition of what is not the same."""
        decoded = record.decoded or self._decode(record.format, record.body)
        number = self._force.noted.number
        return [
            msgspec.structs.replace(one, origin=one.origin._replace(since=number))
            for one in split(record, decoded, self._force.routes)
        ]

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        self._force.refresh()
        self.trouble = "" if self._force.noted.number else NOTHING
