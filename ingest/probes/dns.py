"""DNS: one question over UDP to a declared server, or to the system's resolver (RFC 1035, AAAA by RFC 3596)."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from ingest.probes.found import Found, failed, harmless, wanting
from ingest.probes.network import Deadline, Unreachable, World
from rules.probes import Probe, host_port

TYPES = {"A": 1, "CNAME": 5, "TXT": 16, "AAAA": 28}
CODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
MOST, LONGEST_NAME = 4096, 255
SHOWN = 5


def run(probe: Probe, world: World) -> Found:
    """Ask once. The value is the number of records."""
    deadline, begun = Deadline(probe.timeout), time.monotonic()
    records = sorted(set(_asked(probe, world, deadline) if probe.server else _system(probe)))
    took = round(1000 * (time.monotonic() - begun))
    shown = harmless(", ".join(records[:SHOWN])) or "nothing"
    if not records:
        return failed(f"no {probe.record} record", 0.0)
    wanted = {_canonical(one) for one in probe.expect.records}
    if wanted and wanted != set(records):
        return failed(f"leads to {shown}", len(records))
    if wrong := wanting("\n".join(records), probe.expect.contains, probe.expect.matches):
        return failed(f"leads to {shown}, which {wrong}", len(records))
    return Found("yes", f"leads to {shown}", len(records), duration=took)


def _canonical(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text.rstrip(".").lower()


def _system(probe: Probe) -> list[str]:
    family = socket.AF_INET6 if probe.record == "AAAA" else socket.AF_INET
    try:
        found = socket.getaddrinfo(probe.target, None, family, socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"no answer: {error.strerror or error}") from None
    return [str(row[4][0]).partition("%")[0] for row in found]


def _asked(probe: Probe, world: World, deadline: Deadline) -> list[str]:
    host, port = host_port(probe.server, 53)
    address = world.out.pin(host, port, allow_private=probe.allow_private)
    number, kind = secrets.randbelow(1 << 16), TYPES[probe.record]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((address, port))  # answers from elsewhere are not heard
            asking.send(question(probe.target, kind, number))
            while True:
                asking.settimeout(deadline.left())
                data = asking.recv(MOST)
                if len(data) >= 12 and data[:2] == number.to_bytes(2, "big") and data[2] & 0x80:
                    return _read(data, kind)
        except TimeoutError:
            raise
        except OSError as error:
            raise Unreachable(f"no answer: {error.strerror or error}") from None


def question(name: str, kind: int, number: int) -> bytes:
    """One question with recursion desired. Raises `Unreachable` for a name that cannot be asked for."""
    parts = [part.encode("ascii", "replace") for part in name.rstrip(".").split(".")]
    if any(not 1 <= len(part) <= 63 for part in parts) or sum(map(len, parts)) + len(parts) + 1 > LONGEST_NAME:
        raise Unreachable("a name that cannot be asked for")
    encoded = b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + encoded + struct.pack(">2H", kind, 1)


def _read(data: bytes, kind: int) -> list[str]:
    code, cut = data[3] & 0x0F, data[2] & 0x02
    if code:
        raise Unreachable(CODES.get(code, f"answer code {code}"))
    try:
        found = list(records(data, kind))
    except (ValueError, struct.error, IndexError):
        raise Unreachable("an answer that cannot be read") from None
    if cut and not found:
        raise Unreachable("an answer that does not fit into a packet")
    return found


def records(data: bytes, kind: int) -> Iterator[str]:
    """The answers of one type, as text. ValueError, IndexError or struct.error when they cannot be read."""
    questions, answers = struct.unpack_from(">2H", data, 4)
    at = 12
    for _ in range(questions):
        at = _name(data, at)[1] + 4
    for _ in range(answers):
        at = _name(data, at)[1]
        type_, _, _, length = struct.unpack_from(">2HIH", data, at)
        at += 10
        if at + length > len(data):
            raise ValueError("it breaks off")
        if type_ == kind:
            yield _text(data, at, length, kind)
        at += length


def _text(data: bytes, at: int, length: int, kind: int) -> str:
    content = data[at : at + length]
    if kind == TYPES["A"]:
        return str(IPv4Address(content))
    if kind == TYPES["AAAA"]:
        return str(IPv6Address(content))
    if kind == TYPES["CNAME"]:
        return _name(data, at)[0].lower()
    parts, place = [], 0
    while place < length:
        parts.append(content[place + 1 : place + 1 + content[place]])
        place += 1 + content[place]
    return b"".join(parts).decode("utf-8", "replace")


def _name(data: bytes, at: int) -> tuple[str, int]:
    """(name, where what follows begins). Pointers lead backwards only, so that none leads in a circle."""
    labels: list[str] = []
    end, lowest = -1, at
    while True:
        length = data[at]
        if length & 0xC0 == 0xC0:
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | data[at + 1]
            if at >= lowest:
                raise ValueError("a pointer that does not lead backwards")
            lowest = at
        elif length & 0xC0:
            raise ValueError("a kind of label that nobody uses")
        elif not length:
            return ".".join(labels), at + 1 if end < 0 else end
        else:
            labels.append(data[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
            if len(labels) > 128:
                raise ValueError("a name that is too long")
