"""Silences: alerts that are not to disturb anyone until a time. They stay visible and count."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.errors import Fault, invalid
from api.examples import SILENCE
from api.keyed import page
from api.routes.answers import After, Limit, answer, documented, parts
from api.routes.commands import Asked, Reason, perform
from api.schemas import Done, Items
from engine.signals import Millis
from ingest.errors import Undecodable
from ingest.timestamps import moment
from rules.errors import Flaw
from rules.matchers import parse_matchers

router = APIRouter(prefix="/api/v1/silences", tags=["silences"])


class SilenceAsked(BaseModel):
    """Which alerts (matchers in Alertmanager's notation, entity ids, or both), until when, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": SILENCE})
    matchers: Annotated[str, Field(max_length=2000)] = ""
    entities: Annotated[list[Annotated[str, Field(pattern=r"^[^\s,]{1,200}$")]], Field(max_length=100)] = []
    until: float | Annotated[str, Field(max_length=64)]
    reason: Reason


@router.get("", responses=documented(Items), summary="Silences made by people")
def silences(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Those in force, by id; silences in the rules files are part of the rules."""
    found, next = page(parts(request).silences(), lambda one: one.id, cursor, limit)
    items = [
        {
            "id": one.id,
            "matchers": [str(matcher) for matcher in one.matchers],
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
            "created_by": one.created_by,
            "comment": one.comment,
        }
        for one in found
    ]
    return answer({"items": items, "next": next})


@router.post("", responses=documented(Done), summary="Silence matching alerts until a time")
async def silence(request: Request, asked: SilenceAsked) -> Response:
    """Enters the input log as a command; `until` is RFC 3339 or Unix seconds."""
    until, faults = _until(asked.until, parts(request).clock())
    try:
        matchers = ",".join(map(str, parse_matchers(asked.matchers)))
    except Flaw as flaw:
        faults.append(Fault("/matchers", flaw.message))
    else:
        if not matchers and not asked.entities:
            faults.append(Fault("/matchers", "name matchers or entities: a silence of everything is none"))
    if faults:
        raise invalid("The silence is not valid.", faults)
    facts = {"matchers": matchers, "entities": ",".join(asked.entities), "until": until}
    name = f"silence-{secrets.token_hex(6)}"
    return answer(await perform(request, "silence", name, asked.reason, {k: v for k, v in facts.items() if v}))


def _until(given: float | str, now: Millis) -> tuple[str, list[Fault]]:
    """The end as RFC 3339, or what is wrong with it."""
    try:
        until = moment(given)
    except Undecodable as error:
        return "", [Fault("/until", str(error))]
    if until is None or until <= now:
        return "", [Fault("/until", "must be a time in the future")]
    return datetime.fromtimestamp(until / 1000, UTC).isoformat(), []


@router.post("/{id}/expire", responses=documented(Done), summary="End a silence")
async def expire(request: Request, id: str, asked: Asked | None = None) -> Response:
    """The alerts it muted are looked at again."""
    return answer(await perform(request, "unsilence", id, (asked and asked.reason) or "expired by hand", {}))
