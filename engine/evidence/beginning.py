"""When the trouble of entities began, by what was measured of them: the first sign in series, log records or spans.

Only a sign that leads up to the moment asked about counts, so that yesterday's blip is no beginning. What is absent is
no sign. A sign right after time in which nothing was seen (a gap, own downtime) may be later than the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.evidence.kinds import Kind, kind_of
from engine.evidence.logs.change import onset as log_onset
from engine.evidence.logs.change import rise
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.store import Logs
from engine.evidence.telemetry import Telemetry
from engine.evidence.traces.onset import leading
from engine.evidence.traces.store import Traces
from engine.signals import Millis

STEPS = 3
"""Sampling intervals without a point that are a gap."""
_SOURCES = ("series", "spans", "logs")


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """The first sign of an entity's trouble: ``source`` is series, logs or spans, ``what`` the metric, the template, or
    the operation or edge. ``after`` is when it was last seen as usual (None: not known); ``unsure``: in between
    nothing was seen for a while."""

    at: Millis
    entity: str
    source: str
    what: str
    after: Millis | None
    unsure: bool
    facts: dict[str, Any]


def first(found: Sequence[Began]) -> Began | None:
    """The earliest; of equals series before spans before logs, then by name."""
    return min(found, key=lambda one: (one.at, _SOURCES.index(one.source), one.entity, one.what), default=None)


def beginnings(
    telemetry: Telemetry, logs: Logs, traces: Traces, entities: Sequence[str], around: Millis
) -> dict[str, Began]:
    """Entity -> the first sign of its trouble that leads up to ``around``; those without one are left out."""
    found: dict[str, list[Began]] = {}
    for one in _series(telemetry, entities, around):
        found.setdefault(one.entity, []).append(one)
    for entity in entities:
        for sign in (_logs(logs, entity, around), _spans(traces, logs, entity, around)):
            if sign is not None:
                found.setdefault(entity, []).append(sign)
    return {entity: least for entity, signs in found.items() if (least := first(signs)) is not None}


def _series(telemetry: Telemetry, entities: Sequence[str], around: Millis) -> Iterator[Began]:
    for entity, metric, run in telemetry.runs(entities, around, _harm):
        gap = run.before is None or (run.step > 0 and run.at - run.before > STEPS * run.step)
        facts = {
            "usual": run.usual,
            "seen": run.seen,
            "deviation": run.score,
            "points": run.points,
            "sampled_every_ms": run.step,
        }
        yield Began(at=run.at, entity=entity, source="series", what=metric, after=run.before, unsure=gap, facts=facts)


def _logs(logs: Logs, entity: str, around: Millis) -> Began | None:
    at = log_onset(logs, entity, around)
    if at is None or at + MINUTE > around:  # of the alert's own minute nothing says that it was earlier
        return None
    risen = rise(logs, entity, at, around)
    if risen is None:
        return None
    facts = {"seen": risen.seen, "usual": round(risen.usual, 2), "minutes": risen.minutes, "p": float(f"{risen.p:.2g}")}
    unsure = _slept(logs, at)
    return Began(
        at=at, entity=entity, source="logs", what=risen.text, after=None if unsure else at, unsure=unsure, facts=facts
    )


def _spans(traces: Traces, logs: Logs, entity: str, around: Millis) -> Began | None:
    found = leading(traces, entity, around)
    if found is None or found[0] + MINUTE > around:
        return None
    at, sign = found
    facts = {"kind": sign.kind, "usual": sign.usual, "seen": sign.seen, "ratio": sign.ratio, "deviation": sign.score}
    unsure = _slept(logs, at)
    what = sign.most or sign.subject
    return Began(
        at=at, entity=entity, source="spans", what=what, after=None if unsure else at, unsure=unsure, facts=facts
    )


def _slept(logs: Logs, at: Millis) -> bool:
    """Was the engine down right before?"""
    minute = at // MINUTE
    return any(first <= minute and last >= minute - 1 for first, last in logs.gaps)


def _harm(metric: str) -> int:
    """The direction that does harm: up, down, or either."""
    kind = kind_of(metric)
    if kind is Kind.SUCCESS:
        return -1
    return 0 if kind in (Kind.TRAFFIC, Kind.OTHER) else 1
