"""Checks that the engine makes itself: probes of an entity, and checks of what a data store holds.

Declared here, run by the shell, answered by a signal. Rules name databases, commands and credentials; what these names
stand for is in the settings, so that whoever may write rules can reach nothing that was not given a name.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ProbeKind = Literal["http", "tcp", "dns", "tls", "sql", "command"]
CheckKind = Literal["rows", "checksum", "lag", "gaps", "compare"]
RecordType = Literal["A", "AAAA", "CNAME", "TXT"]

PROBE_KINDS: tuple[ProbeKind, ...] = ("http", "tcp", "dns", "tls", "sql", "command")
CHECK_KINDS: tuple[CheckKind, ...] = ("rows", "checksum", "lag", "gaps", "compare")


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer must be like to pass; None and empty ask for nothing.

    ``status``: ranges of HTTP statuses, both ends included. ``contains``: a literal part, ``matches``: an RE2 pattern
    found anywhere, of what was answered. ``latency``: milliseconds at most. ``days_left``: of a certificate, at least.
    ``rows`` and ``value``: (least, most) of a query's rows and of the first value of the first. ``equals``: that
    value as text. ``records``: what a name must lead to, all of them and no others.
    """

    status: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: str = ""
    matches: str = ""
    latency: int | None = None
    days_left: int | None = None
    rows: tuple[int | None, int | None] = (None, None)
    value: tuple[float | None, float | None] = (None, None)
    equals: str = ""
    records: tuple[str, ...] = ()


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A check of ``entity``, made ``every`` milliseconds, ``during_incident`` while an open incident touches it.

    ``target`` is a URL (http), host:port (tcp, tls), a name (dns), or how the settings call a database or command.
    ``server``: the DNS server asked, host or host:port; empty: the system's resolver. ``name``: the name that a TLS
    server must have, if it is not the target's. ``credential``: of the settings, sent as a bearer token.
    """

    id: str
    entity: str
    kind: ProbeKind
    target: str
    expect: Expectation = Expectation()
    every: int = 60_000
    during_incident: int = 10_000
    timeout: int = 5_000
    allow_private: bool = False
    query: str = ""
    record: RecordType = "A"
    server: str = ""
    name: str = ""
    credential: str = ""


class Side(msgspec.Struct, frozen=True):
    """A query to a database of the settings."""

    database: str
    query: str


class DataCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the data of ``entity`` after failover or replay.

    ``rows``: the query's number lies within ``least`` … ``most``. ``lag``: its seconds do. ``gaps``: what is missing in
    a sequence does, of which the query gives (count, first, last). ``checksum``: both sides are the same text.
    ``compare``: both sides' numbers differ by no more than ``tolerance`` or ``percent`` of the left one.
    """

    id: str
    entity: str
    kind: CheckKind
    left: Side
    right: Side | None = None
    least: float | None = None
    most: float | None = None
    tolerance: float = 0.0
    percent: float = 0.0
    timeout: int = 30_000


def host_port(text: str, default: int | None = None) -> tuple[str, int]:
    """Host and port of ``host:port``, an IPv6 address in brackets. ValueError when it is none.

    >>> host_port("db.example.com:5432"), host_port("[::1]:53"), host_port("10.0.0.2", 53)
    (('db.example.com', 5432), ('::1', 53), ('10.0.0.2', 53))
    """
    host, colon, port = text.rpartition(":")
    if text.endswith("]") or not colon:
        host, port = text, "" if default is None else str(default)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or (":" in bare and bare == host) or any(letter.isspace() or letter in "/@#?" for letter in bare):
        raise ValueError(f"not a host and a port: {text!r}")
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port) <= 65_535:
        raise ValueError(f"no port from 1 to 65535 in {text!r}")
    return bare, int(port)
