"""Alerts, and why each of their events has the disposition it has."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.errors import not_found
from api.examples import ALERT, WHY
from api.routes.answers import Cursor, Limit, Text, Words, answer, documented, paged, parts
from api.schemas import AlertPage, Why
from api.telling import argued_alert
from engine.outcomes import AlertView

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("", responses=documented(AlertPage, {"items": [ALERT], "next": ""}), summary="List alerts")
def alerts(  # noqa: PLR0913 - one parameter per filter
    request: Request,
    disposition: Words = None,
    state: Words = None,
    verdict: Words = None,
    entity: Text = "",
    incident: Text = "",
    name: Text = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Every alert, suppressed and held ones too, newest first."""
    reader = parts(request).reader
    return paged(
        reader.alerts(
            disposition=disposition or (),
            state=state or (),
            verdict=verdict or (),
            entity=entity,
            incident=incident,
            name=name,
            cursor=cursor,
            limit=limit,
        )
    )


@router.get("/{id}", responses=documented(AlertView, ALERT), summary="One alert")
def alert(request: Request, id: str) -> Response:
    """By number, by fingerprint, or by the id of one of its events (`position-index`)."""
    return answer(_found(request, id))


@router.get("/{id}/why", responses=documented(Why, WHY), summary="Why it was opened, attached, held, suppressed …")
def why(request: Request, id: str) -> Response:
    """The current disposition with its reason, the history, and what evidence says of the alert.

    A number or fingerprint means its latest event."""
    found = _found(request, id)
    reader = parts(request).reader
    event = id if reader.why(id) else found.last_event or found.first_event
    history = reader.why(event)
    if not history:
        raise not_found("alert event", event)
    return answer(Why(event, found, history[-1], history, argued_alert(found)))


def _found(request: Request, id: str) -> AlertView:
    found = parts(request).reader.alert(id)
    if found is None:
        raise not_found("alert", id)
    return found
