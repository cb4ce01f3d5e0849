"""Feeds a child engine over a pipe, kills it, starts it again, and reads what is left."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.storage.sqlite.reader import SqliteReader

START = 1_700_000_000_000
STEP = 2_000  # ms between two records: time for timers
TROUBLES = ("db", "web web", "api db", "queue ?", "poison", "cache api queue", "db db db")
PATIENCE = 20.0


class Line(NamedTuple):
    offset: int
    arrival: int
    body: str


def lines(count: int, *, start: int = 0) -> list[Line]:
    """Records with troubles old and new; each carries its arrival."""
    return [
        Line(n, START + STEP * n, f"{TROUBLES[n % len(TROUBLES)]} new-{n // 9}") for n in range(start, start + count)
    ]


class Child:
    """One life of the engine."""

    def __init__(self, folder: Path, core: str, now: int, failpoints: str = "") -> None:
        command = [sys.executable, "-m", "tests.crash.child", str(folder), core, str(now), failpoints]
        self._log = (folder / "stderr").open("ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=Path(__file__).parents[2]
        )
        assert self.process.stdin
        assert self.process.stdout
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._rest = b""
        self.acknowledged: set[int] = set()
        self.position: int | None = None  # the last offset it knows to be durable, once it is ready
        self.violations: int | None = None

    def send(self, text: str) -> bool:
        try:
            os.write(self._stdin.fileno(), text.encode() + b"\n")
        except BrokenPipeError:
            return False
        return True

    def hear(self, timeout: float) -> bool:
        """Take in what it says; False when it has ended and everything is heard."""
        if not self._selector.select(timeout):
            return True
        data = os.read(self._stdout.fileno(), 65_536)
        if not data:
            return False
        *complete, self._rest = (self._rest + data).split(b"\n")
        for line in complete:
            word, _, value = line.decode().partition(" ")
            if word == "a":
                self.acknowledged.add(int(value))
            elif word == "ready":
                self.position = int(value)
            elif word == "stopped":
                self.violations = int(value)
        return True

    def hear_until(self, offset: int) -> bool:
        """Wait for an acknowledgement; False when the child ends before."""
        end = time.monotonic() + PATIENCE
        while offset not in self.acknowledged:
            assert time.monotonic() < end, f"no acknowledgement of {offset}"
            if not self.hear(0.5):
                return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.bury()

    def stop(self) -> int:
        """In good order; the number of determinism violations it saw."""
        assert self.send("stop")
        self.bury()
        assert self.process.returncode == 0, self.process.returncode
        assert self.violations is not None
        return self.violations

    def bury(self) -> None:
        """Hear its last words and let it go."""
        while self.hear(PATIENCE):
            pass
        self.process.wait(PATIENCE)
        for file in (self._stdin, self._stdout, self._log):
            file.close()
        self._selector.close()


class Remains(NamedTuple):
    """What an engine's folder holds in the end."""

    inputs: list[tuple[int, str, bool]]  # (offset, body, poison)
    decisions: list[tuple[str, int, int, bytes]]
    published: list[str]
    totals: dict[str, int]
    incidents: list[bytes]
    why: list[bytes]


def remains(folder: Path) -> Remains:
    reader = SqliteReader(folder / "db")
    try:
        entries = list(reader.entries(0))
        views = [reader.revisions(view.id)[-1] for view in _all(reader)]
        events = [f"{entry.position}-{index}" for entry in entries for index in range(4)]
        return Remains(
            [(entry.offset or 0, entry.body.decode(), entry.poison) for entry in entries if entry.source == "pipe"],
            [(one.domain, one.position, one.at, one.payload) for one in reader.decisions(-1)],
            [msgspec.json.decode(line)["key"] for line in (folder / "published.jsonl").read_bytes().splitlines()],
            reader.totals(),
            sorted(msgspec.json.encode(view) for view in views),
            [msgspec.json.encode(reader.why(event)) for event in events],
        )
    finally:
        reader.close()


def unpublished(folder: Path) -> int:
    reader = SqliteReader(folder / "db")
    try:
        return len(reader.outbox(state=("new", "claimed", "sent", "ambiguous"), limit=200).items)
    finally:
        reader.close()


def _all(reader: SqliteReader) -> Iterator[object]:
    cursor = ""
    while True:
        page = reader.incidents(cursor=cursor, limit=200)
        yield from page.items
        cursor = page.next
        if not cursor:
            return


def undisturbed(folder: Path, core: str, feed: list[Line], *, until: int) -> Remains:
    """The same records through an engine that nothing happens to."""
    folder.mkdir()
    child = Child(folder, core, START)
    for line in feed:
        child.send(f"r {line.offset} {line.arrival} {line.body}")
    assert child.hear_until(feed[-1].offset)
    return finish(folder, child, until)


def finish(folder: Path, child: Child, until: int) -> Remains:
    """Let all timers fire and all publications go out, then stop."""
    child.send(f"t {until}")
    child.send(f"r 1000000 {until} last")
    assert child.hear_until(1_000_000)
    end = time.monotonic() + PATIENCE
    while unpublished(folder):
        assert time.monotonic() < end, "publications do not go out"
        time.sleep(0.05)
    assert child.stop() == 0, "determinism violated"
    return remains(folder)
