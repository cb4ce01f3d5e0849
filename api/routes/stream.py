"""The live stream: Server-Sent Events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.broadcast import Full
from api.errors import Fault, invalid, overloaded
from api.routes.answers import parts

router = APIRouter(prefix="/api/v1", tags=["stream"])

_EXAMPLE = 'id: 42\nevent: incident\ndata: {"id": "12-0", "revision": 3, "state": "declared"}\n\n'


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"description": "events without end", "content": {"text/event-stream": {"example": _EXAMPLE}}}},
    summary="What happens, as it happens",
)
async def stream(
    request: Request,
    last_event_id: Annotated[str, Header(max_length=20, description="the last id received")] = "",
    after: Annotated[int | None, Query(ge=0, le=2**53, description="the same, for clients without headers")] = None,
    brief: Annotated[bool, Query(description="only which incident it is about")] = False,
) -> StreamingResponse:
    """Server-Sent Events; a comment every 15 s. Reconnect with `Last-Event-ID` and nothing is missed."""
    if last_event_id and not (last_event_id.isascii() and last_event_id.isdecimal()):
        raise invalid("Last-Event-ID is none that this server gave.", [Fault("/Last-Event-ID", "must be a number")])
    position = int(last_event_id) if last_event_id else after
    try:
        events = await parts(request).broadcaster.subscribe(position, brief=brief)
    except Full:
        raise overloaded("As many clients follow the live stream as the settings allow (limits.streams).") from None
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
