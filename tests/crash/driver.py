"""Feeds a child engine over a pipe, kills it, and starts it again."""

from __future__ import annotations

import itertools
import os
import selectors
import time
from pathlib import Path

from tests.crash.feeds import Line, last
from tests.crash.remains import Remains, remains, unpublished
from tests.zygote.program import zygote

PATIENCE = 20.0
ZYGOTES = map(zygote, itertools.cycle(range(3)))  # one life after the other hashes strings differently


class Child:
    """One life of the engine."""

    def __init__(self, folder: Path, core: str, now: int, failpoints: str = "") -> None:
        arguments = [str(folder), core, str(now), failpoints]
        its_stdin, self._stdin = os.pipe()
        self._stdout, its_stdout = os.pipe()
        with (folder / "stderr").open("ab") as log:
            streams = (its_stdin, its_stdout, log.fileno())
            self.process = next(ZYGOTES).fork("tests.crash.child:main", ["child", *arguments], streams)
        os.close(its_stdin)
        os.close(its_stdout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._rest = b""
        self.acknowledged: set[int] = set()
        self.position: int | None = None  # the last offset it knows to be durable, once it is ready
        self.violations: int | None = None

    def send(self, text: str) -> bool:
        left = text.encode() + b"\n"
        try:
            while left:
                left = left[os.write(self._stdin, left) :]
        except BrokenPipeError:
            return False
        return True

    def feed(self, line: Line) -> bool:
        return self.send(f"r {line.offset} {line.arrival} {line.format} {line.body}")

    def hear(self, timeout: float) -> bool:
        """Take in what it says; False when it has ended and everything is heard."""
        if not self._selector.select(timeout):
            return True
        data = os.read(self._stdout, 65_536)
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

    def hear_for(self, seconds: float) -> bool:
        """Let it be for so long; False when it ends before."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.hear(left):
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
        for file in (self._stdin, self._stdout):
            os.close(file)
        self._selector.close()


def undisturbed(folder: Path, core: str, feed: list[Line]) -> Remains:
    """The records through an engine that nothing happens to."""
    folder.mkdir()
    child = Child(folder, core, feed[0].arrival)
    for line in feed:
        child.feed(line)
    assert child.hear_until(feed[-1].offset)
    return finish(folder, child, last(feed))


def finish(folder: Path, child: Child, end: Line) -> Remains:
    """Let all timers fire and all publications go out, then stop."""
    child.send(f"t {end.arrival}")
    child.feed(end)
    assert child.hear_until(end.offset)
    patience = time.monotonic() + PATIENCE
    while unpublished(folder):
        assert time.monotonic() < patience, "publications do not go out"
        time.sleep(0.05)
    assert child.stop() == 0, "determinism violated"
    return remains(folder)
