"""An alert as the API shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.context import Context
from engine.evidence.model.weights import weight_of
from engine.evidence.verdict import Term
from engine.outcomes import AlertView
from engine.state import Alert


def alert_view(context: Context, alert: Alert) -> AlertView:
    """Its current state."""
    now = context.state.now
    end = alert.spell.end(now)
    return AlertView(
        no=alert.no,
        fingerprint=alert.labels.fingerprint,
        labels=msgspec.Raw(alert.labels.raw),
        annotations=msgspec.Raw(alert.annotations),
        name=alert.name,
        entity=alert.entity,
        mapped=alert.mapped,
        domain=alert.domain,
        severity=alert.word,
        state="flapping" if alert.flapping else "firing" if end is None else "resolved",
        disposition=alert.disposition,
        reason=alert.reason,
        rule=alert.rule,
        incident=alert.incident,
        verdict=alert.verdict,
        first_event=alert.event,
        last_event=alert.last_event,
        starts_at=alert.spell.start,
        ends_at=end,
        held_until=alert.held_until,
        flapping_since=alert.flapping_since,
        url=alert.url,
        terms=shown(alert.terms) if alert.terms else (),
    )


def shown(terms: tuple[Term, ...]) -> tuple[dict[str, Any], ...]:
    """Terms as the API shows them; ``weight`` says where the log-odds come from: `prior`, or a model's version."""
    return tuple(
        {"kind": t.kind, "group": t.group, "log_odds": t.log_odds, "weight": weight_of(t), "facts": t.facts}
        for t in terms
    )
