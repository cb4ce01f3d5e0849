"""What probes need of the world. Given by the composition root, which knows the egress guard's rules for addresses."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from engine.signals import Millis


class Refused(Exception):
    """The address may not be connected to: the probe says nothing of its entity."""


class Unreachable(Exception):
    """The name has no address, or nobody answers there."""


class Page(msgspec.Struct, frozen=True):
    """An HTTP answer; ``cut``: the body was longer than what is read."""

    status: int
    body: bytes
    cut: bool = False


class Outgoing(Protocol):
    """The only way out. Each raises `Refused` and `Unreachable`."""

    def pin(self, host: str, port: int, *, allow_private: bool) -> str:
        """A checked address of the name, to be connected to."""

    def get(self, url: str, headers: Mapping[str, str], *, allow_private: bool, seconds: float) -> Page:
        """GET, without redirects, within so many seconds."""


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A database of the settings, by its DB-API ``driver``."""

    driver: str
    database: str
    host: str = ""
    port: int = 5432
    user: str = ""
    password: str = ""
    allow_private: bool = False

    def __repr__(self) -> str:
        return f"Database({self.driver!r}, {self.database!r})"


class Credential(msgspec.Struct, frozen=True):
    """A token, and the hosts that may see it."""

    token: str
    hosts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Credential(hosts={self.hosts!r})"


class World(msgspec.Struct, frozen=True):
    """What a run may use. ``trust`` makes the context that decides which certificates are believed."""

    out: Outgoing
    clock: Callable[[], Millis]
    databases: Mapping[str, Database] = {}
    commands: Mapping[str, tuple[str, ...]] = {}
    credentials: Mapping[str, Credential] = {}
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


class Deadline:
    """The time that a run has left, in seconds; TimeoutError when none is."""

    def __init__(self, milliseconds: int) -> None:
        self._end = time.monotonic() + milliseconds / 1000

    def left(self) -> float:
        """Seconds, more than 0."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def connect(out: Outgoing, host: str, port: int, deadline: Deadline, *, allow_private: bool) -> socket.socket:
    """A TCP connection to a checked address of the host. Raises `Refused`, `Unreachable`, TimeoutError."""
    address = out.pin(host, port, allow_private=allow_private)
    try:
        return socket.create_connection((address, port), timeout=deadline.left())
    except TimeoutError:
        raise
    except OSError as error:
        raise Unreachable(f"no connection: {error.strerror or error}") from None
