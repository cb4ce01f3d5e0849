"""What evidence keeps back, what people judged, how good the weights are, and whether a rule may be promoted."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import evidence
from api.errors import not_found
from api.evidence import Known, Wanted
from api.evidence_examples import AUDIT, CALIBRATION, MODEL, PROMOTION, PROMOTIONS, SUPPRESSED
from api.evidence_schemas import AuditPage, CalibrationOf, ModelOf, PromotionOf, Promotions, SuppressedPage
from api.keyed import page
from api.routes.answers import After, Cursor, Limit, Text, answer, documented, parts
from engine.errors import StoreUnavailable

router = APIRouter(prefix="/api/v1", tags=["evidence"])

Moment = Annotated[int | None, Query(ge=0, le=2**53, description="judged at, in milliseconds")]


def known(request: Request) -> Known:
    """What the running core knows. Raises `StoreUnavailable` while it is being rebuilt."""
    running = parts(request)
    state = running.state()
    if state is None:
        raise StoreUnavailable("the engine is not ready")
    return Known(state, running.topology(), running.rules())


@router.get(
    "/suppressed", responses=documented(SuppressedPage, SUPPRESSED), summary="What is held or suppressed, and why"
)
def suppressed(
    request: Request,
    shadow: bool = False,
    rule: Text = "",
    entity: Text = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Newest first, with what would let each in. `shadow=true`: also what rules in shadow mode would have."""
    wanted = Wanted(shadow, rule, entity)
    return answer(evidence.suppressed(known(request), parts(request).reader, wanted, cursor, limit))


@router.get("/suppressed/audit", responses=documented(AuditPage, AUDIT), summary="Suppressed alerts to be judged")
def audit(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """One in a hundred of the suppressed, chosen by a hash, oldest first; the command `judge_alert` takes one off."""
    return answer(evidence.audit(known(request), cursor, limit))


@router.get("/evidence/model", responses=documented(ModelOf, MODEL), summary="The weights of evidence in force")
def model(request: Request) -> Response:
    """The shipped prior, or the model that a person activated (command `activate_model`)."""
    return answer(evidence.model_of(known(request)))


@router.get(
    "/evidence/calibration",
    responses=documented(CalibrationOf, CALIBRATION),
    summary="How good the weights are, and what outcomes teach",
)
def calibration(request: Request, since: Moment = None, until: Moment = None) -> Response:
    """Brier score, expected calibration error and reliability bins; the candidate is measured on a held-out half."""
    return answer(evidence.calibration_of(known(request), since, until))


@router.get(
    "/evidence/promotions", responses=documented(Promotions, PROMOTIONS), summary="What stands behind each rule"
)
def promotions(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Of every rule that may keep alerts back, by id."""
    found = evidence.promotions(known(request))
    items, next = page(found.items, lambda one: one.rule, cursor, limit)
    return answer(msgspec.structs.replace(found, items=items, next=next))


@router.get("/rules/{id}/promotion", responses=documented(PromotionOf, PROMOTION), summary="May a rule be enforced?")
def promotion(request: Request, id: str) -> Response:
    """What it suppressed or would have, of how many of these it is known how they were, and what can be claimed."""
    found = evidence.promotion_of(known(request), id)
    if found is None:
        raise not_found("rule", id)
    return answer(found)
