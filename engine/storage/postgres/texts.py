"""Texts in PostgreSQL, which refuses NUL and lone surrogates: such characters are escaped and come back as they were.

U+E000 (private use) starts an escape: U+E000 and "e" for itself, "0" for NUL, and "d" with three hexadecimal digits for
a lone surrogate. Filters are escaped in the same way, so that they find what was stored. All other texts lie in the
database as they are.
"""

from __future__ import annotations

import re

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

_MARK = "\ue000"
_MARKED = _MARK.encode()
_OURS = re.compile("[\x00\ud800-\udfff\ue000]")
_ESCAPE = re.compile(_MARK + "(?:(e)|(0)|d([0-9a-f]{3}))")
TEXT = 25
"""PostgreSQL's number of the type text."""


def encode(text: str) -> bytes:
    """The text as UTF-8 that PostgreSQL takes."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return _OURS.sub(_escaped, text).encode()
    if b"\x00" in data or _MARKED in data:
        return _OURS.sub(_escaped, text).encode()
    return data


def decode(data: bytes) -> str:
    """The text that was encoded."""
    text = data.decode()
    return _ESCAPE.sub(_original, text) if _MARK in text else text


def adapt(context: AdaptContext) -> None:
    """Send and read all texts of a connection so."""
    context.adapters.register_dumper(str, _TextDumper)
    context.adapters.register_loader("text", _TextLoader)
    context.adapters.register_loader("text", _BinaryTextLoader)


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    kind = {"\x00": "0", _MARK: "e"}.get(character) or f"d{ord(character) & 0xFFF:03x}"
    return _MARK + kind


def _original(found: re.Match[str]) -> str:
    mark, _, digits = found.groups()
    if mark:
        return _MARK
    return chr(0xD000 | int(digits, 16)) if digits else "\x00"


class _TextDumper(Dumper):
    oid = TEXT

    def dump(self, obj: str) -> Buffer | None:
        return encode(obj)


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        return decode(bytes(data))


class _BinaryTextLoader(_TextLoader):
    format = Format.BINARY
