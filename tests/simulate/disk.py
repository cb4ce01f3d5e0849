"""The real store on a disk that fails at chosen writes."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from pathlib import Path

from engine.errors import StoreUnavailable
from engine.failpoints import Died
from engine.ports import Commit
from engine.storage.sqlite.store import SqliteStore

AUDIENCES = {"tickets": frozenset({"tickets"})}
FAULTS = ("refused", "full", "answer lost", "dies before", "dies after")


def memory() -> str | None:
    """A folder for files whose disk is simulated: in memory they are as good, and quicker."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Disk:
    """Chooses which commits fail, and how."""

    def __init__(self, dice: random.Random, rate: float) -> None:
        self._dice, self._rate = dice, rate
        self.troubled = True
        self.struck = 0

    def fault(self) -> str:
        """Empty: this write is well."""
        if not self.troubled or self._dice.random() >= self._rate:
            return ""
        self.struck += 1
        return self._dice.choice(FAULTS)


class Store(SqliteStore):
    """Fails as its disk does. A process that dies leaves the file to the next."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path, AUDIENCES)
        self._disk = disk
        for connection in (self._writer, self._outbox):
            connection.execute("PRAGMA synchronous = OFF")  # processes die here, the machine does not

    def commit(self, commit: Commit) -> None:
        match self._disk.fault():
            case "":
                super().commit(commit)
            case "refused":
                raise StoreUnavailable("the disk reports an error")
            case "full":
                self._when_full(commit)
            case "answer lost":
                super().commit(commit)
                raise StoreUnavailable("the disk reports an error after all")
            case "dies before":
                raise Died("before a commit")
            case _:
                super().commit(commit)
                raise Died("after a commit")

    def _when_full(self, commit: Commit) -> None:
        """SQLite itself finds no room, somewhere in the transaction, or just enough."""
        (pages,) = self._writer.execute("PRAGMA page_count").fetchone()
        self._writer.execute(f"PRAGMA max_page_count = {pages}")
        try:
            super().commit(commit)
        finally:
            self._writer.execute("PRAGMA max_page_count = 1073741823")

    def abandon(self) -> None:
        """The process is gone: what was not committed is gone with it."""
        with suppress(StoreUnavailable, sqlite3.Error):
            self.close()
