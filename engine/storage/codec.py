"""How values lie in a database: packed bytes, blocks of alerts, ledger entries."""

from __future__ import annotations

from collections.abc import Sequence

import cramjam
import msgspec
import xxhash

from engine.errors import StoreCorrupt
from engine.outcomes import AlertView, LedgerEntry

BLOCK = 64
"""Alerts per block: one alert is read by unpacking at most this many."""

_PLAIN, _LZ4 = b"\x00", b"\x01"
_CHECKED = {b"\x02": _PLAIN, b"\x03": _LZ4}  # the same with a checksum behind the first byte; all that is written
_SUM = 4  # bytes of xxh32: SQLite's pages have no checksum, and lz4 finds another text in a flipped byte
_SMALL = 160  # bytes; below, lz4 gains less than the call costs

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()
_docs = msgspec.json.Decoder(list[msgspec.Raw])
_alert = msgspec.json.Decoder(AlertView)
_ledger = msgspec.msgpack.Decoder(list[LedgerEntry])

json = _json.encode


def pack(data: bytes) -> bytes:
    """The bytes behind one byte that says how they are stored (as they are, or as an lz4 block) and a checksum."""
    if len(data) < _SMALL:
        return b"".join((b"\x02", xxhash.xxh32_digest(data), data))
    body = cramjam.lz4.compress_block(data)
    return b"".join((b"\x03", xxhash.xxh32_digest(body), body))


def unpack(data: bytes) -> bytes:
    """The bytes that were packed. Raises `StoreCorrupt`."""
    if not isinstance(data, bytes):  # a damaged page may hold anything
        raise StoreCorrupt("A packed value is not there.")
    kind, body = data[:1], data[1:]
    if kind in _CHECKED:
        kind, sum, body = _CHECKED[kind], body[:_SUM], body[_SUM:]
        if xxhash.xxh32_digest(body) != sum:
            raise StoreCorrupt("A packed value is damaged: its checksum is another one.")
    if kind == _PLAIN:
        return body
    try:
        if kind == _LZ4:
            return bytes(cramjam.lz4.decompress_block(body))
    except cramjam.DecompressionError as error:
        raise StoreCorrupt(f"A packed value cannot be read: {error}.") from error
    raise StoreCorrupt("A packed value has an unknown first byte; was it written by a newer version?")


def pack_ledger(entries: Sequence[LedgerEntry]) -> bytes:
    """The first dispositions of one input."""
    return pack(_msgpack.encode(entries))


def unpack_ledger(data: bytes) -> list[LedgerEntry]:
    """The first dispositions of one input."""
    return _ledger.decode(unpack(data))


def pack_alerts(views: Sequence[AlertView]) -> bytes:
    """A block: alerts written together resemble each other, and lz4 leaves a tenth of them."""
    return pack(_json.encode(views))


def unpack_alert(block: bytes, slot: int) -> AlertView:
    """One alert of a block."""
    return alert_of(slots(block), slot)


def slots(block: bytes) -> list[msgspec.Raw]:
    """The alerts of a block, not yet decoded."""
    return _docs.decode(unpack(block))


def alert_of(docs: list[msgspec.Raw], slot: int) -> AlertView:
    """One of a block's alerts."""
    return _alert.decode(docs[slot])
