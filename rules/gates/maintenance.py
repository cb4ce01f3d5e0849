"""Maintenance windows, once or weekly. A window covers the entities it names and never their consumers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from rules.gates.gate import Gate, Subject, covers
from rules.matchers import Matcher, matches_all
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

    def overlaps(self, since: int, until: int) -> bool:
        """Is any occurrence in progress at some moment of [``since``, ``until``)?"""
        day = datetime.fromtimestamp(since / 1000, UTC).astimezone(zone(self.zone)).date() - timedelta(days=1)
        last = datetime.fromtimestamp(until / 1000, UTC).astimezone(zone(self.zone)).date()
        while day <= last:
            start, end = self._times(day)
            if day.weekday() in self.days and start < until and since < end:
                return True
            day += timedelta(days=1)
        return False

    def _times(self, day: date) -> tuple[int, int]:
        last = day if self.end > self.start else day + timedelta(days=1)
        return self._millis(day, self.start), self._millis(last, self.end)

    def _covering(self, day: date, at: int) -> int | None:
        if day.weekday() not in self.days:
            return None
        start, end = self._times(day)
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

    def overlaps(self, since: int, until: int) -> bool:
        """Is it in force at some moment of [``since``, ``until``)?"""
        since = since if self.starts_at is None else max(since, self.starts_at)
        until = until if self.ends_at is None else min(until, self.ends_at)
        return since < until and (not self.every or any(weekly.overlaps(since, until) for weekly in self.every))

    def concerns(self, entity: str) -> bool:
        """Is it declared for the entity, by name or by matchers that its name alone satisfies?"""
        if self.entities:
            return entity in self.entities
        return bool(self.matchers) and matches_all(self.matchers, {"service": entity, "entity": entity})

    def gate(self, subject: Subject, at: int) -> Gate | None:
        """Suppressed until the window ends."""
        if not covers(subject, self.matchers, self.entities):
            return None
        until = self.until(at)
        return None if until is None else Gate("suppress", REASON, self.id, until)
