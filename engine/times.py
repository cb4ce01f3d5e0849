"""Moments as people write them."""

from __future__ import annotations

from datetime import datetime

from engine.signals import Millis


def parse_moment(text: str) -> Millis:
    """The moment of an RFC 3339 time. Raises `ValueError` that says what is wrong with it."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is no RFC 3339 time: {text!r}") from None
    if when.tzinfo is None:
        raise ValueError(f"needs a time zone: {text!r}")
    return int(when.timestamp() * 1000)
