"""What a store would lose: how far its copies are behind, as seen in samples, and that against its RPO.

Of every series that the rules name the last points are kept, so that the lag at the moment of a failure can still be
told when the lag that is measured later only counts the time since then.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping

from engine.context import Context
from engine.outcomes import ExposureView
from engine.signals import Millis
from engine.state import Copies, CopiesSeen
from rules.exposure import ExposureRule
from rules.ternary import Ternary
from topology.explanation import OWN
from topology.impact import Impact
from topology.model import Entity, Kind, Semantics, Topology

LAG, BACKUP = "lag_seconds", "backup_age_seconds"
POINTS_KEPT = 16
SERIES_KEPT = 16
"""Per store."""
MOST_STRANGERS = 20_000
"""Stores that the catalogue does not name, of which copies are kept."""
FRESH: Millis = 15 * 60_000
"""A lag that was seen longer ago says nothing of a failure."""
SOON: Millis = 60_000
"""A first sample this soon after a failure still tells of it."""
STORES = frozenset({Kind.DATABASE, Kind.QUEUE})
TAKERS = frozenset({Kind.SERVICE, Kind.COMPONENT, Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
"""Providers of a queue that take from it; others are what it stands on."""
UP = 1000

Bounds = tuple[int, int | None]


def keep(
    context: Context, entity: str, series: str, rule: ExposureRule, times: Iterable[Millis], values: Iterable[float]
) -> bool:
    """Keep how far a copy was behind; whether that changes what is known of its RPO."""
    table = context.state.copies
    known = context.topology.entities.get(entity)
    if known is None and entity not in table and len(table) >= MOST_STRANGERS:
        return False
    of_entity = table.setdefault(entity, {})
    before = _beyond(of_entity, known)
    copies = of_entity.setdefault(series, Copies(rule.gives, []))
    for at, value in zip(times, values, strict=True):
        point = (at, rule.milliseconds(value, at))
        if point not in copies.points:
            insort(copies.points, point)
    del copies.points[:-POINTS_KEPT]
    if len(of_entity) > SERIES_KEPT:
        del of_entity[min(of_entity, key=lambda name: (_last(of_entity[name]), name))]
    return _beyond(of_entity, known) != before


def only_fills(topology: Topology, hit: Impact, lows: Mapping[str, int]) -> bool:
    """Is it a queue that is down because who takes from it is, and holds what it gets? ``lows`` are healths by entity;
    who is not named is up. What a queue stands on, and what nobody knows, takes it along."""
    queue = topology.entities.get(hit.entity)
    if queue is None or queue.kind is not Kind.QUEUE or hit.via == OWN:
        return False
    lost = [
        topology.entities.get(d.provider)
        for d in topology.providers(hit.entity)
        if d.semantics is not Semantics.INFO and lows.get(d.provider, UP) == 0
    ]
    return bool(lost) and all(one is not None and one.kind in TAKERS for one in lost)


def seen_at(of_entity: Mapping[str, Copies], moment: Millis) -> CopiesSeen:
    """How far the copies were behind at a moment, best and worst of them, in milliseconds."""
    lags = [lag for copies in of_entity.values() if copies.gives == LAG and (lag := _lag(copies, moment)) is not None]
    ages = [
        age for copies in of_entity.values() if copies.gives == BACKUP and (age := _age(copies, moment)) is not None
    ]
    return CopiesSeen((min(lags), max(lags)) if lags else None, (min(ages), max(ages)) if ages else None)


def exposure_of(entity: Entity, seen: CopiesSeen, *, down: bool) -> ExposureView:
    """What one store would lose, against its RPO."""
    facts = entity.continuity
    low, high = _loss(seen, facts.replication, facts.backup)
    missing: tuple[str, ...] = ()
    if entity.kind is Kind.QUEUE and entity.rpo is None:
        # what a queue holds is not said to be data; whether it forgets decides
        answer, missing = Ternary.NO, ()
    elif not down:
        worse = entity.rpo is not None and low > entity.rpo * 1000
        answer = Ternary.YES if worse else Ternary.NO
    elif entity.rpo is None:
        answer, missing = Ternary.CANNOT_EXCLUDE, ("rpo",)
    elif low > entity.rpo * 1000:
        answer = Ternary.YES
    elif high is not None and high <= entity.rpo * 1000:
        answer = Ternary.NO
    else:
        answer = Ternary.CANNOT_EXCLUDE
        missing = tuple(
            name for name, known in (("replication_lag", seen.lag), ("backup_age", seen.backup)) if known is None
        )
    return ExposureView(
        entity=entity.id,
        kind=entity.kind.value,
        down=down,
        exposed=answer.value,
        forgets=_forgets(entity, down=down).value,
        rpo=entity.rpo,
        loss_low=_seconds(low),
        loss_high=None if high is None else _seconds(high),
        lag=_both(seen.lag),
        backup_age=_both(seen.backup),
        replication=facts.replication,
        backup=facts.backup,
        durable=facts.durable,
        missing=missing,
    )


def _forgets(entity: Entity, *, down: bool) -> Ternary:
    """Whether what it held is gone. A database is taken to be durable unless it says otherwise and has an RPO."""
    durable = entity.continuity.durable
    if not down:
        return Ternary.NO
    if entity.kind is Kind.QUEUE:
        return ~Ternary.of(durable)
    return Ternary.of(durable is False and entity.rpo is not None)


def _loss(seen: CopiesSeen, replication: int | None, backup: int | None) -> Bounds:
    """What the freshest copy lacks: as seen, else at most what is promised."""
    copies: list[tuple[int, int]] = []
    for bounds, promised in ((seen.lag, replication), (seen.backup, backup)):
        if bounds is not None:
            copies.append(bounds)
        elif promised is not None:
            copies.append((0, promised * 1000))
    if not copies:
        return 0, None
    return min(low for low, _ in copies), min(high for _, high in copies)


def _beyond(of_entity: Mapping[str, Copies], entity: Entity | None) -> tuple[bool, bool] | None:
    """Whether the best and the worst copy are beyond the RPO by now; None when nothing is seen or asked."""
    if entity is None or entity.rpo is None or not of_entity:
        return None
    low, high = _loss(seen_at(of_entity, max(map(_last, of_entity.values()))), None, None)
    return low > entity.rpo * 1000, high is None or high > entity.rpo * 1000


def _last(copies: Copies) -> Millis:
    return copies.points[-1][0] if copies.points else 0


def _lag(copies: Copies, moment: Millis) -> int | None:
    """The last one seen by then, or the first one soon after."""
    before = [(at, behind) for at, behind in copies.points if moment - FRESH <= at <= moment]
    if before:
        return before[-1][1]
    return next((behind for at, behind in copies.points if moment < at <= moment + SOON), None)


def _age(copies: Copies, moment: Millis) -> int | None:
    """Of the last backup that was there by then; it goes on ageing."""
    before = [(at, behind) for at, behind in copies.points if at <= moment]
    if before:
        at, behind = before[-1]
        return behind + moment - at
    return next((behind for at, behind in copies.points if moment < at <= moment + SOON), None)


def _both(bounds: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if bounds is None else (_seconds(bounds[0]), _seconds(bounds[1]))


def _seconds(milliseconds: int) -> int:
    """Rounded up: a loss is never told smaller than it is."""
    return -(-milliseconds // 1000)
