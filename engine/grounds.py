"""The numbers behind the terms of candidate causes, so that the ranking can be argued: for and against each.

Nothing here changes a rank. Only what was measured has numbers; a candidate without any keeps no facts but that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from engine.cause.reach import reached
from engine.cause.suspicion import CAUSING, LEAST, MATERIAL, Suspicion
from engine.evidence.felt import consumers_of
from engine.evidence.kinds import Kind
from engine.evidence.profile import Profile
from engine.evidence.shift import Shift
from engine.outcomes import Candidate

NAMED = 5
"""Entities of one kind that are named."""
ARGUED = 3
"""Candidates whose symptoms are named."""


def grounds(suspicion: Suspicion, candidates: Sequence[Candidate], troubled: Collection[str]) -> tuple[Candidate, ...]:
    """The candidates with their facts; unchanged where nothing is measured of any."""
    if not any(suspicion.trail(one.entity).measured for one in candidates):
        return tuple(candidates)
    return tuple(
        msgspec.structs.replace(one, facts=_facts(suspicion, one.entity, troubled, named=place < ARGUED))
        for place, one in enumerate(candidates)
    )


def _facts(suspicion: Suspicion, entity: str, troubled: Collection[str], *, named: bool) -> dict[str, Any]:
    trail = suspicion.trail(entity)
    found: dict[str, Any] = {"measured": trail.measured}
    shift = _shift(suspicion.profile(entity), trail.kind)
    if shift is not None and shift.score > LEAST:
        found["series"] = {
            "metric": shift.metric,
            "kind": shift.kind.value,
            "usual": shift.usual,
            "seen": shift.seen,
            "moved": shift.level,
            "deviation": round(shift.peak, 2),
            "as_bad_before": shift.before,
        }
        if shift.kind is Kind.LATENCY:
            found |= _immaterial(suspicion, entity, shift.level)
    excuses = _excuses(suspicion, entity) if trail.excused else []
    if excuses:
        found["excused_by"] = excuses
    if named:
        ways = reached(suspicion, entity, troubled)
        left = sorted(set(troubled) - ways.keys())
        found |= {"unexplained": left[:NAMED]} if left else {}
    return found


def _shift(profile: Profile, kind: str) -> Shift | None:
    """The one that the ranking went by, else the one that moved farthest."""
    if kind:
        return next((one for of, one in profile.shifts.items() if of.value == kind), None)
    return max(profile.shifts.values(), key=lambda one: (one.score, one.metric), default=None)


def _immaterial(suspicion: Suspicion, entity: str, level: float) -> dict[str, Any]:
    """A rise of latency that is small beside what those above usually take."""
    above = {one: suspicion.profile(one).usual_latency for one in (entity, *consumers_of(suspicion.topology, entity))}
    longest = max(above, key=lambda one: (above[one], one))
    if above[longest] <= 0 or level >= MATERIAL * above[longest]:
        return {}
    return {"immaterial": {"moved": level, "entity": longest, "takes": above[longest]}}


def _excuses(suspicion: Suspicion, entity: str) -> list[dict[str, Any]]:
    rows = [
        (suspicion.moved(provider, kind), provider, kind.value)
        for provider in suspicion.measured_providers(entity)
        for kind in sorted(CAUSING)
    ]
    return [
        {"entity": provider, "kind": kind, "moved": moved}
        for moved, provider, kind in sorted(rows, key=lambda row: (-row[0], row[1], row[2]))[:NAMED]
        if moved > 0
    ]
