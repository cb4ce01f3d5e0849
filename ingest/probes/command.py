"""A command from the settings' list, by its name: arguments as a list, no shell, nothing of the engine's environment.

What it returns means what Nagios' plugins mean by it: 0 passes, 3 is unknown, all else fails.
https://nagios-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time

from ingest.probes.found import Found, Unmakeable, failed, harmless, wanting
from ingest.probes.network import Deadline, World
from rules.probes import Probe

MOST = 64 * 1024
"""Bytes of output that are looked at; more is read and thrown away."""
UNKNOWN = 3
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def run(probe: Probe, world: World) -> Found:
    """Run it once; with all that it started, it is ended when its time is over. The value is what it returned."""
    argv = world.commands.get(probe.target)
    if argv is None:
        raise Unmakeable(f"the settings have no command {probe.target!r}")
    deadline, begun = Deadline(probe.timeout), time.monotonic()
    try:
        child = subprocess.Popen(  # noqa: S603 - from the operator's own list
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise Unmakeable(f"the command does not start: {error.strerror}") from None
    with child:
        try:
            said = _output(child, deadline)
            code = child.wait(deadline.left())
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            _end(child)
    return _judged(probe, said.decode("utf-8", "replace"), code, round(1000 * (time.monotonic() - begun)))


def _judged(probe: Probe, text: str, code: int, took: int) -> Found:
    line = harmless(text.partition("\n")[0]) or f"returned {code}"
    if code == UNKNOWN:
        return Found("unknown", line, code)
    if code:
        return failed(line, code)
    wrong = wanting(text, probe.expect.contains, probe.expect.matches)
    return failed(f"its output {wrong}", code) if wrong else Found("yes", line, code, duration=took)


def _output(child: subprocess.Popen[bytes], deadline: Deadline) -> bytes:
    said = b""
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(deadline.left()):
                raise TimeoutError
            part = child.stdout.read(MOST)
            if not part:
                return said
            said += part[: MOST - len(said)]


def _end(child: subprocess.Popen[bytes]) -> None:
    """Nothing that it started outlives it: it is the leader of a group of its own."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
