"""What an incident hits, and how bad that is: the catalogue's facts joined with impact, and the severity policy."""

from __future__ import annotations

from engine.context import Context
from engine.outcomes import Impacted, SeverityView
from engine.signals import Millis
from engine.state import Alert, Incident
from engine.words import HEALTH
from rules.severity import SeverityFacts
from rules.words import RANK
from topology.impact import Impact, impact
from topology.model import Entity, Kind

UP = 1000
SHOWN_IMPACT = 2000
"""Entities listed in a revision; the total is always given."""
BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
STORES = frozenset({Kind.DATABASE, Kind.QUEUE})


def impact_of(
    context: Context, incident: Incident, alerts: list[Alert], now: Millis
) -> list[tuple[Impact, Entity | None]]:
    """Entities below full health because of the incident's alerts and cause; kept on the incident, nearest first."""
    own: dict[str, int] = {}
    since: dict[str, Millis] = {}
    for alert in alerts:
        if alert.spell.end(now) is None or incident.firing == 0:
            own[alert.entity] = min(own.get(alert.entity, 1000), HEALTH[alert.word])
            since[alert.entity] = min(since.get(alert.entity, alert.spell.start), alert.spell.start)
    if incident.cause and incident.cause not in own and own:
        own[incident.cause] = min(own.values())
        since[incident.cause] = incident.onset
    troubled = {entity: health for entity, health in own.items() if health < 1000}
    found = impact(context.topology, troubled, now, {entity: since[entity] for entity in troubled})
    rows = [(hit, context.topology.entities.get(hit.entity)) for hit in found.values()]
    rows = [(hit, entity) for hit, entity in rows if hit.low < 1000 or hit.later or hit.at_risk]
    paths = {hit.entity: hit.path for hit, _ in rows[:SHOWN_IMPACT]} if len(rows) > SHOWN_IMPACT else {}
    shown = sorted(rows, key=lambda row: (len(paths.get(row[0].entity) or row[0].path), row[0].entity))[:SHOWN_IMPACT]
    incident.impact = tuple(_impacted(hit, entity, hit.entity in own) for hit, entity in shown)
    incident.impact_total = len(rows)
    incident.reach = tuple(hit.entity for hit, _ in rows if hit.low < UP)
    return rows


def _impacted(hit: Impact, entity: Entity | None, observed: bool) -> Impacted:
    return Impacted(
        entity=hit.entity,
        name=entity.name if entity else "",
        kind=entity.kind if entity else "unknown",
        low=hit.low,
        high=hit.high,
        path=hit.path,
        via=hit.via,
        at=hit.at,
        observed=observed,
        at_risk=hit.at_risk,
        tier=entity.tier if entity else None,
        users=entity.users if entity else None,
    )


def severity_of(context: Context, incident: Incident, rows: list[tuple[Impact, Entity | None]]) -> SeverityView:
    """The policy's answer, with every rule that fired."""
    hit = [(i, e) for i, e in rows if e is not None and i.low < 1000]
    users = [e.users for _, e in hit if e.users is not None]
    counted = [e for _, e in hit if e.kind in BUSINESS or e.users is not None]
    incident.users = (max(users), sum(users)) if users else None
    if any(e.users is None for e in counted):
        incident.users = None if not users else (max(users), sum(users))
    incident.obligations = tuple(sorted({duty for _, e in hit for duty in e.obligations}))
    alerts = [context.state.alerts[a] for a in incident.alerts]
    firing = [a for a in alerts if a.spell.end(context.state.now) is None] or alerts
    result = context.rules.severity(
        SeverityFacts(
            users=incident.users,
            tier=min((e.tier for _, e in hit if e.tier is not None), default=None),
            business=tuple(sorted(e.id for _, e in hit if e.kind in BUSINESS)),
            obligations=incident.obligations if hit else None,
            data_stores_down=sum(e.kind in STORES and i.low == 0 for i, e in hit),
            worst_word=max((a.word for a in firing), key=lambda w: RANK[w], default="none"),
            entities_down=sum(i.low == 0 for i, _ in rows),
            entities_degraded=sum(0 < i.low < 1000 for i, _ in rows),
            security=any(a.security for a in alerts),
            lost_heartbeat=any(a.internal for a in alerts),
        )
    )
    return SeverityView(
        level=result.level,
        user_impact=result.user_impact.value,
        data_loss=result.data_loss.value,
        regulatory=result.regulatory.value,
        missing=result.missing,
        fired=tuple({"id": rule.id, "level": rule.level, "because": dict(rule.because)} for rule in result.fired),
    )
