"""The trail: what people and programs changed and were denied, in an append-only hash chain over salted digests.

The chain is that of the record of decisions (`engine.chain`): content enters it only through its digest, so that what
a record says can be erased, and the chain still verifies.
"""

from __future__ import annotations

import logging

import msgspec

from api.auth.principal import Principal
from api.auth.rates import Buckets
from api.auth.store import Store
from engine.chain import ChainRow
from engine.errors import EngineError
from engine.ports import Clock
from engine.signals import Millis

log = logging.getLogger(__name__)

DENIED = (401, 403, 421, 429)
LONGEST = 300
"""Characters of what was asked that are kept."""


class TrailEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record's content. ``who`` is empty where nobody was known; ``result`` is the HTTP status, 0 for the command
    line; ``unwritten``: how many denials before it were only counted, because too many came from one address.
    """

    who: str
    kind: str
    roles: tuple[str, ...]
    what: str
    asked: str
    origin: str
    result: int
    unwritten: int = 0


class TrailEntry(msgspec.Struct, frozen=True):
    """A record as it is shown; ``event`` is None once it is erased."""

    number: int
    at: Millis
    event: TrailEvent | None


class Trail:
    """Writes to the store, durably. Denials beyond 10 a second (100 at once) of one address are counted only."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._denials = Buckets(10, 100)
        self._unwritten = 0

    def record(self, who: Principal | None, what: str, asked: str, origin: str, result: int) -> None:
        """Append. A trail that cannot be written is an error in the log; the answer is not held back."""
        now = self._clock()
        if result in DENIED and self._denials.take(origin, now):
            self._unwritten += 1
            return
        name, kind, roles = ("", "", ()) if who is None else (who.name, who.kind.value, tuple(sorted(who.roles)))
        unwritten, self._unwritten = self._unwritten, 0
        event = TrailEvent(name, kind, roles, what, safe(asked), origin, result, unwritten)
        try:
            self._store.add_record(name, now, msgspec.json.encode(event))
        except EngineError as error:
            self._unwritten += unwritten + 1
            log.error("the trail of access cannot be written: %s", error)


def safe(text: str) -> str:
    """Without control characters, and not too long."""
    return "".join(char if char.isprintable() else "�" for char in text[:LONGEST])


def shown(row: ChainRow) -> TrailEntry:
    """A stored record for people."""
    event = None if row.payload is None else msgspec.json.decode(row.payload, type=TrailEvent)
    return TrailEntry(row.seq, row.at, event)
