"""Maintenance windows, once or weekly. A window covers the entities it names and never their consumers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from rules.gates.gate import Gate, Subject, covers
from rules.matchers import Matcher
from rules.zones import zone

REASON = "maintenance"
DAY_MINUTES = 24 * 60


class Weekly(msgspec.Struct, frozen=True):
    """Every week on ``days`` (0 Monday … 6 Sunday) from minute ``start`` to minute ``end`` of the zone's clock.

    An ``end`` at or before ``start`` lies on the next day. Where the clocks change, the wall clock counts.
    """

    days: tuple[int, ...]
    start: int
    end: int
    zone: str = "UTC"

    def until(self, at: int) -> int | None:
        """The end (milliseconds) of the occurrence in progress at ``at``, or None."""
        today = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone(self.zone)).date()
        ends = [end for day in (today - timedelta(days=1), today) if (end := self._covering(day, at)) is not None]
        return max(ends, default=None)

    def _covering(self, day: date, at: int) -> int | None:
        if day.weekday() not in self.days:
            return None
        last = day if self.end > self.start else day + timedelta(days=1)
        start, end = self._millis(day, self.start), self._millis(last, self.end)
        return end if start <= at < end else None

    def _millis(self, day: date, minutes: int) -> int:
        if minutes == DAY_MINUTES:
            day, minutes = day + timedelta(days=1), 0
        local = datetime(day.year, day.month, day.day, *divmod(minutes, 60), tzinfo=zone(self.zone))
        return int(local.timestamp()) * 1000


class Window(msgspec.Struct, frozen=True):
    """Work announced on entities or on what matchers cover: once in [``starts_at``, ``ends_at``), or weekly."""

    id: str
    matchers: tuple[Matcher, ...] = ()
    entities: tuple[str, ...] = ()
    starts_at: int | None = None
    ends_at: int | None = None
    every: tuple[Weekly, ...] = ()
    comment: str = ""

    def until(self, at: int) -> int | None:
        """When the window in force at ``at`` ends, or None if it is not in force.

        With both, the weekly schedule holds within [``starts_at``, ``ends_at``).
        """
        if self.starts_at is not None and at < self.starts_at:
            return None
        if self.ends_at is not None and at >= self.ends_at:
            return None
        if not self.every:
            return self.ends_at
        ends = [end for weekly in self.every if (end := weekly.until(at)) is not None]
        if not ends:
            return None
        return max(ends) if self.ends_at is None else min(max(ends), self.ends_at)

    def gate(self, subject: Subject, at: int) -> Gate | None:
        """Suppressed until the window ends."""
        if not covers(subject, self.matchers, self.entities):
            return None
        until = self.until(at)
        return None if until is None else Gate("suppress", REASON, self.id, until)
