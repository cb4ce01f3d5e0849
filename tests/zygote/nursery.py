"""A zygote: `python -m tests.zygote.nursery LISTENER` imports everything and forks itself whenever it is asked to.

It lives as long as its standard input is open, and the processes it forks no longer than itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from rules.regimes import loading
from tests.zygote.process import WORD

WARM = (
    "api.app",
    "api.cli",
    "engine.core",
    "engine.recovery.shift",
    "h11",
    "ingest.decoders",
    "rich.console",
    "tests.crash.child",
    "tests.storage.committer",
    "typer.rich_utils",
)
"""Imported beside all commands, and each import it puts off."""


class Nursery:
    """The loop. It returns in the processes that it forks, and there alone, with what they are to do."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.living: dict[int, socket.socket] = {}  # id -> who asked for it
        self.woken, self.wake = os.pipe()
        os.set_blocking(self.wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)

    def wait(self) -> dict[str, Any]:
        while True:
            owners = {owner: pid for pid, owner in self.living.items()}
            waited: list[socket.socket | int] = [0, self.woken, self.listener, *owners]
            ready = select.select(waited, [], [])[0]
            if 0 in ready:
                self.leave()
            for owner in owners.keys() & {*ready}:
                self.kill(owners[owner])
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.bury()
            if self.listener in ready:
                owner, _ = self.listener.accept()
                asked, streams = receive(owner)
                if self.fork(owner, streams):
                    return asked

    def fork(self, owner: socket.socket, streams: list[int]) -> bool:
        """True in the new process."""
        tasks = Path("/proc/self/task")
        assert not tasks.exists() or len(list(tasks.iterdir())) == 1, "threads do not survive a fork"
        pid = os.fork()
        if pid:
            owner.sendall(WORD.pack(pid))
            self.living[pid] = owner
        else:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, file in enumerate(streams):
                os.dup2(file, number)
            for one in (self.listener, owner, *self.living.values()):
                one.close()
            os.close(self.woken)
            os.close(self.wake)
        for file in streams:
            os.close(file)
        return not pid

    def kill(self, pid: int) -> None:
        """Nobody waits for it any longer, or somebody wants its end."""
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self.tell(pid, status)

    def bury(self) -> None:
        """Say of all that have ended how they ended."""
        while self.living:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self.tell(pid, status)

    def tell(self, pid: int, status: int) -> None:
        with self.living.pop(pid) as owner, contextlib.suppress(BrokenPipeError):
            owner.sendall(WORD.pack(status))

    def leave(self) -> None:
        for pid in self.living:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def receive(owner: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What is to be run, and its standard streams."""
    data, streams, _, _ = socket.recv_fds(owner, 1 << 16, 3)
    while not data.endswith(b"\n"):
        data += owner.recv(1 << 16)
    return json.loads(data), streams


class Quick:
    """Ends a process after all that a good end consists of, but before the interpreter takes its modules apart."""

    code: int | None = None

    def leave(self) -> None:
        if self.code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


def stream(number: int, mode: str, **how: Any) -> IO[Any]:
    """A standard stream, as the interpreter opens it."""
    return open(number, mode, encoding="utf-8", closefd=False, **how)


def become(asked: dict[str, Any], quick: Quick) -> None:
    """The process that was asked for, to its end."""
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.argv = asked["arguments"]
    sys.modules["__main__"] = ModuleType("__main__")  # as a script's: a command line names itself after it
    sys.stdin, sys.stdout = stream(0, "r"), stream(1, "w")
    sys.stderr = stream(2, "w", buffering=1, errors="backslashreplace")
    module, _, name = asked["target"].partition(":")
    try:
        getattr(importlib.import_module(module), name)()
    except SystemExit as end:
        quick.code = end.code if isinstance(end.code, int) else None if end.code else 0
        raise
    quick.code = 0


def main() -> None:
    """Import everything, and fork until standard input ends."""
    quick = Quick()
    atexit.register(quick.leave)  # as the first, so it is called as the last
    commands = importlib.import_module("api.commands")
    for name in (*WARM, *(f"api.commands.{one.name}" for one in pkgutil.iter_modules(commands.__path__))):
        importlib.import_module(name)
    loading.shipped()
    gc.collect()
    gc.freeze()  # so that no process looks at, and so copies, what all of them share
    become(Nursery(socket.socket(fileno=int(sys.argv[1]))).wait(), quick)


if __name__ == "__main__":
    main()
