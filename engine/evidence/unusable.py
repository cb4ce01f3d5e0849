"""What could not be used for a verdict, and why: terms without weight, so that a verdict says what it did not see.

They are marked like the claim's terms: what says nothing is no evidence from elsewhere (law 6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from engine.evidence.baselines.reading import SUSPECT, UNIT
from engine.evidence.kinds import Kind, family
from engine.evidence.logs.change import window
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.store import Logs
from engine.evidence.profile import Profile, Profiles
from engine.evidence.shift import Shift
from engine.evidence.telemetry import Telemetry
from engine.evidence.traces.store import Traces
from engine.evidence.traces.view import Look
from engine.evidence.verdict import Term
from engine.signals import Millis

GROUP = "unusable"
NAMED = 3


class UsableProfiles(Profiles):
    """Profiles without the series whose unit has changed (of all points since the start, eight or more): such a level
    is no deviation. ``rescaled`` are their metrics, by entity."""

    def __init__(self, telemetry: Telemetry, now: Millis) -> None:
        super().__init__(telemetry, now)
        self.rescaled: dict[str, set[str]] = {}

    def _make(self, entity: str, start: Millis, until: Millis) -> Profile:
        found = super()._make(entity, start, until)
        if not any(abs(one.score) >= SUSPECT for one in found.all):
            return found
        said = self._telemetry.unusable(entity, start, self._now)
        changed = {one.metric for one in said if one.reason == UNIT}
        if not changed:
            return found
        self.rescaled.setdefault(entity, set()).update(changed)
        kept = tuple(one for one in found.all if one.metric not in changed)
        shifts: dict[Kind, Shift] = {}
        for one in kept:
            kind = family(one.kind)
            if kind not in shifts or (one.score, one.metric) > (shifts[kind].score, shifts[kind].metric):
                shifts[kind] = one
        usual = max((one.usual_level for one in kept if one.kind is Kind.LATENCY), default=0.0)
        return msgspec.structs.replace(found, shifts=shifts, all=kept, usual_latency=usual)


def unusable_series(
    telemetry: Telemetry, entity: str, since: Millis, until: Millis, rescaled: Collection[str] = ()
) -> Iterator[Term]:
    """One term for each reason why series of the entity say nothing of ``since … until``."""
    reasons: dict[str, list[str]] = {UNIT: sorted(rescaled)} if rescaled else {}
    for one in telemetry.unusable(entity, since, until):
        if one.metric not in rescaled:
            reasons.setdefault(one.reason, []).append(one.metric)
    for reason in sorted(reasons):
        metrics = sorted(reasons[reason])
        yield _term("series_unusable", {"reason": reason, "series": len(metrics), "metrics": metrics[:NAMED]})


def unusable_logs(logs: Logs, entity: str, since: Millis, until: Millis) -> Iterator[Term]:
    """Why the entity's log records say nothing of the time, or not all they could."""
    of_entity = logs.entities.get(entity)
    if of_entity is None:
        return
    if of_entity.lines.last < since // MINUTE:
        yield _term("logs_silent", {"last_line": of_entity.lines.last * MINUTE})
        return
    found = window(logs, entity, since, until)
    if found is None:
        yield _term("logs_too_young", {"first_line": of_entity.first * MINUTE})
    elif of_entity.lost >= found.before.low:
        yield _term("log_groups_given_up", {"groups": len(of_entity.groups)})


def unusable_spans(traces: Traces, entity: str, since: Millis, until: Millis) -> Iterator[Term]:
    """Spans of the entity are known, but too few in the time, or before it."""
    if entity not in traces.entities:
        return
    look = Look(traces, since, until)
    if look.self_time(entity) is None and look.errors(entity) is None:
        yield _term("spans_too_few", {})


def unusable_time(logs: Logs, since: Millis, until: Millis) -> Iterator[Term]:
    """The engine was down: of a part of the time nothing may be known."""
    low, high = since // MINUTE, until // MINUTE
    gaps = [(first, last) for first, last in logs.gaps if first <= high and last >= low]
    if gaps:
        first, last = gaps[-1]
        yield _term("own_downtime", {"since": first * MINUTE, "until": last * MINUTE})


def _term(kind: str, facts: dict[str, object]) -> Term:
    return Term(kind=kind, group=GROUP, log_odds=0.0, facts=facts, claim=True)
