"""What an incident is found by in lists; the same in every store."""

from __future__ import annotations

from engine.clock_views import OPEN_CLOCKS
from engine.outcomes import IncidentView
from engine.signals import Millis


def entities(view: IncidentView) -> list[str]:
    """The entities by which an incident is found: its members and its cause, each once."""
    return list(dict.fromkeys([*view.entities, *([view.cause] if view.cause else [])]))


def text(view: IncidentView) -> str:
    """The text that a search looks through: id, title, explanation and cause, without regard to case."""
    return "\n".join((view.id, view.title, view.why, view.cause or "")).casefold()


def clock_due(view: IncidentView) -> Millis | None:
    """The soonest deadline of its clocks that nobody has ended; those of a merged incident run on in another one."""
    if view.merged_into:
        return None
    return min((c.due for c in view.clocks if c.due is not None and c.state in OPEN_CLOCKS), default=None)
