"""Incidents: list, one with all that is known of it, and its parts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.errors import not_found
from api.examples import INCIDENT, SEVERITY, TICKET, TIMELINE
from api.explanation_schemas import IncidentExplanation
from api.routes.answers import Cursor, Limit, Text, Words, answer, documented, paged, parts
from api.schemas import (
    AlertPage,
    ImpactOf,
    IncidentDetail,
    IncidentPage,
    Reached,
    Revisions,
    SeverityExplained,
    TicketOf,
    Timeline,
    Versions,
)
from api.telling import argued_incident
from engine.outcomes import Impacted, IncidentView
from engine.sending import Link

JUDGED = frozenset({"severity", "override_asked", "override_withdrawn", "escalation"})
"""Kinds of lines in the timeline that tell of severity and escalation."""

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])


@router.get("", responses=documented(IncidentPage, {"items": [INCIDENT], "next": ""}), summary="List incidents")
def incidents(  # noqa: PLR0913 - one parameter per filter
    request: Request,
    state: Words = None,
    severity: Words = None,
    entity: Text = "",
    domain: Text = "",
    text: Text = "",
    drill: Annotated[bool | None, Query(description="only those of drills, or only real ones")] = None,
    since: Annotated[int | None, Query(ge=0, le=2**53, description="updated at or after, in milliseconds")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """The latest revision of every incident, newest first."""
    reader = parts(request).reader
    return paged(
        reader.incidents(
            state=state or (),
            severity=severity or (),
            entity=entity,
            domain=domain,
            text=text,
            drill=drill,
            since=since,
            cursor=cursor,
            limit=limit,
        )
    )


@router.get(
    "/{id}",
    responses=documented(
        IncidentDetail, {"incident": INCIDENT, "timeline": [TIMELINE], "alerts": [], "tickets": [TICKET]}
    ),
    summary="One incident with timeline, cause, impact and evidence",
)
def incident(request: Request, id: str) -> Response:
    """The latest revision, its timeline, the newest 500 alerts in it with their evidence, and what sinks keep of it."""
    reader = parts(request).reader
    found = _found(request, id)
    alerts = reader.alerts(incident=found.id, limit=500).items
    tickets = [_ticket(link) for link in parts(request).tickets(found.id)]
    return answer({"incident": found, "timeline": reader.timeline(found.id), "alerts": alerts, "tickets": tickets})


@router.get(
    "/{id}/timeline", responses=documented(Timeline, {"items": [TIMELINE], "next": ""}), summary="What happened"
)
def timeline(request: Request, id: str, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """Oldest first."""
    return paged(parts(request).reader.timeline_page(_found(request, id).id, cursor, limit))


@router.get(
    "/{id}/revisions", responses=documented(Revisions, {"items": [INCIDENT], "next": ""}), summary="All revisions"
)
def revisions(request: Request, id: str, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """Oldest first: what was said when."""
    return paged(parts(request).reader.revisions_page(_found(request, id).id, cursor, limit))


@router.get("/{id}/impact", responses=documented(ImpactOf), summary="Who and what is hit")
def impact(request: Request, id: str) -> Response:
    """The entities that the incident hits, worst first as the engine ranked them."""
    found = _found(request, id)
    items = [_reached(hit, found) for hit in found.impact]
    version = found.versions.get("topology", "")
    versions = Versions(version, version, found.versions.get("rules", ""))
    return answer(ImpactOf(found.cause or "", version, found.impact_total, items, versions))


@router.get(
    "/{id}/severity",
    responses=documented(SeverityExplained, SEVERITY),
    summary="Why it is as severe as it is, and who must hear of it",
)
def severity(request: Request, id: str) -> Response:
    """The numbers, the rules that fired, what is missing, the escalation, and every change with its reason."""
    found = _found(request, id)
    history = [line for line in parts(request).reader.timeline(found.id) if line.kind in JUDGED]
    return answer(
        SeverityExplained(
            incident=found.id,
            revision=found.revision,
            severity=found.severity,
            harm=found.harm,
            obligations=found.obligations,
            escalation=found.escalation,
            history=history,
            versions=found.versions,
        )
    )


@router.get(
    "/{id}/explanation",
    responses=documented(IncidentExplanation),
    summary="The argument: is it real, when and where did it begin, and why there",
)
def explained(request: Request, id: str) -> Response:
    """What speaks for and against each alert and each candidate cause, what belongs to the incident and why, what could
    not be used, and what would change the answer; ``text`` tells all of it in words."""
    found = _found(request, id)
    reader = parts(request).reader
    return answer(argued_incident(found, reader.timeline(found.id), reader.alerts(incident=found.id, limit=500).items))


@router.get("/{id}/alerts", responses=documented(AlertPage), summary="The alerts in it")
def alerts(request: Request, id: str, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """Newest first."""
    found = _found(request, id).id
    return paged(parts(request).reader.alerts(incident=found, cursor=cursor, limit=limit))


def _ticket(link: Link) -> TicketOf:
    return TicketOf(
        sink=link.sink,
        remote=link.remote,
        url=link.url,
        state=link.state,
        generation=link.generation,
        created_at=link.created_at,
        changed_at=link.changed_at,
    )


def _found(request: Request, id: str) -> IncidentView:
    found = parts(request).reader.incident(id)
    if found is None:
        raise not_found("incident", id)
    return found


def _reached(hit: Impacted, incident: IncidentView) -> Reached:
    after = None if hit.at is None else max(0.0, (hit.at - incident.onset) / 1000)
    return Reached(
        entity=hit.entity,
        name=hit.name,
        kind=hit.kind,
        low=hit.low,
        high=hit.high,
        path=hit.path,
        via=hit.via,
        after=after,
        tier=hit.tier,
        users=hit.users,
    )
