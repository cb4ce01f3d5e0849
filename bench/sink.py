"""A webhook receiver in the generator's loop: counts notifications, notes when they came, keeps what it is asked to."""

from __future__ import annotations

import asyncio
import re
import time
from typing import cast

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PROBE = re.compile(rb'"groupLabels":\{"probe":"([^"]+)"\}')


class Sink:
    """Times of all notifications, and of the first one about each probe (perf_counter seconds)."""

    def __init__(self, keep: bool = False) -> None:
        self.times: list[float] = []
        self.probes: dict[str, float] = {}
        self.bodies: list[bytes] = []
        self.keep = keep
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> Sink:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Receiver(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def take(self, path: bytes, body: bytes) -> None:
        """One notification came in."""
        now = time.perf_counter()
        self.times.append(now)
        if self.keep:
            self.bodies.append(body)
        if path == b"/probe" and (found := _PROBE.search(body)):
            self.probes.setdefault(found[1].decode(), now)


class _Receiver(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (head := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.buffer, 0, head + 2)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < end:
                return
            path = bytes(self.buffer[: self.buffer.index(b" HTTP/")].split(b" ")[1])
            body = bytes(self.buffer[head + 4 : end])
            del self.buffer[:end]
            assert self.transport is not None
            self.transport.write(_ANSWER)
            self.sink.take(path, body)
