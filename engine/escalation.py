"""Who must be reached because of an incident, and by when; raised as it grows, lowered only with a reason."""

from __future__ import annotations

from collections.abc import Iterable

from engine.calling import names_of
from engine.changes import reason
from engine.context import Context
from engine.harm import Rows
from engine.people_views import EscalationView, Reach
from engine.severity import fired_view, open_view
from engine.signals import Millis
from engine.state import Incident
from rules.escalation import EscalationRule
from rules.severity import SeverityFacts, SeverityResult


def raise_to(
    context: Context, incident: Incident, facts: SeverityFacts, severity: SeverityResult, rows: Rows, now: Millis
) -> str:
    """Keep on the incident who must hear of it, and say why that is another level than before ("" when it is not)."""
    declared = context.rules.content.escalation
    result = context.rules.escalate(facts, severity, incident.level)
    incident.escalated = {rule.id: incident.escalated.get(rule.id, now) for rule in result.fired}
    rules = {rule.id: rule for rule in declared.rules}
    asked = [rules[rule.id] for rule in result.fired]
    before, said = incident.escalation, fired_view(result.fired)
    fired = tuple(
        {**rule, "since": incident.escalated[asks.id], "due": incident.escalated[asks.id] + asks.within}
        | {"reach": list(asks.reach)}
        for rule, asks in zip(said, asked, strict=True)
    )
    reach = _reach(context, incident, asked, rows)
    incident.escalation = EscalationView(
        level=result.level,
        since=before.since if before.level == result.level else now if result.level else None,
        due=min((one.due for one in reach), default=None),
        reach=reach,
        fired=fired,
        open=open_view(result.open),
    )
    if result.level == before.level:
        return ""
    why, numbers = reason(before.fired, fired, incident.facts, facts)
    why = "; ".join(filter(None, (why, _by_level(incident))))
    text = f"Escalation {before.level or 'none'} → {result.level or 'none'}: {why or 'the rules in force changed'}"
    changed = {fact: list(pair) for fact, pair in numbers.items()}
    about = {"before": before.level, "after": result.level, "changed": changed}
    context.tell(incident.id, incident.domain, now, "escalation", text, facts=about)
    return text[:1].lower() + text[1:]


def _by_level(incident: Incident) -> str:
    if incident.override is None:
        return f"severity {incident.level}"
    return f"severity {incident.level}, set by {incident.override.by}: {incident.override.why}"


def _reach(context: Context, incident: Incident, asked: Iterable[EscalationRule], rows: Rows) -> tuple[Reach, ...]:
    """Every role once, with the soonest time that a rule asks for."""
    soonest: dict[str, tuple[Millis, list[str]]] = {}
    for rule in asked:
        due = incident.escalated[rule.id] + rule.within
        for role in rule.reach:
            before, ids = soonest.get(role, (due, []))
            soonest[role] = min(before, due), [*ids, rule.id]
    hit = [entity for impact, entity in rows if entity is not None and impact.low < 1000]
    found = [
        Reach(role=role, names=names_of(context, incident, role, hit), why=f"rules {', '.join(ids)}", due=due)
        for role, (due, ids) in soonest.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.due, one.role)))
