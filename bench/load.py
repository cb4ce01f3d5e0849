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


class _OpenLoop:
    """Connections that take requests when they are due; ``answered`` has (due, seconds to 2xx) of each."""

    def __init__(self, made: list[Connection]) -> None:
        self.made = made
        self.free = deque(made)
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.answered: list[tuple[float, float]] = []
        self.errors: list[Exception] = []
        for connection in made:
            connection.done, connection.broken = self.done, self.errors.append

    def due(self, request: bytes, at: float) -> None:
        if self.free:
            self.free.popleft().send(request, at)
        else:
            self.waiting.append((request, at))

    def done(self, connection: Connection) -> None:
        self.answered.append((connection.due, time.perf_counter() - connection.due))
        if self.waiting:
            connection.send(*self.waiting.popleft())
        else:
            self.free.append(connection)

    def close(self) -> None:
        for connection in self.made:
            connection.close()
        if self.errors:
            raise self.errors[0]


async def open_loop(
    port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int = 16, patience: float = 5.0
) -> tuple[list[tuple[float, float]], list[float]]:
    """Send ``rate`` requests a second, cycling; returns ([(due, seconds from due to 2xx)], [due of every request]).

    Due times are perf_counter seconds. A request whose turn comes while all connections are busy waits, and its wait
    counts. Those not answered ``patience`` seconds after the last one was due are not in the first list.
    """
    loop = _OpenLoop(await connect(port, connections))
    clock, start = time.perf_counter, time.perf_counter() + 0.05
    due = [start + n / rate for n in range(int(rate * seconds))]
    sent = 0
    while sent < len(due) and not loop.errors:
        now = clock()
        while sent < len(due) and due[sent] <= now:
            loop.due(requests[sent % len(requests)], due[sent])
            sent += 1
        if sent < len(due):
            await asyncio.sleep(max(0.0, min(0.001, due[sent] - clock())))
    until = clock() + patience
    while len(loop.answered) < sent and clock() < until and not loop.errors:
        await asyncio.sleep(0.005)
    loop.close()
    return loop.answered, due


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
