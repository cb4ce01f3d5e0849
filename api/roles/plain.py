"""The HTTP of a role that takes no input: is it alive, is it ready, its metrics."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.access import Guard
from api.bootstrap import Running
from api.lane import Lane
from api.schemas import Check, Ready
from api.settings import Settings
from engine.errors import StoreUnavailable
from engine.ports import Decoded


def plain(
    settings: Settings, registry: CollectorRegistry, checks: Callable[[], list[Check]], start: Callable[[], None]
) -> Running:
    """`/healthz`, `/readyz` and `/metrics` behind the same guard as everything else."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    def readyz(_: Request) -> Response:
        found = checks()
        ready = all(check.ok for check in found)
        body = msgspec.json.encode(Ready(ready, found))
        return Response(body, 200 if ready else 503, media_type="application/json")

    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[
            Route(f"{settings.server.prefix}{path}", answer)
            for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics))
        ]
    )
    guard = Guard(app, settings.server, settings.tokens)
    lane = Lane(guard, {}, settings.server.prefix, lambda format, body: Decoded(()), _refuse, settings.limits)
    return Running(guard, lane, start, lambda: None)


def _refuse(*_: object) -> None:
    raise StoreUnavailable("this role takes no input")
