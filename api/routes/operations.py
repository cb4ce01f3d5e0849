"""Running Headwater: totals, versions, the outbox, dead letters, reload."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.errors import Problem, not_found
from api.routes.answers import Cursor, Limit, Text, Words, answer, documented, paged, parts
from api.schemas import Items, Reloaded, Settled, Totals
from engine.ports import DeadLetter, Record, Version
from ingest.decoders import by_now

router = APIRouter(prefix="/api/v1", tags=["operation"])

RowId = Annotated[int, Path(ge=0, le=2**62)]

_TOTALS = {"received": 12, "unaccounted": 0, "dispositions": {"opened": 2, "attached": 6, "suppressed": 4}}


@router.get("/totals", responses=documented(Totals, _TOTALS), summary="What became of every alert event")
def totals(request: Request) -> Response:
    """Every accepted alert event has exactly one current disposition; `unaccounted` is 0."""
    counts = dict(parts(request).reader.totals())
    return answer(Totals(counts.pop("received", 0), counts.pop("unaccounted", 0), counts))


@router.get("/versions", responses=documented(Items), summary="Versions of topology and rules")
def versions(
    request: Request, kind: Literal["", "topology", "rules"] = "", cursor: Cursor = "", limit: Limit = 50
) -> Response:
    """Newest first; `current` are those in force."""
    running = parts(request)
    page = running.reader.versions_page(kind, cursor, limit)
    current = {("topology", running.topology().version), ("rules", running.rules().version)}
    items = [
        {"kind": row.kind, "id": row.id, "at": row.at, "note": row.note, "current": (row.kind, row.id) in current}
        for row in page.items
        if isinstance(row, Version)
    ]
    return answer({"items": items, "next": page.next})


@router.get("/outbox", responses=documented(Items), summary="What was told to whom")
def outbox(
    request: Request, incident: Text = "", state: Words = None, cursor: Cursor = "", limit: Limit = 50
) -> Response:
    """Publications with their state: new, claimed, sent, confirmed, ambiguous, dead."""
    reader = parts(request).reader
    return paged(reader.outbox(incident=incident, state=state or (), cursor=cursor, limit=limit))


@router.post("/outbox/{id}/redrive", responses=documented(Settled), summary="Publish a dead publication again")
def redrive_publication(request: Request, id: RowId) -> Response:
    """Brings a dead row back to new."""
    if not parts(request).redrive(id):
        raise not_found("dead publication", str(id))
    return answer(Settled(id, "new"))


@router.get("/dead-letters", responses=documented(Items), summary="Input that could not be used")
def dead_letters(
    request: Request,
    state: Literal["open", "redriven", "dropped"] = "open",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Newest first, each with its reason and raw bytes (base64)."""
    return paged(parts(request).reader.dead_letters(state=state, cursor=cursor, limit=limit))


@router.post("/dead-letters/{id}/redrive", responses=documented(Settled), summary="Decode a dead letter again")
async def redrive(request: Request, id: RowId) -> Response:
    """Sends the raw bytes through the decoder once more, as a new input; refused while it still cannot be decoded."""
    running = parts(request)
    letter = await run_in_threadpool(_open_letter, request, id)
    format = by_now(letter.format)
    decoded = running.decode(format, letter.raw)
    if not decoded.signals:
        reason = decoded.rejects[0].reason if decoded.rejects else "it holds no signals"
        raise Problem(409, "still-undecodable", f"The dead letter still cannot be decoded: {reason}")
    await running.accept(Record("redrive", format, letter.raw, decoded=decoded))
    await run_in_threadpool(running.settle_dead_letter, id, "redriven")
    return answer(Settled(id, "redriven", len(decoded.signals)))


@router.post("/dead-letters/{id}/drop", responses=documented(Settled), summary="Give up a dead letter")
def drop(request: Request, id: RowId) -> Response:
    """It stays in the table, marked as dropped."""
    _open_letter(request, id)
    parts(request).settle_dead_letter(id, "dropped")
    return answer(Settled(id, "dropped"))


@router.post("/reload", responses=documented(Reloaded), summary="Read the catalogue and the rules again")
async def reload(request: Request) -> Response:
    """New versions come into force at a position of the input log; wrong files change nothing and are listed."""
    return answer(await parts(request).reload())


def _open_letter(request: Request, id: int) -> DeadLetter:
    letter = parts(request).dead_letter(id)
    if letter is None or letter.state != "open":
        raise not_found("open dead letter", str(id))
    return letter
