"""Load over keep-alive connections: closed loop (as fast as answered) and open loop (at a rate, whatever happens).

One asyncio loop on the generator's own core; requests are rendered beforehand.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast


class LoadError(RuntimeError):
    """The server did not take what it was sent."""


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time. ``done`` is called after each 2xx."""

    def __init__(self) -> None:
        self.done: Callable[[Connection], None] = lambda connection: None
        self.broken: Callable[[Exception], None] = lambda error: None
        self.due = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def send(self, request: bytes, due: float = 0.0) -> None:
        self.due = due
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        if self._buffer[9:10] != b"2":
            self.broken(LoadError(self._buffer[:400].decode(errors="replace")))
            return
        if len(self._buffer) < head + 4 + _content_length(self._buffer[:head]):
            return
        self._buffer = b""
        self.done(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closing:
            self.broken(LoadError(f"connection lost: {error}"))

    def close(self) -> None:
        self.closing = True
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def connect(port: int, count: int) -> list[Connection]:
    """That many open connections."""
    loop = asyncio.get_running_loop()
    made = await asyncio.gather(*(loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)))
    return [connection for _, connection in made]


async def closed_loop(
    port: int, requests: Iterator[bytes], connections: int, seconds: float = 60.0
) -> tuple[int, float]:
    """Send until the requests or the seconds are used up; returns (requests answered, wall seconds)."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    made = await connect(port, connections)
    started = time.perf_counter()
    answered, busy = 0, len(made)

    def fail(error: Exception) -> None:
        if not finished.done():
            finished.set_exception(error)

    def following(connection: Connection) -> None:
        nonlocal busy
        request = next(requests, None) if time.perf_counter() - started < seconds else None
        if request is not None:
            connection.send(request)
            return
        busy -= 1
        if busy == 0 and not finished.done():
            finished.set_result(None)

    def done(connection: Connection) -> None:
        nonlocal answered
        answered += 1
        following(connection)

    for connection in made:
        connection.done, connection.broken = done, fail
        following(connection)
    try:
        await asyncio.wait_for(finished, seconds + 60)
    finally:
        for connection in made:
            connection.close()
    return answered, time.perf_counter() - started


async def open_loop(
    port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int = 16, patience: float = 5.0
) -> tuple[list[float], int]:
    """Send ``rate`` requests a second, cycling; returns (seconds from due to 2xx of each answered, requests sent).

    A request whose turn comes while all connections are busy waits, and its wait counts. Those not answered
    ``patience`` seconds after the last one was due are not in the list.
    """
    loop = asyncio.get_running_loop()
    made = await connect(port, connections)
    free, waiting = deque(made), deque[tuple[bytes, float]]()
    took: list[float] = []
    errors: list[Exception] = []

    def done(connection: Connection) -> None:
        took.append(loop.time() - connection.due)
        if waiting:
            connection.send(*waiting.popleft())
        else:
            free.append(connection)

    for connection in made:
        connection.done, connection.broken = done, errors.append
    start, sent, total = loop.time() + 0.05, 0, int(rate * seconds)
    while sent < total and not errors:
        now = loop.time()
        while sent < total and (due := start + sent / rate) <= now:
            request = requests[sent % len(requests)]
            if free:
                free.popleft().send(request, due)
            else:
                waiting.append((request, due))
            sent += 1
        await asyncio.sleep(max(0.0, min(0.001, start + sent / rate - loop.time())))
    until = loop.time() + patience
    while len(took) < sent and loop.time() < until and not errors:
        await asyncio.sleep(0.005)
    for connection in made:
        connection.close()
    if errors:
        raise errors[0]
    return took, sent


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
