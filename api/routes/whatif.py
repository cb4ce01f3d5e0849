"""What-if questions to a running server, and its saved scenarios."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.errors import Fault, Problem, invalid
from api.keyed import MOST, page
from api.parts import Parts
from api.routes.answers import After, Limit, answer, documented, parts
from api.whatif import ask
from api.whatif_schemas import ScenarioRuns, WhatIf
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.ports import Page
from engine.words import HEALTH
from topology.question import QuestionForm
from topology.scenario import unknown_names
from topology.whatif import Now

UP = 1000
_VERSIONS = {"topology": "9f2c1b7a55d0e3aa", "catalogue": "9f2c1b7a55d0e3aa", "rules": "1d0c4a5be1f7c2d9"}
_RUN = {
    "id": "one-replica",
    "title": "One replica is lost",
    "result": "failed",
    "file": "scenarios/replicas.yaml",
    "line": 2,
    "mismatches": [{"at": 0.0, "subject": "checkout", "expected": "at 800", "found": "at 667"}],
    "unknown": [],
}
_RUNS = {"versions": _VERSIONS, "passed": 0, "failed": 1, "items": [_RUN], "findings": []}


class _AllAtOnce(APIRoute):
    """Names that the topology does not have are told together with what is wrong with the form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with one more look at what was sent."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.unknown = unknown = await _unknown(request)
            try:
                return await inner(request)
            except RequestValidationError as error:
                faults = [Fault(_pointer(fault["loc"][1:]), fault["msg"]) for fault in error.errors()]
                raise _wrong([*faults, *unknown]) from None

        return handle


router = APIRouter(prefix="/api/v1", tags=["what-if"], route_class=_AllAtOnce)


class RunAsked(BaseModel):
    """Which scenarios to run; all, if none is named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"ids": ["one-replica"]}})
    ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1000)] = []


@router.post("/whatif", responses=documented(WhatIf), summary="What if this failed, slowed down or changed?")
def whatif(
    request: Request,
    asked: QuestionForm,
    now: Annotated[bool, Query(description="on top of what is the matter now")] = False,
) -> Response:
    """Failures, delays, maintenance, shared fates, lost sites, another topology; who is hit, when, and how badly."""
    running = parts(request)
    topology = running.topology()
    if request.state.unknown:
        raise _wrong(request.state.unknown)
    moments = sorted({1000 * at for at in asked.at})
    matters = _now(running) if now else None
    return answer(ask(topology, running.rules(), asked.assume.assumptions(), moments, matters, MOST))


@router.get("/scenarios", responses=documented(ScenarioRuns, _RUNS), summary="Saved scenarios and how they went")
def scenarios(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """By id, with the topology and rules in force."""
    running = parts(request)
    found = running.scenarios.last(running.topology(), running.rules())
    items, next = page(found.items, lambda one: one.id, cursor, limit)
    return answer(msgspec.structs.replace(found, items=items, next=next))


@router.post("/scenarios/run", responses=documented(ScenarioRuns, _RUNS), summary="Run saved scenarios")
async def run(request: Request, asked: RunAsked | None = None) -> Response:
    """Reads their folder again and runs all of them, or those named, against what is in force."""
    running = parts(request)
    ids = (asked or RunAsked()).ids
    found = await run_in_threadpool(running.scenarios.run, running.topology(), running.rules(), ids)
    there = {item.id for item in found.items}
    missing = [
        Fault(f"/ids/{place}", f"there is no scenario {id!r}") for place, id in enumerate(ids) if id not in there
    ]
    if missing:
        raise invalid("Not all of these scenarios exist.", missing)
    return answer(found)


def _wrong(faults: list[Fault]) -> Problem:
    return invalid("The question is not valid.", faults)


async def _unknown(request: Request) -> list[Fault]:
    """The names in the body that the topology does not have, whatever else is wrong with it."""
    try:
        body = await request.json()
    except ValueError:
        return []
    assume = body.get("assume") if isinstance(body, dict) else None
    return [
        Fault(_pointer(("assume", *one.place)), f"the catalogue has no {one.what} {one.name!r}")
        for one in unknown_names(assume, parts(request).topology())
    ]


def _pointer(place: tuple[str | int, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _now(running: Parts) -> Now:
    """Own healths by the alerts of open incidents, and those of causes that do not alert themselves."""
    reader, at = running.reader, running.clock()
    known = running.topology().entities
    own: dict[str, int] = {}
    since: dict[str, int] = {}
    worst: dict[str, int] = {}  # by incident

    def note(entity: str, health: int, start: int) -> None:
        if health < UP and entity in known:
            own[entity] = min(own.get(entity, UP), health)
            since[entity] = min(since.get(entity, 0), start - at)

    incidents: dict[str, IncidentView] = {one.id: one for one in _all(partial(reader.incidents, state=sorted(OPEN)))}
    for alert in _all(partial(reader.alerts, state=("firing", "flapping"))):
        if alert.incident in incidents:
            health = HEALTH[alert.severity]
            worst[alert.incident] = min(worst.get(alert.incident, UP), health)
            note(alert.entity, health, alert.starts_at)
    for id, health in worst.items():
        cause = incidents[id].cause
        if cause is not None and cause not in own:
            first = incidents[id].first_alert_at
            note(cause, health, incidents[id].onset if first is None else first)
    return Now(own, since)


def _all(page: Callable[..., Page]) -> Iterator[Any]:
    """The items of a list, page by page."""
    cursor = ""
    while True:
        found = page(cursor=cursor, limit=MOST)
        yield from found.items
        cursor = found.next
        if not cursor:
            return
