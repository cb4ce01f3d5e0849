"""Everything that the page of an incident says."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from api.argument import explanation
from api.console.countdowns import countdowns
from api.console.evidence_chart import Bars, Evidence, Marker, drawing
from api.console.headline import answers, title
from api.console.overview import open_incidents
from api.console.permits import Permitted, offers
from api.console.states import BUSINESS, ORDER, health_in_words, named, next_change, state_of
from api.parts import Parts
from api.recovery import latest, points_by_indicator
from api.recovery_words import CLOSED, numbers_in_words, verdict_in_words
from api.severity_words import severity_in_words
from engine.drills import of_drill
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.kinds import FAILED
from engine.lifecycle import OPEN
from engine.outcomes import AlertView, Impacted, IncidentView, TimelineEntry
from engine.recovery_points import KEPT
from engine.signals import Millis

ALERTS = 60
"""Alerts listed on the page; the ledger has all of them."""
HIT = 20
SERIES, LOGS, MARKS = 4, 2, 12
BEFORE: Millis = 900_000
"""So much from before the onset is drawn."""
SENT = 60
NOT_TOLD = frozenset({KEPT})
"""Kinds of lines in the timeline that hold data and no news."""


def incident_page(running: Parts, view: IncidentView, permitted: Permitted, *, whole: bool) -> dict[str, Any]:
    """The values of the template; ``whole``: for printing, nothing is left out that is kept."""
    now, reader = running.clock(), running.reader
    most = 500 if whole else ALERTS
    alerts = cast("list[AlertView]", reader.alerts(incident=view.id, limit=most).items)
    timeline = reader.timeline(view.id)
    fields = msgspec.to_builtins(view)
    argued = explanation(fields, msgspec.json.decode(msgspec.json.encode(alerts)))
    recovery = latest(view, running.state())
    drawable = set(points_by_indicator(view, running.state(), timeline))
    return {
        "title": f"{view.severity.level} {view.id}",
        "headline": title(view),
        "view": view,
        "now": now,
        "open": view.state in OPEN,
        "answers": answers(view, argued, now),
        "argued": argued,
        "countdowns": countdowns([view]),
        "hit": [
            (one, named(one.entity, one.name), state_of(one, now), health_in_words(one, now), next_change(one, now))
            for one in sorted(view.impact, key=lambda one: _first(one, now))[: 2000 if whole else HIT]
        ],
        "hit_more": max(0, view.impact_total - (2000 if whole else HIT)),
        "chart": _chart(running, view, alerts, timeline, now),
        "severity": severity_in_words(fields),
        "timeline": [line for line in reversed(timeline) if line.kind not in NOT_TOLD],
        "alerts": alerts,
        "alerts_more": max(0, view.alerts - len(alerts)),
        "tickets": running.tickets(view.id),
        "sent": reader.outbox(incident=view.id, limit=SENT).items,
        "recovery": recovery,
        "recovery_words": verdict_in_words(msgspec.to_builtins(recovery)) if recovery else "",
        "indicators": [
            (one, numbers_in_words(msgspec.to_builtins(one)), (one.entity, one.metric) in drawable, place)
            for place, one in enumerate(recovery.indicators if recovery else (), 1)
        ],
        "closed_as": CLOSED.get(view.closed_as, ""),
        "offers": offers(view, permitted),
        "others": [one for one in open_incidents(running, drill=of_drill(view.id)) if one.id != view.id],
    }


def _first(hit: Impacted, now: Millis) -> tuple[bool, int, int, str]:
    """Business first, then what matters most, then what is worst off."""
    return hit.kind not in BUSINESS, 9 if hit.tier is None else hit.tier, ORDER.index(state_of(hit, now)), hit.entity


def _chart(
    running: Parts, view: IncidentView, alerts: list[AlertView], timeline: list[TimelineEntry], now: Millis
) -> object:
    """None where nothing is measured and nothing was changed."""
    series = list(points_by_indicator(view, running.state(), timeline).values())
    series.sort(key=lambda one: (one.entity != view.cause, -_moved(one.usual, one.values)))
    changes = [
        Marker(at=one.since, kind="change", text=f"{', '.join(one.because) or one.what} of {one.entity}")
        for one in view.members
        if one.kind == "changed" and one.since is not None
    ]
    end = min(now, view.resolved_at or now)
    bars = _logs(running, view, end)
    if not series and not bars and not changes:
        return None
    fired = sorted({alert.starts_at for alert in alerts})[:MARKS]
    start = min(view.onset - BEFORE, *(one.at - MINUTE for one in changes), view.onset)
    return drawing(
        Evidence(
            start=max(start, view.onset - 4 * BEFORE), end=max(end, view.onset + MINUTE), onset=view.onset,
            series=tuple(series[:SERIES]), bars=tuple(bars[:LOGS]),
            markers=(*changes[:MARKS], *(Marker(at=at, kind="alert", text="") for at in fired)),
        )
    )  # fmt: skip


def _moved(usual: tuple[float, float, float], values: tuple[float, ...]) -> float:
    """How far outside of what is usual it went, in widths of that."""
    low, middle, high = usual
    return max((abs(value - middle) for value in values), default=0.0) / ((high - low) or abs(middle) or 1.0)


def _logs(running: Parts, view: IncidentView, end: Millis) -> list[Bars]:
    logs = running.logs()
    found = []
    for entity in dict.fromkeys([*((view.cause,) if view.cause else ()), *view.entities]):
        known = logs.entities.get(entity) if logs is not None else None
        if known is None:
            continue
        counts = known.of(FAILED)
        rows = [
            (minute * MINUTE, count)
            for minute, count in zip(list(counts.minutes), list(counts.counts), strict=False)
            if view.onset - 4 * BEFORE <= minute * MINUTE <= end
        ]
        if rows:
            title = f"failures in the logs of {entity}"
            found.append(Bars(title=title, minutes=tuple(at for at, _ in rows), counts=tuple(n for _, n in rows)))
    return found
