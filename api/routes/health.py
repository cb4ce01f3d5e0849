"""Is the process alive, can it take input, and its metrics."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from api.routes.answers import answer, documented, parts
from api.schemas import Ready
from engine.errors import StoreUnavailable

router = APIRouter(tags=["operation"])

_PLAIN: dict[int | str, dict[str, Any]] = {200: {"description": "OK", "content": {"text/plain": {"example": "ok"}}}}


@router.get("/healthz", response_class=PlainTextResponse, responses=_PLAIN, summary="The process lives")
async def healthz() -> PlainTextResponse:
    """Answers as long as the process can answer; says nothing about the disk."""
    return PlainTextResponse("ok")


@router.get(
    "/readyz",
    responses={
        **documented(Ready, {"ready": True, "checks": [{"name": "store", "ok": True, "detail": ""}], "degraded": []}),
        503: {"description": "not ready, with the same content"},
    },
    summary="Input can be taken",
)
def readyz(request: Request) -> Response:
    """Every check by name: the store can be written, the engine's loop is alive and has recovered, queues are young."""
    running = parts(request)
    checks = running.checks()
    ready = all(check.ok for check in checks)
    return answer(Ready(ready, checks, running.load().degraded), 200 if ready else 503)


@router.get(
    "/metrics", response_class=PlainTextResponse, responses=_PLAIN, summary="Metrics in Prometheus' text format"
)
def metrics(request: Request) -> Response:
    """The engine's own metrics. Gauges that count in the store keep their values while it cannot be read."""
    with suppress(StoreUnavailable):
        parts(request).sample()
    return Response(generate_latest(parts(request).registry), media_type=CONTENT_TYPE_LATEST)
