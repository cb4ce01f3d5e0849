"""A real HTTP server on loopback that answers as told, and remembers what it got."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from engine.outcomes import Publication
from engine.sending import OutboxRow


class Got(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.server.behave(self)

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[Got] = []
        self.behave: Behaviour = status(200)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    return lambda handler: handler.answer(code, body, **headers)


def hang(seconds: float) -> Behaviour:
    return lambda handler: time.sleep(seconds)


def drip(handler: Handler) -> None:
    """Headers that never end, one byte after the other, each well within any timeout per read."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


@contextmanager
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def publication(key: str = "k1", *, incident: str = "INC-1", action: str = "open", **fields: object) -> Publication:
    return Publication(
        key=key,
        incident=incident,
        revision=3,
        generation=1,
        action=action,
        audience="engineers",
        not_before=0,
        created_at=1_700_000_000_000,
        body={"incident": {"id": incident, "revision": 3, "title": "db is down", "cause": "db", **fields}},
    )


def row(key: str = "k1", **fields: object) -> OutboxRow:
    """A claimed row of that publication."""
    return OutboxRow(id=1, publication=publication(key, **fields), sink="hook", attempts=0, epoch=1)  # type: ignore[arg-type]
