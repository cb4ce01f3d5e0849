"""Continuity: how an incident is worked on, its report, playbooks, who is on duty, how ready one is."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from api import continuity
from api.continuity_schemas import DutyOf, PlaybookOf, PlaybooksOf, ResponseOf, TabletopOf
from api.errors import not_found
from api.keyed import page
from api.routes.answers import After, Limit, answer, documented, parts
from engine.continuity.figures import ReadinessOf
from engine.continuity.report import ReportOf
from engine.readiness_views import Preparedness

router = APIRouter(prefix="/api/v1", tags=["continuity"])


@router.get("/incidents/{id}/response", responses=documented(ResponseOf), summary="How an incident is being worked on")
def of_incident(request: Request, id: str) -> Response:
    """The playbook under way with gates, live critical path and predicted end against the RTO; measures, access,
    vendors, briefings, handover; which playbooks would fit; the situation report."""
    running = parts(request)
    view = running.reader.incident(id)
    if view is None:
        raise not_found("incident", id)
    topology, rules = running.topology(), running.rules()
    return answer(continuity.response_of(view, topology, rules, _record(request), running.tickets, running.clock()))


@router.get(
    "/incidents/{id}/report", responses=documented(ReportOf), summary="The report for the review of an incident"
)
def report(request: Request, id: str) -> Response:
    """From the record alone: phases, objectives with variance and cause, decisions, deviations with proposed changes,
    what went well, entities that deviated without an alert, recurrence."""
    running = parts(request)
    found = continuity.report(running.reader, id, running.rules())
    if found is None:
        raise not_found("incident", id)
    return answer(found)


@router.get("/playbooks", responses=documented(PlaybooksOf), summary="Playbooks in force, and what speaks against them")
def playbooks(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """By id: state, review, freshness, drift from the topology in force, step by step."""
    running = parts(request)
    found = continuity.playbooks(running.topology(), running.rules(), _record(request), running.clock())
    source = running.workshop.repository and msgspec.structs.asdict(running.workshop.repository.source())
    items, next = page(found.items, lambda one: one.id, cursor, limit)
    return answer(msgspec.structs.replace(found, items=items, next=next, source=source))


@router.get("/playbooks/{id}", responses=documented(PlaybookOf), summary="One playbook")
def playbook(request: Request, id: str) -> Response:
    """Its task graph, an order that works, the critical path, and what has changed since it was proven."""
    running = parts(request)
    found = running.rules().continuity.playbook(id)
    if found is None:
        raise not_found("playbook", id)
    now = running.clock()
    return answer(continuity.playbook_of(found, running.topology(), running.rules(), running.version, now))


@router.get("/continuity/duty", responses=documented(DutyOf), summary="Who is on duty, and whom to call outside")
def duty(request: Request, at: AwareDatetime | None = None) -> Response:
    """Now, or `at` an RFC 3339 time; with gaps, double bookings and the end of every roster."""
    running = parts(request)
    moment = running.clock() if at is None else round(at.timestamp() * 1000)
    return answer(continuity.duty(running.topology(), running.rules(), _record(request), moment))


@router.get("/continuity/readiness", responses=documented(ReadinessOf), summary="How ready one is between incidents")
def readiness(request: Request) -> Response:
    """Figures of readiness; exercises, contracts and contacts that are due; restore tests against RTO and RPO."""
    running = parts(request)
    found = continuity.readiness(running.topology(), running.rules(), _record(request), running.clock())
    return answer(found)


@router.get(
    "/continuity/tabletop/{entity}", responses=documented(TabletopOf), summary="A tabletop exercise from the topology"
)
def tabletop(request: Request, entity: str) -> Response:
    """What people around a table are told minute by minute if this entity fails, and what they are asked."""
    running = parts(request)
    topology = running.topology()
    found = topology.resolve(entity)
    if found is None:
        raise not_found("entity", entity)
    return answer(continuity.tabletop(found, topology, running.rules()))


def _record(request: Request) -> Preparedness:
    state = parts(request).state()
    return state.readiness if state is not None else Preparedness()
