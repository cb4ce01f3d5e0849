"""What the engines of the crash tests are fed: records in their order, each with its arrival."""

from __future__ import annotations

from typing import NamedTuple

from tests.crash.catalogue import START

STEP = 2_000  # ms between two moments at which records arrive: time for timers
HOUR = 3_600_000
LAST = 1_000_000  # the offset of the record that ends every feed
TROUBLES = ("db", "web web", "api db", "queue ?", "poison", "cache api queue", "db db db")


class Line(NamedTuple):
    """One record."""

    offset: int
    arrival: int
    format: str
    body: str


def toy_feed(count: int) -> list[Line]:
    """Records for the toy core, with troubles old and new."""
    return [Line(n, START + STEP * n, "toy", f"{TROUBLES[n % len(TROUBLES)]} new-{n // 9}") for n in range(count)]


def last(feed: list[Line]) -> Line:
    """The record that ends a feed, so late that all timers before it have fired."""
    format, body = ("toy", "last") if feed[-1].format == "toy" else ("json", "[]")
    return Line(LAST, feed[-1].arrival + HOUR, format, body)
