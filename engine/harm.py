"""How bad an incident is: the facts of what it hits, and the severity policy."""

from __future__ import annotations

from collections.abc import Sequence

from engine.context import Context
from engine.correlate.graph import Node
from engine.outcomes import SeverityView
from engine.state import Incident
from rules.severity import SeverityFacts
from rules.words import RANK
from topology.impact import Impact
from topology.model import Entity, Kind

UP = 1000
BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
STORES = frozenset({Kind.DATABASE, Kind.QUEUE})


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
