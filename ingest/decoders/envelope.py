"""Headwater's envelope: up to a thousand signals, or a body of another format, with the sender's id of it.

JSON: ``{"headwater": 1, "source": "billing", "key": "b-17", "signals": [...]}`` with signals as in plain JSON, or
``"format": "otlp-logs"`` and the body in ``base64``, or as JSON in ``body``. MessagePack has the same keys; there
``body`` holds bytes, which costs least. ``key`` is unique within its ``source``: what comes twice is one event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from engine.ports import Decode, Decoded, Reject
from ingest.errors import Undecodable
from ingest.jsontext import MALFORMED, mistake
from ingest.keyed import keyed

FORMAT = "envelope"
MSGPACK = "envelope-msgpack"
PLAIN = "json"
MOST = 1_000
"""Signals in one envelope."""

_NOTHING = msgspec.Raw(b"")


class _Envelope(msgspec.Struct, kw_only=True):
    headwater: Literal[1]
    format: str = PLAIN
    source: str = ""
    key: str | int = ""


class _Text(_Envelope, kw_only=True):
    signals: msgspec.Raw = _NOTHING
    body: msgspec.Raw = _NOTHING
    base64: bytes | None = None


class _Packed(_Envelope, kw_only=True):
    signals: list[Any] | None = None
    body: bytes | None = None


class _Out(_Envelope, kw_only=True, omit_defaults=True):
    headwater: Literal[1] = msgspec.field()
    body: bytes | msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    base64: bytes | msgspec.UnsetType = msgspec.UNSET


_text = msgspec.json.Decoder(_Text)
_packed = msgspec.msgpack.Decoder(_Packed)


def pack(format: str, body: bytes, key: str, source: str = "") -> bytes:
    """A body of another format with an id, as MessagePack."""
    return msgspec.msgpack.encode(_Out(headwater=1, format=format, source=source, key=key, body=body))


def write(format: str, body: bytes, key: str, source: str = "") -> bytes:
    """The same as JSON."""
    try:
        msgspec.json.decode(body)
        out = _Out(headwater=1, format=format, source=source, key=key, body=msgspec.Raw(body))
    except MALFORMED:
        out = _Out(headwater=1, format=format, source=source, key=key, base64=body)
    return msgspec.json.encode(out)


def of_text(inner: Decode) -> Callable[[bytes], Decoded]:
    """The decoder of JSON; ``inner`` decodes what is inside."""
    return lambda body: _decoded(body, _text.decode, inner, write)


def of_packed(inner: Decode) -> Callable[[bytes], Decoded]:
    """The decoder of MessagePack."""
    return lambda body: _decoded(body, _packed.decode, inner, pack)


def _decoded(
    body: bytes, parse: Callable[[bytes], Any], inner: Decode, wrap: Callable[[str, bytes, str, str], bytes]
) -> Decoded:
    try:
        envelope = parse(body)
        pointer, content = _content(envelope)
    except MALFORMED as error:
        where, why = mistake(error)
        return Decoded((), (Reject(where, why, body),))
    except Undecodable as error:
        return Decoded((), (Reject(*error.mistakes[0], body),))
    found = inner(envelope.format, content)
    if len(found.signals) + len(found.rejects) > MOST:
        return Decoded((), (Reject(pointer, f"expected at most {MOST} signals in one envelope", body),))
    key = str(envelope.key)
    scoped = f"{envelope.source}#{key}" if key and envelope.source else key
    rejects = tuple(
        Reject(
            pointer + one.pointer,
            one.reason,
            wrap(envelope.format, one.raw, f"{key}{one.pointer}" if key else "", envelope.source),
        )
        for one in found.rejects
    )
    return Decoded(keyed(found.signals, scoped), rejects)


def _content(envelope: Any) -> tuple[str, bytes]:
    """(pointer, bytes) of what is inside. Raises `Undecodable`."""
    given = [
        (name, value)
        for name in ("signals", "body", "base64")
        if (value := getattr(envelope, name, None)) is not None and value is not _NOTHING
    ]
    if len(given) != 1:
        raise Undecodable(("", "expected one of 'signals', 'body' and 'base64'"))
    ((name, value),) = given
    if name == "signals" and envelope.format != PLAIN:
        raise Undecodable(("/format", "expected no format beside 'signals': they are plain JSON"))
    if isinstance(value, list):
        value = msgspec.json.encode(value)
    content = bytes(value)
    if name == "signals" and content[:1] != b"[":
        raise Undecodable(("/signals", "expected an array"))
    return f"/{name}", content
