"""The audit of the catalogue in force: which objectives cannot be met, and what would mend it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.feasibility import audit_of
from api.feasibility_schemas import AuditOf
from api.keyed import MOST
from api.routes.answers import answer, documented, parts

router = APIRouter(prefix="/api/v1", tags=["topology"])

_EXAMPLE = {
    "versions": {"topology": "9f2c1b7a55d0e3aa", "catalogue": "9f2c1b7a55d0e3aa", "rules": ""},
    "on": "2026-03-01",
    "total": 1,
    "counts": {"error": 1, "warning": 0, "info": 0},
    "slack": {"rto": -1200},
    "items": [
        {
            "check": "rto-chain",
            "severity": "error",
            "entities": ["checkout", "orders-db"],
            "sentence": "checkout must be back within 1 h, but by the promises below it is back after 1 h 20 min, "
            "orders-db being the last",
            "chain": ["checkout", "orders-db"],
            "slack": -1200,
            "fix": {"entity": "orders-db", "field": "rto", "value": 2400, "before": 3600},
            "owners": ["team-checkout", "team-data"],
        }
    ],
}


@router.get(
    "/catalogue/audit", responses=documented(AuditOf, _EXAMPLE), summary="Which objectives cannot be met, and why"
)
def audit(
    request: Request,
    day: Annotated[date | None, Query(alias="date", description="the day of the audit; default: today, UTC")] = None,
) -> Response:
    """Objectives, contracts, assumptions and agreements of the catalogue in force; the worst 500 findings."""
    return answer(audit_of(parts(request).audits.on(day), MOST))
