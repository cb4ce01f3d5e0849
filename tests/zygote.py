"""Processes without the price of their imports: an interpreter that has imported everything forks itself on demand.

What it forks is a real process: with its own arguments, folder, environment, standard streams, threads, exit code, and
with a death of its own by SIGKILL. It differs from a fresh interpreter only in that modules are imported already and
that strings hash as in the zygote it came from (so there are some, see `zygote`). What a test has to say about imports,
signals, entry points or the interpreter's own variables (PYTHON…) needs a fresh interpreter.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = str(Path(sys.executable).parent / "headwater")
WARM = (
    "tests.crash.child",
    "tests.storage.committer",
    "engine.core",
    "ingest.decoders",
    "api.app",
    "rich.console",
    "typer.rich_utils",
)
"""Imported beside all commands."""
WORD = struct.Struct("q")  # on a process's status pipe: its id when it is there, its wait status when it has ended


# ------------------------------------------------------------------------------------------------- the test's side


class Forked:
    """A process of a zygote; the part of `subprocess.Popen` that tests use."""

    def __init__(self, zygote: Zygote, status: int) -> None:
        self._zygote, self._status = zygote, status
        self.pid = self._word()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, negative if a signal ended it. Raises TimeoutError after so many seconds."""
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise TimeoutError(f"process {self.pid} goes on")
        return self._ended() if self.returncode is None else self.returncode

    def kill(self) -> None:
        """SIGKILL, by its parent: nobody else knows whether its id is still its own."""
        self._zygote.ask({"kill": self.pid}, [])

    def _ended(self) -> int:
        self.returncode = os.waitstatus_to_exitcode(self._word())
        os.close(self._status)
        return self.returncode

    def _word(self) -> int:
        data = os.read(self._status, WORD.size)
        if len(data) != WORD.size:
            raise RuntimeError("the zygote has ended")
        return int(WORD.unpack(data)[0])


class Zygote:
    """An interpreter that has imported everything, and its side of the conversation."""

    def __init__(self) -> None:
        mine, its = socket.socketpair()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(its.fileno())],
                cwd=ROOT,
                env=kept | {"OPENBLAS_NUM_THREADS": "1"},  # with threads it could not fork
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._control, self._one_at_a_time = mine, threading.Lock()
        atexit.register(self.end)

    def fork(  # noqa: PLR0913 - what a process has
        self,
        target: str,
        arguments: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Forked:
        """A process that runs ``module:function`` with these arguments (the first is the program's name)."""
        asked = {
            "target": target,
            "arguments": list(arguments),
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
        mine, its = os.pipe()
        try:
            self.ask(asked, [stdin, stdout, stderr, its])
        finally:
            os.close(its)
        return Forked(self, mine)

    def ask(self, asked: Mapping[str, Any], files: Sequence[int]) -> None:
        """One request, with open files."""
        data = json.dumps(asked).encode() + b"\n"
        with self._one_at_a_time:
            sent = socket.send_fds(self._control, [data], files)
            self._control.sendall(data[sent:])

    def end(self) -> None:
        """Its processes end with it."""
        self._control.close()
        self._process.wait(20)


@functools.cache
def zygote(number: int = 0) -> Zygote:
    """One of the zygotes of this test process. Their strings hash differently, as those of fresh interpreters do."""
    return Zygote()


def run(  # noqa: PLR0913 - what a process has
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 90,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """`headwater` with these arguments, in a process of its own, to its end."""
    with contextlib.ExitStack() as files:
        given, out, error = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        streams = {"stdin": given.fileno(), "stdout": out.fileno(), "stderr": error.fileno()}
        process = zygote().fork("api.cli:main", [PROGRAM, *arguments], cwd=cwd, env=env, **streams)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            raise
        for file in (out, error):
            file.seek(0)
        done = subprocess.CompletedProcess(["headwater", *arguments], code, out.read().decode(), error.read().decode())
    if check:
        done.check_returncode()
    return done


# ------------------------------------------------------------------------------------------------- the zygote's side


class Nursery:
    """The zygote's loop. It returns in the processes it forks, and there alone, with what they are to do."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.living: dict[int, int] = {}  # id -> status pipe
        self.woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.wake = wake

    def wait(self) -> dict[str, Any]:
        while True:
            ready, _, _ = select.select([self.control, self.woken], [], [])
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.bury()
            if self.control in ready:
                asked, files = self.receive()
                if "kill" in asked:
                    if asked["kill"] in self.living:
                        os.kill(asked["kill"], signal.SIGKILL)
                elif self.fork(files):
                    return asked

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        data, files, _, _ = socket.recv_fds(self.control, 1 << 16, 4)
        while data and not data.endswith(b"\n"):
            data += self.control.recv(1 << 16)
        if not data:
            self.leave()
        return json.loads(data), files

    def fork(self, files: list[int]) -> bool:
        """True in the new process, whose standard streams are these files."""
        tasks = Path("/proc/self/task")
        assert not tasks.exists() or len(list(tasks.iterdir())) == 1, "threads do not survive a fork"
        *streams, status = files
        pid = os.fork()
        if pid:
            os.write(status, WORD.pack(pid))
            self.living[pid] = status
        else:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            for number, file in enumerate(streams):
                os.dup2(file, number)
            for file in (self.woken, self.wake, status, *self.living.values()):
                os.close(file)
        for file in streams:
            os.close(file)
        return not pid

    def bury(self) -> None:
        """Say of all that have ended how they ended."""
        while self.living:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            pipe = self.living.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe, WORD.pack(status))
            os.close(pipe)

    def leave(self) -> NoReturn:
        for pid in self.living:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


class Quick:
    """Ends a process after everything that a good end consists of, before the interpreter takes its modules apart."""

    code: int | None = None

    def leave(self) -> None:
        if self.code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


def become(asked: dict[str, Any], quick: Quick) -> None:
    """The process that was asked for, to its end."""
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.argv = asked["arguments"]
    sys.modules["__main__"] = ModuleType("__main__")  # as a script's: command lines name themselves after it
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = open(
        2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1
    )
    module, _, name = asked["target"].partition(":")
    try:
        getattr(importlib.import_module(module), name)()
    except SystemExit as end:
        quick.code = end.code if isinstance(end.code, int) else None if end.code else 0
        raise
    quick.code = 0


def main() -> None:
    """Import everything, and fork until the test's process is gone."""
    quick = Quick()
    atexit.register(quick.leave)  # as the first, it is called as the last
    import api.commands  # noqa: PLC0415 - what it registers with atexit comes later

    for name in (*WARM, *(f"api.commands.{one.name}" for one in pkgutil.iter_modules(api.commands.__path__))):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that no process looks at, and so copies, what all of them share
    become(Nursery(socket.socket(fileno=int(sys.argv[1]))).wait(), quick)


if __name__ == "__main__":
    main()
