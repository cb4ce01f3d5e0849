"""What the screen on the wall says: what is wrong, what runs out, whom it hits, whether the watch itself is well."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from api.console.countdowns import countdowns
from api.console.headline import title, users_of
from api.console.readiness import in_one_line
from api.console.sharing import Shared
from api.console.states import ORDER, business_of, cause_name, next_change, state_of
from api.parts import Parts
from engine.lifecycle import OPEN
from engine.outcomes import Impacted, IncidentView
from engine.signals import Millis
from rules.severity import LEVELS

MOST = 200
"""Open incidents that are looked at."""
SHOWN = 6
LOSSES = 2
"""Data at stake that always has a place among what runs out."""
LATELY = 5
"""Incidents that are over, shown when there are none."""


def overview(running: Parts, shared: Shared, *, drill: bool) -> dict[str, Any]:
    """The values of the template; with ``drill`` those of drills stand among the real incidents."""
    now, reader = running.clock(), running.reader
    drills = open_incidents(running, drill=True)
    real = open_incidents(running)
    views = _gravest([*real, *drills]) if drill else real
    lately: list[object] = []
    if not views:
        over = reader.incidents(state=["resolved", "reviewed"], drill=None if drill else False, limit=LATELY)
        lately = over.items
    counts = Counter(view.severity.level for view in views)
    due = countdowns(views)
    losses = [one for one in due if one.due is None][:LOSSES]
    told = [*[one for one in due if one.due is not None][: SHOWN - len(losses)], *losses]
    return {
        "title": _title(counts),
        "now": now,
        "incidents": [_row(view, now) for view in views[:SHOWN]],
        "more": max(0, len(views) - SHOWN),
        "counts": [(level, counts[level]) for level in LEVELS if counts[level]],
        "total": len(views),
        "drills": len(drills),
        "drill": drill,
        "countdowns": told,
        "countdowns_more": len(due) - len(told),
        "business": _business(views, now)[:SHOWN],
        "lately": lately,
        "readiness": shared.kept("readiness", 15, lambda: in_one_line(running)),
        **_watch(running),
        **shared.kept("alerts", 2, lambda: _kept_back(running)),
    }


def open_incidents(running: Parts, *, drill: bool = False) -> list[IncidentView]:
    """Real ones, or those of drills: the gravest first, of these those that have lasted longest."""
    page = running.reader.incidents(state=sorted(OPEN), drill=drill, limit=MOST)
    return _gravest(cast("list[IncidentView]", page.items))


def _gravest(found: list[IncidentView]) -> list[IncidentView]:
    return sorted(found, key=lambda view: (rank(view.severity.level), view.onset, view.id))


def rank(level: str) -> int:
    """The gravest first."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _title(counts: Counter[str]) -> str:
    said = ", ".join(f"{counts[level]} × {level}" for level in LEVELS if counts[level])
    return said or "All quiet"


def _row(view: IncidentView, now: Millis) -> dict[str, Any]:
    due = [one for one in countdowns([view]) if one.due is not None and one.kind != "update"]
    business = sorted(business_of(view), key=lambda hit: ORDER.index(state_of(hit, now)))
    return {
        "view": view,
        "cause": cause_name(view),
        "due": due[0] if due else None,
        "headline": title(view),
        "users": users_of(view),
        "business": [(hit.name or hit.entity, state_of(hit, now)) for hit in business[:3]],
        "business_more": max(0, len(business) - 3),
        "hit": view.impact_total,
        "owner": view.acknowledged_by or view.assigned,
    }


def _business(views: list[IncidentView], now: Millis) -> list[dict[str, Any]]:
    """Each business service once, as the incident that hits it worst leaves it."""
    worst: dict[str, tuple[Impacted, str, IncidentView]] = {}
    for view in views:
        for hit in business_of(view):
            said = state_of(hit, now)
            known = worst.get(hit.entity)
            if known is None or ORDER.index(said) < ORDER.index(known[1]):
                worst[hit.entity] = hit, said, view
    rows = sorted(worst.values(), key=lambda row: (ORDER.index(row[1]), row[0].tier or 9, row[0].entity))
    return [
        {
            "name": hit.name or hit.entity, "id": hit.entity, "state": said, "incident": view.id, "users": hit.users,
            "since": hit.down_at if said == "down" else hit.degraded_at, "next": next_change(hit, now),
            "low": hit.low,
        }
        for hit, said, view in rows
    ]  # fmt: skip


def _watch(running: Parts) -> dict[str, Any]:
    """Whether Headwater itself sees and works: storm, silent sources, checks, receivers, what is unaccounted for."""
    state = running.state()
    pulses = sorted(state.pulses.copy().values(), key=lambda one: one.source) if state is not None else []
    totals = dict(running.reader.totals())
    return {
        "ready": state is not None,
        "storm": state.storms if state is not None and state.storm else None,
        "sources": len(pulses),
        "silent": [(one.source, one.state, one.last) for one in pulses if one.state != "live"],
        "silences": len(running.silences()),
        "received": totals.get("received", 0),
        "unaccounted": totals.get("unaccounted", 0),
        "failing": [check for check in running.checks() if not check.ok],
        "sinks": _sinks(running),
    }


def _kept_back(running: Parts) -> dict[str, int]:
    """Of the alerts that fire: how many there are, and how many are held, suppressed, or would be."""
    state, now = running.state(), running.clock()
    firing = [one for one in list(state.alerts.values()) if one.spell.firing(now)] if state is not None else []
    kept = Counter(one.disposition.value for one in firing)
    return {
        "firing": len(firing),
        "held": kept["held"],
        "suppressed": kept["suppressed"],
        "shadowed": sum(one.shadowed is not None for one in firing),
    }


def _sinks(running: Parts) -> list[tuple[str, str]]:
    """Receivers that fail."""
    known = {one.sink: one for one in running.reader.standings()}
    return [
        (name, one.error or f"{one.dead} given up")
        for name, one in sorted(known.items())
        if one.dead or (one.last_failure or 0) > (one.last_success or 0)
    ]
