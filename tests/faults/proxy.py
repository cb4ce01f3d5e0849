"""A TCP proxy that does to connections what networks do, until told to stop."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PASS, HOLD, HALF_OPEN, RESET, UNANSWERED = "pass", "hold", "half open", "reset", "unanswered"
MODES = (HOLD, HALF_OPEN, RESET, UNANSWERED)
"""What a line that is cut does:

hold        nothing arrives, in neither direction; what was sent arrives when the line is back, as TCP sends it again
half open   the other end is gone and nobody says so; when the line is back, a reset does
reset       every connection is reset, and every new one
unanswered  requests arrive and answers do not; when the line is back, a reset
"""
_TICK = 0.05


class Proxy:
    """Listens on ``port`` and leads to ``target`` on loopback. ``struck``: what it has held up, dropped or reset."""

    def __init__(self, target: int) -> None:
        self.target, self._mode, self.struck = target, PASS, 0
        self._changed = threading.Condition()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self, mode: str) -> None:
        """From now on the line is so."""
        with self._changed:
            self._mode = mode
            pairs = list(self._pairs)
            self._changed.notify_all()
        for inside, outside in pairs:
            if mode == RESET:
                self.struck += 1
                _reset(inside)
                _reset(outside)
            elif mode == HALF_OPEN:
                _reset(outside)

    def heal(self) -> None:
        """The line is back."""
        with self._changed:
            before, self._mode = self._mode, PASS
            pairs = list(self._pairs) if before in (HALF_OPEN, UNANSWERED) else []
            self._changed.notify_all()
        for inside, outside in pairs:
            _reset(inside)
            _reset(outside)

    def close(self) -> None:
        """No more connections."""
        self._closing = True
        self.heal()
        self._thread.join()
        self._listener.close()
        for pair in list(self._pairs):
            for one in pair:
                _reset(one)

    def _accept(self) -> None:
        while not self._closing:
            if not select.select([self._listener], [], [], _TICK)[0]:
                continue
            inside, _ = self._listener.accept()
            if self._mode == RESET:
                self.struck += 1
                _reset(inside)
                continue
            threading.Thread(target=self._serve, args=(inside,), daemon=True).start()

    def _serve(self, inside: socket.socket) -> None:
        if self._mode in (HOLD, HALF_OPEN):
            self.struck += 1
            self._wait()
        try:
            outside = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            _reset(inside)
            return
        outside.settimeout(None)
        pair = inside, outside
        self._pairs.add(pair)
        back = threading.Thread(target=self._pump, args=(outside, inside, False), daemon=True)
        back.start()
        self._pump(inside, outside, True)
        back.join()
        self._pairs.discard(pair)
        for one in pair:
            one.close()

    def _pump(self, come: socket.socket, go: socket.socket, asks: bool) -> None:
        """One direction, until one end is closed."""
        with suppress(OSError):
            while data := come.recv(65_536):
                mode = self._mode
                self.struck += mode in (HOLD, HALF_OPEN) or (mode == UNANSWERED and not asks)
                if mode == HOLD:
                    self._wait()
                elif mode == HALF_OPEN or (mode == UNANSWERED and not asks):
                    continue
                go.sendall(data)
        if self._mode in (HALF_OPEN, UNANSWERED):
            self._wait()  # the client is not told before
        for one in (come, go):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._mode == PASS)


def _reset(one: socket.socket) -> None:
    """As a host does that knows nothing of the connection. A thread that waits in it is woken."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RD)
    with suppress(OSError):
        one.close()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """One, until the context ends."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
