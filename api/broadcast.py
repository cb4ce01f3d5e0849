"""The live stream: one reader of the store's feed per process, many clients (Server-Sent Events, WHATWG HTML §9.2).

A client that comes back with `Last-Event-ID` gets what it missed from the store. One that reads too slowly is dropped
and may resume the same way; it never slows the others down or grows the memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

log = logging.getLogger(__name__)

Item = tuple[int, str, dict[str, object]]
Feed = Callable[[int, int], list[Item]]
Form = Callable[[Item], bytes]
"""How an event looks on the wire."""

PAGE = 500
BUFFERED = 1000
AGAIN = 1.0
"""Seconds until a feed that could not be read is read again."""
HEARTBEAT = 15.0
"""Seconds between comments on a quiet stream, so that proxies keep it open and dead clients are noticed."""


class Full(Exception):
    """There are as many clients as the settings allow."""


class Broadcaster:
    """Reads the feed once for all clients. Make it, `run` it in the event loop, `wake` it from any thread."""

    def __init__(self, feed: Feed, most: int, heartbeat: float = HEARTBEAT) -> None:
        self._feed = feed
        self._most = most
        self._heartbeat = heartbeat
        self._clients: dict[asyncio.Queue[tuple[int, bytes] | None], Form] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._sent = 0
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._turned = time.monotonic()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    @property
    def sent(self) -> int:
        """The number of the last event that clients were given; what is read after it is at least as new."""
        return self._sent

    @property
    def name(self) -> str:
        """As the watchdog tells of it."""
        return "stream"

    @property
    def begun(self) -> bool:
        """Was it run?"""
        return self._task is not None

    @property
    def alive(self) -> bool:
        """Is it running?"""
        return self._task is not None and not self._task.done()

    def age(self) -> float:
        """Seconds since its last turn began."""
        return time.monotonic() - self._turned

    def turn(self) -> None:
        """A turn begins."""
        self._turned = time.monotonic()

    def wake(self) -> None:
        """Something was committed. Safe to call from any thread, before `run` and after the end too."""
        loop, news = self._loop, self._news
        if loop is None or news is None or not self._clients or news.is_set():
            return
        try:
            loop.call_soon_threadsafe(news.set)
        except RuntimeError:
            return  # the loop has ended: nobody listens

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hand news to the clients as long as the context lasts."""
        task = self._task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Hand news to the clients until cancelled."""
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        while True:
            self.turn()
            try:
                await self.hand_out(self._news)
            except Exception:
                log.exception("the feed cannot be read; trying again")
                self._news.set()
                await asyncio.sleep(AGAIN)

    async def hand_out(self, news: asyncio.Event) -> None:
        """Wait for news, but not for ever, and give them to the clients."""
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), self._heartbeat)
        news.clear()
        while self._clients:
            items = await asyncio.to_thread(self._feed, self._sent, PAGE)
            for item in items:
                self._offer(item)
            if len(items) < PAGE:
                break

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for client in list(self._clients):
            _end(client)

    async def subscribe(self, after: int | None, *, brief: bool = False) -> AsyncIterator[bytes]:
        """The stream of one client, behind ``after`` (None: from now on); ``brief``: as in `mention`. Raises Full."""
        if len(self._clients) >= self._most or self._closed:
            raise Full
        client: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(BUFFERED)
        latest = await asyncio.to_thread(newest, self._feed, self._sent)
        if not self._clients:
            self._sent = latest
        form = self._clients[client] = mention if brief else encode
        last = min(latest if after is None else after, latest)
        return self._stream(client, form, last)

    async def _stream(
        self, client: asyncio.Queue[tuple[int, bytes] | None], form: Form, last: int
    ) -> AsyncIterator[bytes]:
        try:
            yield b": headwater\n\n"
            while items := await asyncio.to_thread(self._feed, last, PAGE):
                last = items[-1][0]
                yield b"".join(map(form, items))
            while True:
                try:
                    news = await asyncio.wait_for(client.get(), self._heartbeat)
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                if news is None:
                    return
                if news[0] > last:
                    last = news[0]
                    yield news[1]
        finally:
            self._clients.pop(client, None)

    def _offer(self, item: Item) -> None:
        """One event to all: each form of it is made once."""
        self._sent = item[0]
        made = {form: form(item) for form in set(self._clients.values())}
        for client, form in list(self._clients.items()):
            try:
                client.put_nowait((item[0], made[form]))
            except asyncio.QueueFull:
                self._clients.pop(client, None)
                _end(client)


def newest(feed: Feed, after: int) -> int:
    """The last sequence number of a feed that reaches at least to ``after``: doubling steps, then halving ones."""
    step = 1
    while found := feed(after + step - 1, 1):
        after, step = found[0][0], step * 2
    while step > 1:
        step //= 2
        if found := feed(after + step - 1, 1):
            after = found[0][0]
    return after


def encode(item: Item) -> bytes:
    """One event on the wire."""
    number, name, data = item
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), msgspec.json.encode(data))


def mention(item: Item) -> bytes:
    """One event without its content: which incident, for clients that look for themselves."""
    number, name, data = item
    incident = data.get("incident", data.get("id", ""))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), msgspec.json.encode({"incident": incident}))


def _end(client: asyncio.Queue[tuple[int, bytes] | None]) -> None:
    """Tell a stream to end, whatever it still has to read."""
    while True:
        try:
            client.put_nowait(None)
            return
        except asyncio.QueueFull:
            client.get_nowait()
