"""Other people's timestamps as integer milliseconds since the Unix epoch; fractions are truncated, never rounded up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from engine.signals import Millis
from ingest.errors import Undecodable
from ingest.interning import Interned
from ingest.limits import EARLIEST, LATEST

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LONGEST = 64


def within(at: Millis) -> Millis:
    """The same time; raises `Undecodable` unless it lies between 1990 and 2100."""
    if EARLIEST <= at <= LATEST:
        return at
    raise Undecodable(("", f"expected a time between 1990 and 2100, got {at} ms since 1970; check the unit"))


def rfc3339(text: str) -> Millis | None:
    """Milliseconds of an RFC 3339 date-time; None for Go's zero time (``0001-01-01T00:00:00Z``), which means none.

    Raises `Undecodable`.
    """
    if text.startswith("0001-01-01T00:00:00"):
        return None
    if len(text) > _LONGEST or not _RFC3339.fullmatch(text):
        raise Undecodable(("", f"expected an RFC 3339 time such as 2026-01-01T00:00:00Z, got {text[:_LONGEST]!r}"))
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Undecodable(("", f"expected an RFC 3339 time, got {text!r}: {error}")) from None
    return within((at - _EPOCH) // _MILLISECOND)


def _text(text: str | None) -> Millis | None:
    return rfc3339(text) if text else None


RFC3339: Interned[str | None, Millis | None] = Interned(_text, entries=100_000)
"""Text -> milliseconds, remembered: senders repeat the start of an alert as long as it fires."""


def unix_seconds(seconds: float) -> Millis:
    """Milliseconds of Unix seconds, to the nearest: a float cannot hold all of them. Raises `Undecodable`."""
    return within(round(seconds * 1000))


def moment(value: float | str | None) -> Millis | None:
    """Unix seconds or an RFC 3339 text. Raises `Undecodable`."""
    if isinstance(value, str):
        return RFC3339[value]
    return None if value is None else unix_seconds(value)


def unix_nanos(nanos: int) -> Millis | None:
    """OTLP's nanoseconds, where 0 means unknown. Raises `Undecodable`."""
    return within(nanos // 1_000_000) if nanos else None
