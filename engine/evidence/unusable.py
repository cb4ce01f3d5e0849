"""What could not be used for a verdict, and why: terms without weight, so that a verdict says what it did not see.

They are marked like the claim's terms: what says nothing is no evidence from elsewhere (law 6).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.evidence.logs.change import window
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.store import Logs
from engine.evidence.telemetry import Telemetry
from engine.evidence.traces.store import Traces
from engine.evidence.traces.view import Look
from engine.evidence.verdict import Term
from engine.signals import Millis

GROUP = "unusable"
NAMED = 3


def unusable_series(telemetry: Telemetry, entity: str, since: Millis, until: Millis) -> Iterator[Term]:
    """One term for each reason why series of the entity say nothing of ``since … until``."""
    reasons: dict[str, list[str]] = {}
    for one in telemetry.unusable(entity, since, until):
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
