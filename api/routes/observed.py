"""What spans show of the topology: calls that nobody declared, and dependencies that nobody was seen to use."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.keyed import MOST
from api.observed_schemas import ObservedTopology
from api.routes.answers import answer, documented, parts

router = APIRouter(prefix="/api/v1", tags=["topology"])

_SEEN = {"calls": 4200, "failed": 12, "per_minute": 70.0, "first": 1767225600000, "last": 1767229140000}
_EXAMPLE = {
    "versions": {"topology": "9f2c1b7a55d0e3aa", "catalogue": "9f2c1b7a55d0e3aa", "rules": ""},
    "total": 1,
    "undeclared": 1,
    "edges": [{"consumer": "checkout", "provider": "currency", **_SEEN, "declared": False}],
    "unseen_total": 1,
    "unseen": [
        {
            "consumer": "checkout",
            "provider": "mail",
            "since": 1767139200000,
            "consumer_spans": 912000,
            "provider_spans": 3100,
        }
    ],
    "unknown": ["currency"],
}


@router.get(
    "/topology/observed",
    responses=documented(ObservedTopology, _EXAMPLE),
    summary="Dependencies seen in traces, beside those declared",
)
def observed(request: Request) -> Response:
    """From spans whose parent is another entity's; the first 500 of each sort. Findings never change the topology."""
    return answer(parts(request).observations.now(MOST))
