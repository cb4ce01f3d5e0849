"""Cuts between a worker and its database, its broker, or both: where they strike, how, and for how long.

A cut waits until some worker has work under way at its stage, and strikes that one there:

* *before the commit*: the transaction does not reach the server; on a line that is half open it may do so later, when
  the worker has long given it up
* *during the commit*: it is made, the answer is lost
* *before the handover*: what the commit hands over cannot be read (database), or not be sent (broker)
* *during the handover*: it is sent, the answer is lost
* *before the offsets*: that it was sent cannot be noted (database), or the offsets cannot (broker)

A line that was *reset* refuses every call at once; on one that is *half open* each call hangs for seconds first, and
the worker's only thread with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from engine.errors import EngineError, StoreUnavailable
from engine.ports import Commit, Resume
from engine.signals import Handover, Millis
from engine.storage.owned import MemoryShard
from tests.cluster.cluster import Cluster, Watched

LONGEST: Millis = 120_000
HANGS: tuple[Millis, Millis] = (2_000, 15_000)
"""A call on a line that is half open fails after so long."""
KINDS = ("database", "broker", "database and broker")
WAYS = ("reset", "half open")
STAGES = ("before the commit", "during the commit")
HANDING = ("before the commit", "before the handover", "during the handover", "before the offsets")


class Cut(NamedTuple):
    """What will be cut; ``hands`` waits for a commit that hands over, ``skip`` lets so many chances go by."""

    kind: str
    stage: str
    way: str
    length: Millis
    hands: bool = False
    skip: int = 0


def draw(rng: random.Random, kind: str, *, hands: bool) -> Cut:
    """A cut of this kind. One in three lasts for seconds only: it heals before anybody has noticed much."""
    length = rng.randint(1_000, 10_000) if rng.random() < 1 / 3 else rng.randint(10_000, LONGEST)
    return Cut(kind, rng.choice(HANDING if hands else STAGES), rng.choice(WAYS), length, hands, rng.randrange(3))


class Line:
    """A worker's way to its database."""

    def __init__(self, name: str, rng: random.Random, now: Callable[[], Millis]) -> None:
        self.name, self.rng, self.now = name, rng, now
        self.way = ""  # in which it is cut; empty: it is whole
        self.until: Millis = 0
        self.hung: Millis = 0
        """The worker's thread waits in a call until then."""
        self.struck = 0

    def pass_by(self) -> None:
        """Raises when it is cut."""
        if self.way:
            self.fail("the line to the database is cut")

    def answer(self) -> None:
        """Raises when it was cut while the commit was made."""
        if self.way:
            self.fail("the answer to the commit is lost")

    def fail(self, why: str) -> None:
        """A call that does not come back."""
        self.struck += 1
        if self.way == "half open":
            self.hung = max(self.hung, self.now() + self.rng.randint(*HANGS))
        raise StoreUnavailable(why)


class Stage(Protocol):
    """Where cuts are asked for: the cluster."""

    def reach(self, stage: str, via: str, line: Line, work: Commit | None = None) -> None:
        """A worker is at this stage, on the way to its database or its broker; a cut may strike it."""

    def stored(self, by_owner: bool) -> None:
        """A commit was stored, by the latest owner of its shard or not."""

    def later(self, at: Millis, happen: Callable[[], None]) -> None:
        """Let this happen at that time."""

    def note(self, *what: object) -> None:
        """Keep it in the history."""


class Reached(Watched):
    """A shard's store at the end of a line."""

    def __init__(self, number: int, shard: MemoryShard, cluster: Cluster, stage: Stage, line: Line) -> None:
        super().__init__(shard, cluster)
        self._number, self._stage, self._line = number, stage, line

    def acquire(self) -> int:
        self._line.pass_by()
        epoch = super().acquire()
        self._stage.note("acquired", self._number, epoch, self._line.name)
        return epoch

    def resume(self) -> Resume:
        self._line.pass_by()
        return super().resume()

    def alive(self, at: Millis) -> None:
        self._line.pass_by()
        super().alive(at)

    def prune(self, before: Millis, limit: int) -> int:
        self._line.pass_by()
        return super().prune(before, limit)

    def commit(self, commit: Commit) -> None:
        if commit.ledger or commit.handovers:
            self._stage.reach("before the commit", "database", self._line, commit)
        if self._line.way:
            self.refuse(commit)
            return
        self._write(commit)
        if commit.ledger or commit.handovers:
            self._stage.reach("during the commit", "database", self._line, commit)
        self._line.answer()

    def refuse(self, commit: Commit) -> None:
        """It does not arrive, or long after its sender has given it up."""
        line = self._line
        if line.way == "half open" and line.rng.random() < 0.5:
            moment = line.rng.randint(line.now(), line.until + HANGS[1])
            self._stage.later(moment, lambda: self._arrive(commit))
        line.pass_by()

    def _write(self, commit: Commit) -> None:
        super().commit(commit)
        self._stage.stored(self._epoch == self._shard.epoch)

    def _arrive(self, commit: Commit) -> None:
        try:
            self._write(commit)
        except EngineError as error:
            self._stage.note("came late and was refused", type(error).__name__)
        else:
            self._stage.note("came late and was stored")

    def handovers(self, limit: int = 100) -> list[tuple[int, Handover]]:
        rows = super().handovers(limit)
        if rows:
            self._stage.reach("before the handover", "database", self._line)
        self._line.pass_by()
        return rows

    def handed(self, through: int) -> None:
        self._stage.reach("before the offsets", "database", self._line)
        self._line.pass_by()
        super().handed(through)
