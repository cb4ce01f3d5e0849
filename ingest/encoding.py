"""Undoing HTTP content encodings, within limits: a small request must not become a large one in memory.

A body is stored as it is after this step, so that decoders and replays see plain bytes.
"""

from __future__ import annotations

import zlib

from ingest.errors import BadEncoding, TooLarge
from ingest.limits import GZIP_RATIO_FROM, KIB, MAX_DECOMPRESSED, MAX_GZIP_MEMBERS, MAX_GZIP_RATIO

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 64 * KIB


def undo(encoding: str, body: bytes, *, limit: int = MAX_DECOMPRESSED) -> bytes:
    """The body without its content encoding, the value of the ``Content-Encoding`` header (empty, identity, gzip).

    Raises `TooLarge` when it is, or would become, longer than ``limit`` bytes, and `BadEncoding` for everything else.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        if len(body) > limit:
            raise TooLarge(f"expected a body of at most {limit} bytes, got {len(body)}")
        return body
    if name in ("gzip", "x-gzip"):
        return gunzip(body, limit=limit)
    raise BadEncoding(f"expected the content encoding gzip or identity, got {encoding[:40]!r}")


def gunzip(body: bytes, *, limit: int = MAX_DECOMPRESSED, ratio: int = MAX_GZIP_RATIO) -> bytes:
    """The content of a gzip stream (RFC 1952), of one or several members.

    Output is made in steps, so that never more than one step beyond ``limit`` is allocated. Raises `TooLarge` and
    `BadEncoding` (no gzip, damaged, truncated, garbage behind the end).
    """
    parts: list[bytes] = []
    size = 0
    allowed = min(limit, max(GZIP_RATIO_FROM, ratio * len(body)))
    rest = body
    for _ in range(MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            piece = _piece(member, rest)
            rest = member.unconsumed_tail
            parts.append(piece)
            size += len(piece)
            if size > allowed:
                raise TooLarge(_why(limit, ratio, allowed))
            if not piece and not rest and not member.eof:
                raise BadEncoding("the gzip stream is truncated")
        rest = member.unused_data
        if not rest.strip(b"\0"):  # gzip allows padding with zeros behind the last member
            return b"".join(parts)
        if not rest.startswith(b"\x1f\x8b"):
            raise BadEncoding(f"expected the end of the gzip stream, got {len(rest)} more bytes")
    raise BadEncoding(f"expected at most {MAX_GZIP_MEMBERS} members in a gzip stream")


def _piece(member: zlib._Decompress, rest: bytes) -> bytes:
    try:
        return member.decompress(rest, _STEP)
    except zlib.error as error:
        raise BadEncoding(f"not a valid gzip stream: {error}") from None


def _why(limit: int, ratio: int, allowed: int) -> str:
    if allowed < limit:
        return (
            f"expected a body that gzip shrinks to no less than 1/{ratio}; this one is more than {allowed} bytes long"
        )
    return f"expected at most {limit} bytes after decompression"
