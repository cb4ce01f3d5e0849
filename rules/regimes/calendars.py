"""Working-day calendars of places, resolved into explicit dates when rules are loaded.

The dates go into the content of the rules: what a stored version decides does not change with a newer list of
holidays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays

from rules.regimes.model import Calendar

FIRST, LAST = 2024, 2035


def countries() -> dict[str, tuple[str, ...]]:
    """Country codes (ISO 3166-1 alpha-2) with their subdivisions, as far as holidays are known."""
    known = holidays.list_supported_countries(include_aliases=False)
    return {code: tuple(parts) for code, parts in known.items()}


def resolve(
    zone: str,
    country: str = "",
    subdivision: str = "",
    days: Iterable[date] = (),
    without: Iterable[date] = (),
    weekend: tuple[int, ...] = (5, 6),
) -> Calendar:
    """The calendar of a place: public holidays of ``country`` (and its ``subdivision``) plus ``days``, except
    ``without``. Raises `KeyError` for a place that is not known."""
    known: set[date] = set()
    if country:
        parts = countries()[country]
        if subdivision and subdivision not in parts:
            raise KeyError(subdivision)
        known = set(holidays.country_holidays(country, subdiv=subdivision or None, years=range(FIRST, LAST + 1)))
    listed = sorted(day for day in (known | set(days)) - set(without) if FIRST <= day.year <= LAST)
    name = "-".join(part for part in (country, subdivision) if part)
    return Calendar(zone, weekend, tuple(listed), (FIRST, LAST) if listed else (0, 0), name)
