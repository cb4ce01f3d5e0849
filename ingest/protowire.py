"""The protocol buffers wire format, as far as a body must be walked without generated classes.

https://protobuf.dev/programming-guides/encoding/ . Offsets are those of the whole body, for error messages.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.errors import Undecodable

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTH = {FIXED64: 8, FIXED32: 4}


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(unsigned value, offset behind it). Raises `Undecodable`."""
    value = shift = 0
    start = at
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise malformed(start, "expected a varint of at most 10 bytes")


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of each field's value in ``data[at:end]``. Raises `Undecodable`."""
    while at < end:
        begin = at
        tag, at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise malformed(begin, "expected a field number above 0")
        if wire == VARINT:
            start = at
            _, at = varint(data, at, end)
        elif wire == BYTES:
            size, start = varint(data, at, end)
            at = start + size
        elif wire in _WIDTH:
            start = at
            at += _WIDTH[wire]
        else:
            raise malformed(begin, f"expected a wire type of 0, 1, 2 or 5, got {wire}")
        if at > end:
            raise malformed(begin, f"expected {at - start} bytes for field {number}, {end - start} are left")
        yield number, wire, start, at


def malformed(offset: int, reason: str) -> Undecodable:
    """The error for a byte offset; its pointer is written ``@offset``."""
    return Undecodable((f"@{offset}", f"malformed protobuf: {reason}"))


def delimited(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    head = bytearray(((number << 3) | BYTES,))
    size = len(payload)
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head) + payload
