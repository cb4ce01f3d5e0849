"""What an incident is found by in lists; the same in every store."""

from __future__ import annotations

from engine.outcomes import IncidentView


def entities(view: IncidentView) -> list[str]:
    """The entities by which an incident is found: its members and its cause, each once."""
    return list(dict.fromkeys([*view.entities, *([view.cause] if view.cause else [])]))


def text(view: IncidentView) -> str:
    """The text that a search looks through: id, title, explanation and cause, without regard to case."""
    return "\n".join((view.id, view.title, view.why, view.cause or "")).casefold()
