"""How loaded Headwater is, and what it refuses because of that."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.overload.schemas import Load
from api.routes.answers import answer, documented, parts

router = APIRouter(prefix="/api/v1", tags=["operation"])

_LOAD = {
    "degraded": ["backfill_shed"],
    "lanes": [
        {"lane": "urgent", "waiting": 0, "oldest": 0.0, "refused": "", "shed": {}},
        {"lane": "alerts", "waiting": 812, "oldest": 6.1, "refused": "", "shed": {}},
        {"lane": "telemetry", "waiting": 40, "oldest": 2.2, "refused": "", "shed": {}},
        {"lane": "backfill", "waiting": 0, "oldest": 0.0, "refused": "queue_age", "shed": {"queue_age": 17}},
    ],
    "bytes": 1480312,
    "disk": {"state": "ample", "total": 107374182400, "free": 64424509440, "ballast": True},
}


@router.get("/load", responses=documented(Load, _LOAD), summary="What waits, what is refused, and why")
def load(request: Request) -> Response:
    """The degraded modes in force, the lanes of inputs that wait to be stored, the disk. See docs/overload.md."""
    return answer(parts(request).load())
