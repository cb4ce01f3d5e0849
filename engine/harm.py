"""How much harm an incident does: the numbers of what it hits, as bounds, and the facts that the policies judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from engine.assumptions import assumptions_of
from engine.context import Context
from engine.correlate.graph import Node
from engine.exposure import STORES, exposure_of, only_fills, seen_at
from engine.outcomes import AmountView, ExposureView, HarmView
from engine.rto import missed
from engine.signals import Millis
from engine.state import CopiesSeen, Incident
from engine.users import Amount, everybody, faces_users, together, users_of
from rules.severity import Bounds, SeverityFacts
from rules.severity.amounts import MEMBER_STATES, UNKNOWN, share_of
from rules.words import RANK
from topology.impact import Impact
from topology.model import Entity, Kind

UP = 1000
SHOWN = 50
"""Entities in a list of the view."""
BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
Rows = Sequence[tuple[Impact, Entity | None]]


class Hit(NamedTuple):
    """One entity of the catalogue that is hit now; ``certain`` and ``down`` hold in the best case too."""

    entity: Entity
    since: Millis
    certain: bool
    down: bool


def harm_of(context: Context, incident: Incident, rows: Rows, now: Millis) -> HarmView:
    """The numbers, whole; `shown` cuts the lists. Durations end when the last alert has."""
    at = now if incident.firing or incident.quiet is None else min(now, incident.quiet)
    hits = [Hit(e, i.at, i.high < UP, i.high == 0) for i, e in rows if e is not None and i.low < UP]
    strangers = sorted(i.entity for i, e in rows if e is None and i.low < UP)
    topology = context.topology
    facing = [hit for hit in hits if faces_users(topology, hit.entity)]
    declared = context.rules.content.severity.users_total
    total = everybody(topology) if declared is None else (declared, declared)
    users = _users(hits, facing, strangers, total)
    business = [hit for hit in hits if hit.certain and hit.entity.kind in BUSINESS]
    regions = sorted({region for hit in hits if hit.certain for region in hit.entity.continuity.regions})
    return HarmView(
        at=at,
        users=users,
        total=total,
        share=share_of((users.low, users.high), total or UNKNOWN) if hits else None,
        transactions=_daily(hits, strangers, "transactions"),
        value=_daily(hits, strangers, "value"),
        tier=min((hit.entity.tier for hit in hits if hit.certain and hit.entity.tier is not None), default=None),
        tier_possible=min((hit.entity.tier for hit in hits if hit.entity.tier is not None), default=None),
        regions=tuple(regions),
        regions_missing=_silent([h for h in facing if not h.entity.continuity.regions], strangers),
        member_states=sum(region in MEMBER_STATES for region in regions),
        critical=tuple(sorted(hit.entity.id for hit in hits if hit.certain and hit.entity.continuity.critical)),
        critical_missing=_silent([h for h in business if h.entity.continuity.critical is None], strangers),
        business_services=_names(business, Kind.BUSINESS_SERVICE),
        business_processes=_names(business, Kind.BUSINESS_PROCESS),
        unmapped=tuple(strangers),
        down=sum(i.high == 0 for i, _ in rows),
        degraded=sum(0 < i.high < UP for i, _ in rows),
        at_risk=sum(i.at_risk and i.high == UP for i, _ in rows),
        uncertain=sum(i.low != i.high for i, _ in rows),
        later_down=_later(rows) if incident.firing else (),
        since=incident.onset,
        down_since=min((i.at for i, _ in rows if i.high == 0), default=None),
        business_down_since=min((hit.since for hit in business if hit.down), default=None),
        critical_down_since=min((h.since for h in hits if h.down and h.entity.continuity.critical), default=None),
        exposure=tuple(_exposure(context, incident, rows, at)),
        rto_missed=missed(incident, rows, at),
        assumptions=assumptions_of(topology, rows, at, None if incident.firing else incident.quiet),
    )


def facts_of(harm: HarmView, incident: Incident, nodes: Sequence[Node], hit: bool) -> SeverityFacts:
    """What the policies judge; ``hit``: something of the catalogue is."""
    words = [node.firing_word for node in nodes if node.firing] or [node.word for node in nodes]
    known = hit and not harm.unmapped
    return SeverityFacts(
        users=_bounds(harm.users) if hit else None,
        users_total=harm.total,
        tier=harm.tier,
        tier_possible=harm.tier_possible,
        business=tuple(sorted((*harm.business_services, *harm.business_processes))),
        regions=harm.regions,
        regions_open=bool(harm.regions_missing) or not hit,
        critical=harm.critical,
        critical_open=bool(harm.critical_missing) or not hit,
        transactions=_bounds(harm.transactions) if hit else None,
        value=_bounds(harm.value) if hit else None,
        obligations=incident.obligations if incident.obligations or (known and not harm.uncertain) else None,
        rpo_exposed=_worst((one.exposed for one in harm.exposure), known),
        data_stores_down=sum(one.down for one in harm.exposure) if known else None,
        nondurable=_worst((one.forgets for one in harm.exposure), known),
        worst_word=max(words, key=lambda word: RANK[word], default="none"),
        entities_down=harm.down,
        entities_degraded=harm.degraded,
        entities_at_risk=harm.at_risk,
        entities_uncertain=harm.uncertain,
        later_down=len(harm.later_down),
        security=any(node.security for node in nodes),
        lost_heartbeat=any(node.internal for node in nodes),
        at=harm.at,
        since=harm.since,
        down_since=harm.down_since,
        business_down_since=harm.business_down_since,
        critical_down_since=harm.critical_down_since,
        rto_breach=harm.rto_missed,
    )


def obligations_of(rows: Rows) -> tuple[str, ...]:
    """The duties that hang on what is hit for certain."""
    return tuple(sorted({duty for i, e in rows if e is not None and i.high < UP for duty in e.obligations}))


def shown(harm: HarmView) -> HarmView:
    """With its lists cut; the moment of judging is not shown, as it would make every look a revision."""
    cut = {
        name: value[:SHOWN]
        for name in HarmView.__struct_fields__
        if isinstance(value := getattr(harm, name), tuple) and len(value) > SHOWN
    }
    return msgspec.structs.replace(harm, at=0, **cut)


def _users(hits: Iterable[Hit], facing: Iterable[Hit], strangers: Iterable[str], total: Bounds | None) -> AmountView:
    silent = [h.entity.id for h in facing if h.entity.users is None and not h.entity.continuity.sketch]
    most = None if total is None else total[1]
    return users_of(((hit.entity, hit.certain) for hit in hits), [*silent, *strangers], most)


def _daily(hits: Iterable[Hit], strangers: Iterable[str], what: str) -> AmountView:
    """Daily averages of the business services and processes hit, and of whatever else says one."""
    said, silent = [], []
    for hit in hits:
        amount = getattr(hit.entity.continuity, what)
        if amount is not None:
            said.append(Amount(hit.entity.id, amount, hit.certain))
        elif hit.entity.kind in BUSINESS:
            silent.append(hit.entity.id)
    return together(said, [*silent, *strangers])


def _exposure(context: Context, incident: Incident, rows: Rows, at: Millis) -> list[ExposureView]:
    """Every store that is hit, the worst first. What was seen when it went down is kept: samples are not for ever."""
    found = []
    lows = {hit.entity: hit.low for hit, _ in rows}
    for hit, entity in rows:
        if entity is None or entity.kind not in STORES or hit.low == UP:
            continue
        down = hit.low == 0 and not only_fills(context.topology, hit, lows)
        seen = seen_at(context.state.copies.get(entity.id, {}), hit.at if down else at)
        if down:
            before = incident.copies.get(entity.id, CopiesSeen())
            seen = CopiesSeen(seen.lag or before.lag, seen.backup or before.backup)
            if seen != before:
                incident.copies[entity.id] = seen
        found.append(exposure_of(entity, seen, down=down))
    rank = ("yes", "cannot_exclude", "no")
    return sorted(found, key=lambda one: (rank.index(one.exposed), rank.index(one.forgets), one.entity))


def _later(rows: Rows) -> tuple[tuple[str, Millis], ...]:
    """Who will be down, and when; the first first."""
    moments = ((next((step.at for step in i.later if step.high == 0), None), i.entity) for i, _ in rows if i.high > 0)
    return tuple((entity, at) for at, entity in sorted((at, entity) for at, entity in moments if at is not None))


def _silent(hits: Iterable[Hit], strangers: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted([*(hit.entity.id for hit in hits), *strangers]))


def _names(hits: Iterable[Hit], kind: Kind) -> tuple[str, ...]:
    return tuple(sorted(hit.entity.id for hit in hits if hit.entity.kind is kind))


def _bounds(amount: AmountView) -> Bounds:
    return amount.low, amount.high


def _worst(answers: Iterable[str], known: bool) -> bool | None:
    """Yes if any store says so; no only if all do, and everything that is hit is known."""
    said = set(answers)
    if "yes" in said:
        return True
    return None if "cannot_exclude" in said or not known else False
