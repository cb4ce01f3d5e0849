"""The OpenAPI document: FastAPI's, plus the ingest table, with schemas made from the structs that are really sent."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import FastAPI

from api import (
    access_schemas,
    clock_schemas,
    continuity_schemas,
    evidence_schemas,
    explanation_schemas,
    feasibility_schemas,
    log_schemas,
    observed_schemas,
    probe_schemas,
    recovery_schemas,
    restoration_schemas,
    risk_schemas,
    schemas,
    whatif_schemas,
)
from api.auth.credentials import COOKIE
from api.auth.entries import ENTRIES, OPEN
from api.errors import PROBLEM_JSON
from api.examples import INGEST
from api.governance.access import AccessOf
from api.governance.changes import ChangesOf
from api.governance.objectives import AssumptionsOf, PrioritiesOf, ScopeOf
from api.governance.undetected import UndetectedOf
from api.overload.schemas import Load
from api.restoring import schemas as restoring_schemas
from api.routes.ingest import JSON, Row
from engine.continuity.figures import ReadinessOf
from engine.continuity.report import ReportOf
from engine.governance.rows import GovernanceReport
from engine.outcomes import AlertView
from engine.readiness.report import Readiness
from topology.diff import Difference
from topology.model import Content

REF = "#/components/schemas/{name}"

_TYPES = [
    *(kind for kind in vars(schemas).values() if isinstance(kind, type) and kind.__module__ == schemas.__name__),
    risk_schemas.RiskOf,
    risk_schemas.NextRisks,
    risk_schemas.SinglePointsOf,
    whatif_schemas.WhatIf,
    whatif_schemas.ScenarioRuns,
    restoration_schemas.RestorationOf,
    feasibility_schemas.AuditOf,
    clock_schemas.ClocksOf,
    continuity_schemas.ResponseOf,
    restoring_schemas.StepPlan,
    restoring_schemas.StepBegun,
    restoring_schemas.BundlesOf,
    restoring_schemas.Fetched,
    restoring_schemas.ProposalOf,
    restoring_schemas.ProposalsOf,
    continuity_schemas.PlaybooksOf,
    continuity_schemas.PlaybookOf,
    continuity_schemas.DutyOf,
    continuity_schemas.TabletopOf,
    ReadinessOf,
    ReportOf,
    GovernanceReport,
    AccessOf,
    ChangesOf,
    AssumptionsOf,
    PrioritiesOf,
    ScopeOf,
    UndetectedOf,
    clock_schemas.ClockPage,
    clock_schemas.TogetherOf,
    evidence_schemas.SuppressedPage,
    evidence_schemas.AuditPage,
    evidence_schemas.ModelOf,
    evidence_schemas.CalibrationOf,
    evidence_schemas.PromotionOf,
    evidence_schemas.Promotions,
    log_schemas.LogsOf,
    observed_schemas.ObservedTopology,
    recovery_schemas.RecoveryOf,
    recovery_schemas.WindowsOf,
    probe_schemas.ProbesOf,
    probe_schemas.ProbeAnswer,
    explanation_schemas.IncidentExplanation,
    Load,
    Readiness,
    access_schemas.Me,
    access_schemas.KeysOf,
    access_schemas.NewKey,
    access_schemas.UsersOf,
    access_schemas.SessionsOf,
    access_schemas.TrailOf,
    access_schemas.AccessChanged,
    AlertView,
    Content,
    Difference,
]
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details; `errors` names everything that is wrong, by JSON pointer.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "errors_total": {"type": "integer"},
    },
}
_FAILURE = {"content": {PROBLEM_JSON: {"schema": {"$ref": REF.format(name="Problem")}}}}


def document(app: FastAPI, rows: Sequence[Row], *, secured: bool) -> dict[str, Any]:
    """The whole document; ``secured`` where tokens are configured."""
    content = app.openapi()
    components = content.setdefault("components", {})
    shown = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        shown.pop(name, None)
    shown.update(_schemas())
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    if secured:
        content["security"] = [{"bearer": []}, {"basic": []}, {"session": []}]
    for path, item in content["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation)
    _exemplify(content["paths"])
    for row in rows:
        content["paths"][row.path] = {"post": _ingest(row)}
    return content


def _schemas() -> dict[str, Any]:
    anything = {"description": "any JSON value"}
    _, found = msgspec.json.schema_components(_TYPES, schema_hook=lambda _: anything, ref_template=REF)
    for name in ("labels", "annotations"):
        found["AlertView"]["properties"][name] = _LABELS
    return {**found, "Problem": _PROBLEM}


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Every route can say no in the same way; the probes need no token."""
    responses = operation["responses"]
    responses.pop("422", None)
    responses["400"] = {"description": "the request is not valid", **_FAILURE}
    responses["401"] = {"description": "no valid token", **_FAILURE}
    responses["403"] = {"description": "the role or the scopes do not allow this", **_FAILURE}
    responses["429"] = {"description": "too many requests of one principal; see Retry-After", **_FAILURE}
    responses["503"] = responses.get("503") or {"description": "try again later", **_FAILURE}
    if "{" in path or path.endswith(("/diff", "/risk", "/risk/next", "/restoration")) or "404" in responses:
        responses["404"] = {"description": "there is no such thing", **_FAILURE}
    if method == "post" or "409" in responses:
        responses["409"] = {"description": "its state does not allow this", **_FAILURE}
    if ENTRIES.get(f"{method.upper()} {path}") == OPEN:
        operation["security"] = []


def _exemplify(paths: dict[str, Any]) -> None:
    """Routes that name no example answer as they did in one outage."""
    recorded = msgspec.json.decode(files("api").joinpath("recorded.json").read_bytes())
    for name, example in recorded.items():
        method, path = name.split(" ")
        paths[path][method.lower()]["responses"]["200"]["content"][JSON].setdefault("example", example)


def _ingest(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for media, kind in row.kinds.items():
        content[media] = {"schema": {} if media == JSON else {"type": "string", "format": "binary"}}
        if media == JSON and kind.format in INGEST:
            content[media]["example"] = INGEST[kind.format]
    return {
        "summary": row.summary,
        "tags": ["ingest"],
        "operationId": f"ingest_{row.name.replace('-', '_')}",
        "requestBody": {"required": True, "content": content},
        "responses": {
            "2XX": {"description": "accepted and durable"},
            "400": {"description": "something in it could not be used; the rest is durable", **_FAILURE},
            "413": {"description": "too large", **_FAILURE},
            "415": {"description": "another content type or encoding than documented", **_FAILURE},
            "503": {"description": "overloaded, or the disk cannot be written; try again", **_FAILURE},
        },
    }
