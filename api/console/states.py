"""How an entity that is hit is told: one word, and when."""

from __future__ import annotations

from api.plain import plain
from engine.outcomes import Impacted, IncidentView
from engine.signals import Millis

UP = 1000
ORDER = ("down", "degraded", "unknown", "at_risk", "later", "up")
"""Worst first."""
BUSINESS = frozenset({"business_service", "business_process"})


def state_of(hit: Impacted, now: Millis) -> str:
    """The state in which it is now; `later` where it is still well and will not stay so."""
    starts = hit.degraded_at if hit.degraded_at is not None else hit.down_at
    if starts is not None and starts > now:
        return "later"
    if hit.low < UP == hit.high:
        return "unknown"
    if hit.high == 0:
        return "down"
    if hit.low < UP:
        return "degraded"
    return "at_risk" if hit.at_risk else "up"


def next_change(hit: Impacted, now: Millis) -> tuple[str, Millis] | None:
    """What happens to it next unless something is done."""
    for word, at in (("degraded", hit.degraded_at), ("down", hit.down_at)):
        if at is not None and at > now:
            return word, at
    return None


def health_in_words(hit: Impacted, now: Millis) -> str:
    """For example: 60 % of its health, between 0 and 60 %, down since then."""
    if hit.low == hit.high:
        return "" if hit.low in (0, UP) else f"{hit.low // 10} % left"
    return f"between {hit.low // 10} and {hit.high // 10} % left"


def named(id: str, name: str) -> str:
    """The name that people use, with the id where that is another word."""
    shown = plain(id, 120)
    return f"{plain(name, 120)} ({shown})" if name and name != id else shown


def business_of(view: IncidentView) -> list[Impacted]:
    """Business services and processes that it hits, or will."""
    return [hit for hit in view.impact if hit.kind in BUSINESS]


def cause_name(view: IncidentView) -> str:
    """The cause as people call it; empty while none is named."""
    return called(view, view.cause) if view.cause else ""


def called(view: IncidentView, entity: str) -> str:
    """An entity as people call it, as far as the incident knows."""
    hit = next((one for one in view.impact if one.entity == entity), None)
    return hit.name if hit is not None and hit.name else entity
