"""The page at `/`: where to look. Static; it shows nothing of what a stranger sent."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_LINKS = (
    ("/api/v1/incidents", "incidents"),
    ("/api/v1/alerts", "alerts, with verdict and disposition"),
    ("/api/v1/topology", "entities and dependencies"),
    ("/api/v1/totals", "what became of every alert event received"),
    ("/api/v1/stream", "the live stream (Server-Sent Events)"),
    ("/api/v1/dead-letters", "input that could not be used"),
    ("/api/v1/outbox", "what was told to whom"),
    ("/api/v1/versions", "versions of topology and rules"),
    ("/metrics", "metrics"),
    ("/readyz", "readiness, check by check"),
    ("/openapi.json", "every route, with examples (OpenAPI)"),
)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Headwater</title></head>
<body>
<h1>Headwater</h1>
<p>It finds where the flood starts, and everything downstream of it. Where to look:</p>
<ul>
{links}
</ul>
</body>
</html>
"""


@router.get("/")
async def landing() -> HTMLResponse:
    """Links to everything that can be read."""
    links = "\n".join(f'<li><a href="{path}">{path}</a> {text}</li>' for path, text in _LINKS)
    return HTMLResponse(_PAGE.format(links=links))
