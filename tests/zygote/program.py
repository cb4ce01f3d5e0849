"""Processes without the price of their imports: interpreters that have imported everything fork them.

Each is a real process with its own arguments, folder, environment, standard streams, threads and exit code, and SIGKILL
is the death of it alone. It differs from a fresh interpreter in that all modules are there already, and in that its
strings hash as its zygote's do, which is why there can be several. What is to be said of imports, signals, entry points
or the interpreter's own variables (PYTHON…) needs a fresh one: `run_fresh`.
"""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.zygote import process
from tests.zygote.process import Forked

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).parent / "headwater")
TARGET = "api.cli:main"


class Zygote:
    """An interpreter that has imported everything. `folder` holds a `headwater` for shells, as a folder of the PATH."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="zygote-"))
        self._address = str(self.folder / "socket")
        script = shlex.join([sys.executable, "-IS", process.__file__, self._address, TARGET, PROGRAM])
        (self.folder / "headwater").write_text(f'#!/bin/sh\nexec {script} "$@"\n', encoding="utf-8")
        (self.folder / "headwater").chmod(0o755)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen(64)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote.nursery", str(listener.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"},  # with threads it could not fork
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
            )
        atexit.register(self.end)

    def fork(
        self,
        target: str,
        arguments: Sequence[str],
        streams: Sequence[int],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Forked:
        """A process of its own; see `Forked`."""
        return Forked(
            self._address, target, arguments, streams, str(cwd or Path.cwd()), os.environ if env is None else env
        )

    def end(self) -> None:
        """Its processes end with it."""
        self._process.communicate()
        shutil.rmtree(self.folder)


@functools.cache
def zygote(number: int = 0) -> Zygote:
    """One of the zygotes of this test run."""
    return Zygote()


def run(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 90,
) -> subprocess.CompletedProcess[str]:
    """`headwater` with these arguments, to its end."""
    line = [PROGRAM, *map(str, arguments)]
    with ExitStack() as files:
        given, out, error = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        streams = [file.fileno() for file in (given, out, error)]
        forked = zygote().fork(TARGET, line, streams, cwd=cwd, env=env)
        try:
            forked.wait(timeout)
        except BaseException:
            forked.kill()
            forked.wait()
            raise
        out.seek(0)
        error.seek(0)
        return subprocess.CompletedProcess(line, forked.wait(), out.read().decode(), error.read().decode())


def run_fresh(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 90
) -> subprocess.CompletedProcess[str]:
    """The same in a fresh interpreter, by the program that is installed, with the packages that are tested."""
    line = [PROGRAM, *map(str, arguments)]
    variables = {"PYTHONPATH": str(ROOT), **(os.environ if env is None else env)}
    return subprocess.run(line, cwd=cwd, env=variables, capture_output=True, text=True, timeout=timeout, check=False)
