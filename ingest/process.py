"""A program run once: no shell, nothing of our environment, a process group of its own, an end when its time is over.

What it says is read to its end, so that it is never held up, and kept up to a cap.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

MOST = 64 * 1024
"""Bytes of output that are kept; more is read and thrown away."""
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


class NotStarted(Exception):
    """The program is not there, or may not be run: nothing was done."""


class Ran(msgspec.Struct, frozen=True):
    """What it returned, what it said (both streams as they came, ``cut`` at the cap), and how long it took in
    milliseconds."""

    code: int
    said: bytes
    cut: bool
    took: int


def run(
    argv: Sequence[str],
    seconds: float,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    folder: str = "/",
    given: bytes = b"",
    most: int = MOST,
    errors: bool = True,
    begun: Callable[[subprocess.Popen[bytes]], None] = lambda child: None,
) -> Ran:
    """Run it, with ``given`` as its input; with all that it started it is killed when its time is over. ``errors``:
    its error stream is kept, too. ``begun`` hears of the child, which `end` kills.

    Raises `NotStarted`, TimeoutError."""
    since = time.monotonic()
    with tempfile.TemporaryFile() as source:
        source.write(given)
        source.seek(0)
        try:
            child = subprocess.Popen(  # noqa: S603 - from the operator's own list
                argv,
                stdin=source if given else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            raise NotStarted(error.strerror if isinstance(error, OSError) else str(error)) from None
    with child:
        try:
            begun(child)
            said, cut = _output(child, since + seconds, most)
            code = child.wait(max(0.0, since + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            end(child)
    return Ran(code, said, cut, round(1000 * (time.monotonic() - since)))


def _output(child: subprocess.Popen[bytes], until: float, most: int) -> tuple[bytes, bool]:
    said, cut = bytearray(), False
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = until - time.monotonic()
            if left <= 0 or not ready.select(left):
                raise TimeoutError
            part = child.stdout.read(MOST)
            if not part:
                return bytes(said), cut
            cut = cut or len(said) + len(part) > most
            said += part[: most - len(said)]


def end(child: subprocess.Popen[bytes]) -> None:
    """Nothing that it started outlives it: it is the leader of a group of its own."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
