"""What an incident hits, and how bad that is: the catalogue's facts joined with impact, and the severity policy."""

from __future__ import annotations

from collections.abc import Sequence

from engine.context import Context
from engine.correlate.graph import Node
from engine.outcomes import Impacted, SeverityView
from engine.signals import Millis
from engine.state import Incident
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
    context: Context, incident: Incident, nodes: Sequence[Node], now: Millis
) -> list[tuple[Impact, Entity | None]]:
    """Entities below full health because of the incident's alerts and cause; kept on the incident, nearest first."""
    own: dict[str, int] = {}
    since: dict[str, Millis] = {}
    for node in nodes:
        if node.firing or incident.firing == 0:
            own[node.entity] = min(own.get(node.entity, UP), HEALTH[node.firing_word if node.firing else node.word])
            since[node.entity] = min(since.get(node.entity, node.start), node.start)
    if incident.cause and incident.cause not in own and own:
        own[incident.cause] = min(own.values())
        since[incident.cause] = incident.onset
    troubled = {entity: health for entity, health in own.items() if health < UP}
    found = impact(context.topology, troubled, now, {entity: since[entity] for entity in troubled})
    rows = [(hit, context.topology.entities.get(hit.entity)) for hit in found.values()]
    shown = sorted(rows, key=lambda row: (len(row[0].path), row[0].entity))[:SHOWN_IMPACT]
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


def severity_of(
    context: Context, incident: Incident, nodes: Sequence[Node], rows: list[tuple[Impact, Entity | None]]
) -> SeverityView:
    """The policy's answer, with every rule that fired."""
    hit = [(i, e) for i, e in rows if e is not None and i.low < UP]
    users = [e.users for _, e in hit if e.users is not None]
    incident.users = (max(users), sum(users)) if users else None
    incident.obligations = tuple(sorted({duty for _, e in hit for duty in e.obligations}))
    words = [node.firing_word for node in nodes if node.firing] or [node.word for node in nodes]
    result = context.rules.severity(
        SeverityFacts(
            users=incident.users,
            tier=min((e.tier for _, e in hit if e.tier is not None), default=None),
            business=tuple(sorted(e.id for _, e in hit if e.kind in BUSINESS)),
            obligations=incident.obligations if hit else None,
            data_stores_down=sum(e.kind in STORES and i.low == 0 for i, e in hit),
            worst_word=max(words, key=lambda word: RANK[word], default="none"),
            entities_down=sum(i.low == 0 for i, _ in rows),
            entities_degraded=sum(0 < i.low < 1000 for i, _ in rows),
            security=any(node.security for node in nodes),
            lost_heartbeat=any(node.internal for node in nodes),
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
