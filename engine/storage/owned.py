"""The memory's store as one owner of a shard sees it: what an earlier owner writes is refused."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Fenced
from engine.outcomes import Decision
from engine.ports import Commit, Entry, Resume, Version
from engine.shards import Shard
from engine.signals import Handover, Millis
from engine.storage.memory import MemoryStore


class MemoryShard:
    """What outlives its owners: the store of one shard, and the epoch that is raised with every owner."""

    def __init__(self, shard: Shard) -> None:
        self.store = MemoryStore({}, shard)
        self.epoch = 0


class OwnedMemory:
    """Implements `engine.ports.ShardStore`."""

    def __init__(self, shard: MemoryShard) -> None:
        self._shard, self._epoch = shard, -1

    def acquire(self) -> int:
        """Become the owner."""
        self._shard.epoch += 1
        self._epoch = self._shard.epoch
        return self._epoch

    def resume(self) -> Resume:
        """Where the last commit left off."""
        return self._shard.store.resume()

    def commit(self, commit: Commit) -> None:
        """All of it or none of it, and none of it once another has become the owner."""
        self._owner().commit(commit)

    def entries(self, after: int, until: int | None = None) -> Iterable[Entry]:
        """The input log behind ``after``."""
        return self._shard.store.entries(after, until)

    def decisions(self, after: int) -> Iterable[Decision]:
        """The decisions at positions > ``after``."""
        return self._shard.store.decisions(after)

    def alive(self, at: Millis) -> None:
        """Note that the engine was running at this time."""
        self._owner().alive(at)

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""
        return self._shard.store.version(kind, id)

    def prune(self, before: Millis, limit: int) -> int:
        """Forget at most ``limit`` input log entries that arrived before."""
        return self._owner().prune(before, limit)

    def handovers(self, limit: int = 100) -> list[tuple[int, Handover]]:
        """What is to be sent to other shards."""
        return self._owner().handovers(limit)

    def handed(self, through: int) -> None:
        """The handovers up to this number are with their shards."""
        self._owner().handed(through)

    def close(self) -> None:
        """The store goes on without this owner."""

    def _owner(self) -> MemoryStore:
        if self._epoch != self._shard.epoch:
            raise Fenced(f"It holds epoch {self._epoch}, the shard is at {self._shard.epoch}.")
        return self._shard.store
