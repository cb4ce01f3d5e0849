"""Counts of failures among log records and spans, per entity and minute."""

from __future__ import annotations

import msgspec

from engine.signals import Millis

MINUTE: Millis = 60_000
KEPT = 45
"""Minutes kept per entity."""
AT_LEAST = 3
"""Failures below which a rise says nothing."""
RISE = 4.0
"""A rise is this many times the usual rate."""


class Rise(msgspec.Struct, frozen=True):
    """Failures in the window against what was usual for its length."""

    seen: int
    usual: float


class Rates(msgspec.Struct):
    """(failures, all) per minute, by entity."""

    minutes: dict[str, dict[int, tuple[int, int]]] = {}

    def add(self, entity: str, at: Millis, *, failed: bool) -> None:
        """One record or span."""
        of_entity = self.minutes.setdefault(entity, {})
        minute = at // MINUTE
        failures, total = of_entity.get(minute, (0, 0))
        of_entity[minute] = (failures + failed, total + 1)
        if len(of_entity) > KEPT:
            del of_entity[min(of_entity)]

    def rise(self, entity: str, since: Millis, until: Millis) -> Rise | None:
        """A rise of failures in ``since … until``; None when there is none, or nothing to compare with."""
        of_entity = self.minutes.get(entity)
        if not of_entity:
            return None
        low, high = since // MINUTE, until // MINUTE
        before = [failures for minute, (failures, _) in of_entity.items() if minute < low]
        seen = sum(failures for minute, (failures, _) in of_entity.items() if low <= minute <= high)
        if not before or seen < AT_LEAST:
            return None
        usual = sum(before) / (low - min(of_entity)) * (high - low + 1)
        return Rise(seen, usual) if seen > RISE * max(usual, 1.0) else None
