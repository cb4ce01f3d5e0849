"""A vendor's API on loopback, as strict as it says it is: what all stand-ins share.

A stand-in refuses what the real one would only ignore (unknown parameters and fields, oversize), so that a mistake
cannot hide. Its clock counts requests, its ids count records: the same requests give the same answers.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from engine.publish.egress import Destination, Egress

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Asked(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return (
            dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True, strict_parsing=True))
            if "?" in self.target
            else {}
        )


class Said(NamedTuple):
    """``value``: bytes as they are, None for no body, else JSON."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = MappingProxyType({})

    def body(self) -> bytes:
        if isinstance(self.value, bytes):
            return self.value
        return b"" if self.value is None else json.dumps(self.value).encode()


class Fault(NamedTuple):
    """What goes wrong with the next request with this method whose path holds ``path``: ``said`` instead of the
    answer (None: the connection is cut), after it was carried out or not."""

    said: Said | None
    done: bool = False
    method: str = ""
    path: str = ""

    def hits(self, asked: Asked) -> bool:
        return self.method in ("", asked.method) and self.path in asked.path


class Refuse(Exception):
    """The request is answered with an error."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.status)
        self.said = said


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        said = self.server.answer(asked)
        if said is None:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(said.status)
        headers = {"Content-Type": "application/json", **said.headers, "Content-Length": str(len(said.body()))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body())

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Vendor(ThreadingHTTPServer):
    """``exchanges``: all that was asked and said. ``faults``: what is to go wrong."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.exchanges: list[tuple[Asked, Said | None]] = []
        self.faults: deque[Fault] = deque()
        self.turn = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @cached_property
    def egress(self) -> Egress:
        """The one way to it: making one takes longer than most tests."""
        return Egress([Destination(self.url, allow_private=True)], timeout=2)

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.turn)

    def answer(self, asked: Asked) -> Said | None:
        with self._lock:
            self.turn += 1
            said = self._answer(asked)
            self.exchanges.append((asked, said))
            return said

    def _answer(self, asked: Asked) -> Said | None:
        fault = next((one for one in self.faults if one.hits(asked)), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault.done:
                return fault.said
        try:
            said = self.carry_out(asked)
        except Refuse as refused:
            said = refused.said
        return fault.said if fault is not None else said

    def carry_out(self, asked: Asked) -> Said:
        raise NotImplementedError

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


def parsed(asked: Asked, wrong: Said) -> dict[str, Any]:
    """The JSON object of a body, else the vendor's own refusal. A lone surrogate is no text."""
    try:
        value = json.loads(asked.body.decode())
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, UnicodeError):
        raise Refuse(wrong) from None
    if not isinstance(value, dict):
        raise Refuse(wrong)
    return value


@contextmanager
def running(vendor: Vendor) -> Iterator[None]:
    thread = threading.Thread(target=vendor.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        vendor.shutdown()
        thread.join()
        vendor.server_close()
