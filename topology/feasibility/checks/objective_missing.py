"""An entity that matters, of which it is not said who answers for it, or how soon it must and can be back."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.model import Entity, Kind

ID = "objective-missing"
BUSINESS = (Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS)


def find(case: Case) -> Iterator[Finding]:
    """One per entity in scope that is of tier 0 or 1 or a service or process of the business."""
    for n, entity in enumerate(case.entities):
        important = entity.kind in BUSINESS or (entity.tier is not None and entity.tier <= 1)
        missing = _missing(entity) if important and entity.scope else []
        if missing:
            what = f"is of tier {entity.tier}" if entity.tier is not None else "is what the business sees"
            sentence = f"{entity.id} {what}, but it has no {', no '.join(missing)}"
            yield case.finding(ID, Level.WARNING, [n], sentence, chain=[n])


def _missing(entity: Entity) -> list[str]:
    said = (
        ("owner", bool(entity.owner)),
        ("rto", entity.rto is not None),
        ("rpo", entity.rpo is not None),
        ("restore", entity.continuity.restore is not None or entity.kind is Kind.THIRD_PARTY),
    )
    return [field for field, known in said if not known]
