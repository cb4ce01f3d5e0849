"""From indicators to an entity, from entities to a business service, from all of them to the incident.

Only critical indicators decide. What holds of any part outweighs what holds of the others by the precedence of
verdicts, so `restored` needs every part: whole of nothing is no baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

import msgspec

from engine.recovery.judgement import Judged
from engine.recovery.words import PRECEDENCE, Recovery, Why

WORST = 3


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of an entity, a business service or an incident. ``parts`` counts the verdicts below; ``worst`` are
    the indicators that decide it, the gravest first; ``minutes`` how long the slowest of the inconclusive ones takes
    (None: nothing is inconclusive, or waiting does not help)."""

    name: str
    verdict: Recovery
    why: tuple[Why, ...]
    parts: dict[Recovery, int]
    worst: tuple[Judged, ...] = ()
    minutes: int | None = None


def entities(judged: Iterable[Judged], names: Iterable[str] = ()) -> dict[str, Whole]:
    """Entities by name, those in ``names`` also where nothing was judged of them."""
    by_name: dict[str, list[Judged]] = {name: [] for name in names}
    for one in judged:
        by_name.setdefault(one.comparison.indicator.entity, []).append(one)
    return {name: whole(name, found) for name, found in sorted(by_name.items())}


def whole(name: str, judged: Sequence[Judged]) -> Whole:
    """What its critical indicators say of an entity."""
    critical = [one for one in judged if one.comparison.indicator.critical]
    if not critical:
        return Whole(name=name, verdict=Recovery.NO_BASELINE, why=(Why.NO_INDICATORS,), parts={})
    verdict = first(one.verdict for one in critical)
    deciding = sorted((one for one in critical if one.verdict is verdict), key=_gravity)
    return Whole(
        name=name,
        verdict=verdict,
        why=_reasons(one.why for one in deciding),
        parts=_counted(one.verdict for one in critical),
        worst=tuple(deciding[:WORST]),
        minutes=_slowest([one.minutes for one in deciding]) if verdict is Recovery.INCONCLUSIVE else None,
    )


def together(name: str, members: Sequence[str], of: Mapping[str, Whole]) -> Whole:
    """A business service from its entities, or an incident from all of its. Unknown members have no baseline."""
    missing = {Recovery.NO_BASELINE: 1}
    none = (Why.NO_INDICATORS,)
    found = [
        of.get(member) or Whole(name=member, verdict=Recovery.NO_BASELINE, why=none, parts=missing)
        for member in members
    ]
    if not found:
        return Whole(name=name, verdict=Recovery.NO_BASELINE, why=none, parts={})
    verdict = first(one.verdict for one in found)
    deciding = [one for one in found if one.verdict is verdict]
    worst = sorted((judged for one in deciding for judged in one.worst), key=_gravity)
    return Whole(
        name=name,
        verdict=verdict,
        why=_reasons(one.why for one in deciding),
        parts=_counted(one.verdict for one in found),
        worst=tuple(worst[:WORST]),
        minutes=_slowest([one.minutes for one in deciding]) if verdict is Recovery.INCONCLUSIVE else None,
    )


def first(verdicts: Iterable[Recovery]) -> Recovery:
    """The one that outweighs the others.

    >>> first([Recovery.RESTORED, Recovery.INCONCLUSIVE, Recovery.IMPROVED]).value
    'inconclusive'
    """
    return min(verdicts, key=PRECEDENCE.index)


def _gravity(one: Judged) -> tuple[float, str, str]:
    """How many margins worse, the gravest first."""
    margin = one.comparison.margin
    margins = -inf if one.harm is None else one.harm / margin if margin > 0 else one.harm
    return -margins, one.comparison.indicator.name, repr(one.comparison.indicator.labels)


def _counted(verdicts: Iterable[Recovery]) -> dict[Recovery, int]:
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in PRECEDENCE if verdict in found}


def _reasons(reasons: Iterable[tuple[Why, ...]]) -> tuple[Why, ...]:
    return tuple(dict.fromkeys(why for several in reasons for why in several))


def _slowest(minutes: Sequence[int | None]) -> int | None:
    return None if None in minutes else max((found for found in minutes if found is not None), default=None)
