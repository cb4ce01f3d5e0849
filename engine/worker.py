"""The worker of stage 2: owns the services of the shards that are assigned to it, in one thread.

* assigned: it raises the shard's epoch in the store, so that no earlier owner can write any more, rebuilds the core
  from the store, and reads on behind the position that is stored there
* revoked: what is under way is committed and a snapshot stored, then the shard is let go
* lost (the group went on without it), or fenced by the store: the shard is dropped at once and nothing is written; what
  the core had decided and not committed is discarded. Fenced although the group has not taken it away (somebody who was
  late took it last), it is taken again after some time, unless the group does not answer: then it may be another's

What the cores hand over to other shards is sent once it is durable, in order; a repetition is known by its number.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.envelope import FORMAT, encode
from engine.errors import EngineError, Fenced, StoreUnavailable
from engine.pacing import Pacing
from engine.ports import Origin, Record, ShardStore
from engine.service import Service
from engine.splitting import Sent

log = logging.getLogger(__name__)

TOPIC = "shards"
"""The source under which positions in the topic of shards are stored."""
HANDED = "shard"
"""The source of what another shard handed over; its partition is that shard, its offset the handover's number."""


AGAIN, CONTESTED = 2.0, 10.0
"""Seconds until a shard is tried again that is not up; that another one has taken although it was assigned to us."""


class Member(Protocol):
    """A member of the consumer group on the topic of shards: partition s is shard s."""

    def poll(self, timeout: float) -> Sequence[Record]:
        """What came for the shards assigned, waiting at most so many seconds; tells of changes of the assignment
        (`Worker.assigned`, `revoked`, `lost`) before it returns."""

    def seek(self, shard: int, offset: int) -> None:
        """Deliver from this offset on. Raises `StoreUnavailable` when the shard is not assigned."""

    def hold(self, shard: int) -> None:
        """Deliver nothing of it until `seek`, where it is assigned."""

    def committed(self, offsets: Mapping[int, int]) -> None:
        """The last offset by shard that is durable: for lag metrics only."""

    def in_touch(self) -> bool:
        """Whether the group has answered lately: else what is assigned may be others' by now."""

    def close(self) -> None:
        """Leave the group; `Worker.revoked` is told before."""


class ShardSource:
    """A `Source` that holds what was polled for one shard until its service takes it."""

    def __init__(self, shard: int, seek: Callable[[int, int], None]) -> None:
        self.name = f"{TOPIC}:{shard}"
        self._shard, self._seek = shard, seek
        self._waiting: deque[Record] = deque()
        self.durable = -1

    def push(self, record: Record) -> None:
        """A record of this shard's partition."""
        self._waiting.append(record)

    def __len__(self) -> int:
        return len(self._waiting)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Read on behind what the store holds, wherever the consumer is."""
        self._waiting.clear()
        self.durable = positions.get((TOPIC, self._shard), -1)
        self._seek(self._shard, self.durable + 1)

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """What waits; never waits itself."""
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def committed(self, records: Sequence[Record]) -> None:
        """Note how far the store is."""
        self.durable = max(self.durable, *(record.offset or 0 for record in records))

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """They come again after `resume`."""

    def close(self) -> None:
        """What waits is the next owner's."""
        self._waiting.clear()


class Owned(msgspec.Struct):
    """One shard that this worker owns."""

    service: Service
    store: ShardStore
    source: ShardSource
    told: int = -1


class Worker:
    """``open_`` puts the service of a shard together, with a store that is its own; ``send`` makes records of the topic
    of shards durable, in order, or raises `StoreUnavailable`."""

    def __init__(
        self,
        open_: Callable[[int, ShardSource], tuple[Service, ShardStore]],
        send: Callable[[Sequence[Sent]], None],
        pacing: Pacing | None = None,
    ) -> None:
        self._open, self._send, self._pacing = open_, send, pacing or Pacing()
        self._member: Member | None = None
        self.waiting: dict[int, float] = {}
        """When shards that were assigned and are not up are tried again."""
        self.owned: dict[int, Owned] = {}
        self.troubles: dict[int, str] = {}
        """Why shards that were assigned are not up."""

    def join(self, member: Member) -> None:
        """The member whose assignments it follows."""
        self._member = member

    def assigned(self, shards: Collection[int]) -> None:
        """These are ours from now on."""
        for shard in sorted(set(shards) - self.owned.keys()):
            self._begin(shard)

    def revoked(self, shards: Collection[int]) -> None:
        """Let these go, in good order."""
        for shard in sorted(self.owned.keys() & set(shards)):
            one = self.owned.pop(shard)
            try:
                one.service.stop()
            except Fenced as error:
                log.warning("shard %d was lost before it was revoked: %s", shard, error)
            one.store.close()
        self._forget(shards)

    def lost(self, shards: Collection[int]) -> None:
        """Others own these already: write nothing."""
        for shard in sorted(self.owned.keys() & set(shards)):
            log.warning("shard %d was lost to another worker", shard)
            self.owned.pop(shard).store.close()
        self._forget(shards)

    def step(self, timeout: float) -> int:
        """Poll once, let every shard work, send on what it hands over. Returns how many records were taken."""
        if self._member is None:
            raise RuntimeError("join() a group before step()")
        records = self._member.poll(self._patience(timeout))
        for record in records:
            one = self.owned.get(record.partition)
            if one is not None:
                one.source.push(record)
        for shard, at in sorted(self.waiting.items()):
            if at <= self._pacing.monotonic() and self._member.in_touch():
                self._begin(shard)
        for shard in list(self.owned):
            try:
                self._turn(self.owned[shard])
            except Fenced as error:
                self.lost([shard])
                self._later(shard, CONTESTED, error)
        self._report()
        return len(records)

    def stop(self) -> None:
        """Let everything go, and leave the group."""
        if self._member is not None:
            self._member.close()
        self.revoked(list(self.owned))

    def _turn(self, one: Owned) -> None:
        one.service.step(0)
        while len(one.source):
            one.service.step(0)
        self._hand_over(one)

    def _begin(self, shard: int) -> None:
        """Become the owner and rebuild the core. What stands in the way of one shard does not keep the others."""
        source = ShardSource(shard, self._seek)
        try:
            service, store = self._open(shard, source)
            try:
                epoch = store.acquire()
                service.recover()
            except BaseException:
                store.close()
                raise
        except Fenced as error:
            self._later(shard, CONTESTED, error)
        except EngineError as error:
            self._later(shard, AGAIN, error)
        else:
            self._forget([shard])
            self.owned[shard] = Owned(service, store, source)
            log.info("shard %d is ours, epoch %d", shard, epoch)

    def _later(self, shard: int, seconds: float, error: EngineError) -> None:
        """Try again, unless the group says before that it is not ours: it alone decides who owns what."""
        log.error("shard %d is not up, next try within %g s: %s", shard, seconds, error)
        if self._member is not None:
            self._member.hold(shard)
        self.waiting[shard], self.troubles[shard] = self._pacing.within(seconds), str(error)

    def _forget(self, shards: Collection[int]) -> None:
        for shard in shards:
            self.waiting.pop(shard, None)
            self.troubles.pop(shard, None)

    def _hand_over(self, one: Owned) -> None:
        """What is durable and not sent yet. When the store or sending fails it is tried again with the next step."""
        if not one.service.hands_over:
            return
        try:
            while rows := one.store.handovers():
                self._send([
                    Sent(to, encode([part]), Origin(HANDED, part.source, part.number, FORMAT)) for to, part in rows
                ])  # fmt: skip
                one.store.handed(rows[-1][1].number)
        except Fenced:
            raise
        except StoreUnavailable as error:
            log.error("nothing can be handed over: %s", error)
            return
        one.service.hands_over = False

    def _patience(self, timeout: float) -> float:
        waits = [one.service.patience(timeout) for one in self.owned.values()]
        return min([timeout, *waits])

    def _seek(self, shard: int, offset: int) -> None:
        if self._member is not None:
            self._member.seek(shard, offset)

    def _report(self) -> None:
        news = {shard: one.source.durable for shard, one in self.owned.items() if one.source.durable > one.told}
        for shard, offset in news.items():
            self.owned[shard].told = offset
        if news and self._member is not None:
            self._member.committed(news)
