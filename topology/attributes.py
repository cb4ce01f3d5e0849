"""Attributes of an entity that a person may say to have changed, as text, and how each is written in a catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from topology import values
from topology.parts import Entity

FACT = "facts."
"""A key of the operator's own is written so: ``facts.room``."""


def _text(text: str) -> str:
    if not 0 < len(text) <= 500 or not text.isprintable():
        raise ValueError("is a text of one line, up to 500 characters")
    return text


def _same(check: Callable[[str], object]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        check(text)
        return text

    return checked


WRITTEN: Mapping[str, Callable[[str], str]] = {
    "owner": _text,
    "name": _text,
    "tier": _same(values.tier),
    "users": _same(values.whole),
    "scope": lambda text: "true" if values.truth(text) else "false",
    "rto": _same(values.duration),
    "rpo": _same(values.duration),
    "mtd": _same(values.duration),
    "restore": _same(values.duration),
    "replication": _same(values.duration),
    "backup": _same(values.duration),
}
"""Attribute -> its check, which gives the text as it is written and raises ValueError."""


def written(field: str, text: str) -> str:
    """The text of an attribute as a catalogue has it. Raises ValueError."""
    if field.startswith(FACT):
        values.name(field.removeprefix(FACT))
        return _text(text)
    if field not in WRITTEN:
        raise ValueError(f"{field[:50]!r} is none of {', '.join(WRITTEN)}, {FACT}KEY")
    return WRITTEN[field](text)


def said(entity: Entity, field: str) -> str:
    """What the catalogue says of it now, durations in seconds; "": nothing."""
    if field.startswith(FACT):
        return entity.facts.get(field.removeprefix(FACT), "")
    value = getattr(entity, field) if hasattr(entity, field) else getattr(entity.continuity, field)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
