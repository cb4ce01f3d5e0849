"""Real servers on loopback for probes to look at, and hostile ones; each ends with its context."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from api.outgoing import Guarded
from ingest.probes.network import Credential, Database, World

TLS = Path(__file__).parents[1] / "data" / "tls"
NOW = 1_790_000_000_000
DAY = 86_400_000


def world(
    databases: Mapping[str, Database] | None = None,
    commands: Mapping[str, tuple[str, ...]] | None = None,
    credentials: Mapping[str, Credential] | None = None,
    authority: Path | None = None,
) -> World:
    """What probes may use, with the real guard."""

    def trust() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(authority) if authority else None)

    out = Guarded(trust() if authority else True)
    return World(out, lambda: NOW, databases or {}, commands or {}, credentials or {}, trust)


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that says to each connection what ``talk`` says; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@contextmanager
def secured(certificate: str) -> Iterator[int]:
    """A TLS server with one of the certificates of `tests/data/tls`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / certificate, TLS / "key.pem")

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inner:
            inner.recv(1)

    with listening(talk) as port:
        yield port


@contextmanager
def naming(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """A DNS server: the packets that ``answer`` makes of a question."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                question, sender = server.recvfrom(4096)
            except TimeoutError:
                continue
            for packet in answer(question):
                server.sendto(packet, sender)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        thread.join(5)
        server.close()
