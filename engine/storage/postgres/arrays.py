"""Columns of many rows as PostgreSQL's binary arrays, for `unnest`: one parameter and one call per column.

The format is that of `array_send` (src/backend/utils/adt/arrayfuncs.c): the number of dimensions, whether there are
NULLs, the type of the elements, length and lower bound of the dimension, then each element behind its length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from engine.storage.postgres.texts import TEXT, encode

_BIGINT, _BYTEA = 20, 17
_HEAD = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i").pack
_NUMBER = struct.Struct("!iq").pack
_NULL = _LENGTH(-1)


class Bigints(bytes):
    """A bigint[]."""


class Texts(bytes):
    """A text[]."""


class Byteas(bytes):
    """A bytea[]."""


def bigints(values: Sequence[int | None]) -> Bigints:
    """Whole numbers of 64 bits, or NULLs."""
    if None in values:
        parts = [_NULL if value is None else _NUMBER(8, value) for value in values]
        return Bigints(b"".join((_head(_BIGINT, len(values)), *parts)))
    flat: list[Any] = [8] * (2 * len(values))
    flat[1::2] = values
    return Bigints(_head(_BIGINT, len(values)) + _numbers(len(values))(*flat))


def texts(values: Sequence[str | None]) -> Texts:
    """Texts, or NULLs."""
    return Texts(_join(TEXT, [None if value is None else encode(value) for value in values]))


def byteas(values: Sequence[bytes | None]) -> Byteas:
    """Bytes, or NULLs. Raises TypeError for anything else."""
    return Byteas(_join(_BYTEA, values))


def plain(values: Sequence[bytes]) -> Texts:
    """Texts that are UTF-8 already, and that PostgreSQL takes."""
    return Texts(_join(TEXT, values))


KINDS: dict[str, Callable[[Sequence[Any]], bytes]] = {"q": bigints, "t": texts, "b": byteas, "u": plain}
"""A letter for each, to say what the columns of a statement are."""


def columns(kinds: str, rows: Sequence[Sequence[object]]) -> list[bytes]:
    """The columns of rows, in their order; at least one row."""
    return [KINDS[kind](column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


def adapt(context: AdaptContext) -> None:
    """Let a connection send them."""
    for kind, oid in ((Bigints, 1016), (Texts, 1009), (Byteas, 1001)):
        dumper = type(f"{kind.__name__}Dumper", (_Ready,), {"oid": oid})
        context.adapters.register_dumper(kind, dumper)


class _Ready(Dumper):
    """What is to be sent already."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> Buffer | None:
        return obj


def _head(element: int, count: int) -> bytes:
    return _HEAD.pack(1, 1, element, count, 1)


@lru_cache(256)
def _numbers(count: int) -> Callable[..., bytes]:
    return struct.Struct("!" + "iq" * count).pack


def _join(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_head(element, len(values))]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(_LENGTH(len(value)))
            parts.append(value)
    return b"".join(parts)
