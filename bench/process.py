"""A server under measurement: started on one core, its CPU time and memory read from /proc, ended by its own id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1


class Server:
    """A child process on `SERVER_CORE`, ready when ``ready`` answers 200."""

    def __init__(
        self, command: Sequence[str], port: int, ready: str, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.pid = self._process.pid  # taskset replaces itself by the command
        self._wait_ready(f"http://127.0.0.1:{port}{ready}", log)

    def _wait_ready(self, url: str, log: Path, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            failures = contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError)
            with failures, urllib.request.urlopen(url, timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{url} did not answer; its log ends with:\n{log.read_text(errors='replace')[-2000:]}")

    def cpu(self) -> float:
        """CPU seconds of all its threads so far, to the microsecond where the kernel tells."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
                total += int(Path(f"/proc/{self.pid}/task/{task}/schedstat").read_text().split()[0])
        return total / 1e9

    def rss(self) -> float:
        """Resident memory in MB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def rest(self, calm: float = 0.3, timeout: float = 15.0) -> float:
        """Wait until it has done what it still had to do (under 3 % of a core); returns its CPU seconds then."""
        deadline = time.monotonic() + timeout
        before = self.cpu()
        while time.monotonic() < deadline:
            await asyncio.sleep(calm)
            after = self.cpu()
            if after - before < 0.03 * calm:
                return after
            before = after
        return before

    def stop(self) -> None:
        """End it: asked first, then made to."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._log.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
