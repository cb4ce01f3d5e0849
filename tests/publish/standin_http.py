"""The stand-in behind a socket, and the wire to it: the product's own client for outgoing requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.publish.egress import Destination, Egress
from tests.publish.standin import NoAnswer, Office, Reply
from tests.publish.standin_sink import Wire


class Handler(BaseHTTPRequestHandler):
    server: Desks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            with self.server.lock:
                reply = self.server.office.handle(self.command, self.path, body)
        except NoAnswer as none:
            time.sleep(none.seconds)
            return
        self.send_response(reply.status)
        if reply.retry_after is not None:
            self.send_header("Retry-After", str(reply.retry_after))
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Desks(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, office: Office) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.office, self.lock = office, threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is part of the tests."""


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The office on loopback; yields its URL."""
    server = Desks(office)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wire(url: str) -> Wire:
    """To an office at this URL."""
    egress = Egress([Destination(url, allow_private=True)], timeout=5.0, deadline=10.0)

    def ask(method: str, path: str, body: bytes) -> Reply:
        answer = egress.post(url + path, body, {}) if method == "POST" else egress.get(url + path)
        after = answer.headers.get("retry-after")
        return Reply(answer.status, answer.body, int(after) if after else None)

    return ask
