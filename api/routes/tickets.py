"""Where ticketing systems call back. What they send is a hint: what changed is read from the system itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.errors import Problem, not_found
from api.routes.answers import answer, documented, parts
from api.schemas import Hinted

router = APIRouter(prefix="/api/v1", tags=["tickets"])

LONGEST = 1 << 20
Sink = Annotated[str, Path(max_length=63)]


@router.post("/tickets/{sink}", responses=documented(Hinted, {"looked": True}), summary="A ticketing system's web hook")
async def hook(request: Request, sink: Sink) -> Response:
    """Say that a ticket has changed: any body in which the sink finds the ticket's id. Needs a sender's token, or the
    sink's own `hook_secret`, as any other token."""
    running = parts(request)
    if sink not in {declared.name for _, _, declared in running.settings.sinks.declared()}:
        raise not_found("sink", sink)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise Problem(413, "too-large", f"A web hook's body may have {LONGEST} bytes.")
    return answer(Hinted(await run_in_threadpool(running.hinted, sink, body)))
