"""What probes and data checks answered of what an incident affects, since its alerts ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.context import Context
from engine.evidence.answers import NO, UNKNOWN, YES
from engine.recovery_views import CheckView, RecoveryView
from engine.signals import Millis
from rules.probes import DataCheck, Probe

MISSING = "missing"
_SAID = {NO: "failed", UNKNOWN: "could not be made", MISSING: "has not answered yet"}


def checks(context: Context, entities: Collection[str], quiet: Millis) -> Iterator[CheckView]:
    """The latest answer since ``quiet`` of each probe and data check that is declared for these entities."""
    rules = context.rules
    declared: tuple[Probe | DataCheck, ...] = (*rules.probes, *rules.data_checks)
    for one in declared:
        entity = context.topology.resolve(one.entity) or one.entity
        if entity not in entities:
            continue
        known = context.state.answers.get(one.id)
        last = known.last if known is not None else None
        if last is None or last.at < quiet:
            yield CheckView(id=one.id, entity=entity, kind=one.kind, passed=MISSING)
        else:
            yield CheckView(
                id=one.id,
                entity=entity,
                kind=one.kind,
                passed=last.passed,
                value=last.value,
                unit=last.unit,
                detail=last.detail,
                at=last.at,
            )


def unmet(found: RecoveryView) -> list[str]:
    """What did not pass, in words."""
    return list(_words(one for one in found.checks if one.passed != YES))


def _words(left: Iterable[CheckView]) -> Iterator[str]:
    for one in left:
        detail = f": {one.detail}" if one.detail else ""
        yield f"check {one.id} of {one.entity} {_SAID.get(one.passed, one.passed)}{detail}"
