"""An incident as a revision shows it."""

from __future__ import annotations

import msgspec
import xxhash

from engine.clock_views import OPEN_CLOCKS, ClockView
from engine.outcomes import IncidentView
from engine.signals import Millis
from engine.state import Incident


def view_of(incident: Incident, why: str, versions: dict[str, str]) -> IncidentView:
    """The revision as it stands."""
    severity = incident.severity
    if incident.override:
        severity = msgspec.structs.replace(severity, level=incident.override.level, override=incident.override)
    return IncidentView(
        id=incident.id,
        revision=incident.revision,
        state=incident.state,
        domain=incident.domain,
        title=_title(incident),
        why=why,
        onset=incident.began.at if incident.began else incident.onset,
        first_alert_at=incident.onset,
        onset_by=incident.began,
        onset_provisional=incident.onset_provisional,
        members=incident.members,
        members_total=incident.members_total,
        opened_at=incident.opened_at,
        updated_at=incident.updated_at,
        declared_at=incident.declared_at,
        resolved_at=incident.resolved_at,
        restoring_at=incident.restoring_at,
        told=incident.told,
        cause=incident.cause,
        abstained=incident.abstained,
        candidates=incident.candidates,
        severity=severity,
        impact=incident.impact,
        impact_total=incident.impact_total,
        objectives=incident.objectives,
        users=incident.users,
        harm=incident.harm,
        escalation=incident.escalation,
        obligations=incident.obligations,
        regimes=tuple(case.view for _, case in sorted(incident.regimes.items()) if case.view is not None),
        clocks=clocks_of(incident),
        entities=incident.entities,
        alerts=len(incident.alerts),
        firing=incident.firing,
        events=incident.events,
        confirmed=incident.confirmed,
        assigned=incident.assigned,
        acknowledged_by=incident.acknowledged_by,
        acknowledged_at=incident.acknowledged_at,
        called=incident.called,
        declaration=incident.declaration,
        status=incident.status,
        next_update_at=incident.next_update_at,
        update_overdue=incident.update_overdue,
        merged_into=incident.merged_into,
        split_from=incident.split_from,
        generation=incident.generation,
        recovery=incident.recovery,
        closed_as=incident.closed_as,
        held_open=incident.refused,
        response=incident.response,
        versions=versions,
    )


def _title(incident: Incident) -> str:
    where = incident.cause or (incident.entities[0] if incident.entities else "unknown")
    others = len(incident.entities) - 1
    return f"{where} in trouble" + (f", {others} more affected" if others > 0 else "")


def clocks_of(incident: Incident) -> tuple[ClockView, ...]:
    """All clocks of an incident: the open ones first, the soonest first, else in the order of their regimes."""
    found = [clock for _, case in sorted(incident.regimes.items()) for clock in case.clocks.values()]
    return tuple(sorted(found, key=clock_order))


def clock_order(clock: ClockView) -> tuple[bool, bool, Millis, str]:
    """Open before ended, with a deadline before without, the soonest first."""
    return clock.state not in OPEN_CLOCKS, clock.due is None, clock.due or 0, clock.regime


def digest_of(view: IncidentView) -> str:
    """A digest of all that a revision says, but for its number, time and reason."""
    content = msgspec.structs.replace(view, revision=0, updated_at=0, why="")
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode(content, order="deterministic"))
