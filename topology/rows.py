"""Entities and dependencies given as flat rows of texts, as CSV and GraphML have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from topology import values
from topology.draft import At, Draft
from topology.errors import did_you_mean
from topology.model import Dependency, Kind, Semantics

FACT = "fact."
"""Columns with this prefix are facts."""

Parser = Callable[[str], Any]


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise ValueError(f"unknown kind {text[:80]!r}; {did_you_mean(text, Kind) or 'see the catalogue'}") from None


def _semantics(text: str) -> Semantics:
    try:
        return Semantics(text)
    except ValueError:
        raise ValueError(f"unknown semantics {text[:80]!r}; one of {', '.join(Semantics)}") from None


def _text(text: str) -> str:
    return text


ENTITY: Mapping[str, Parser] = {
    "kind": _kind,
    "name": _text,
    "owner": _text,
    "tier": values.tier,
    "rto": values.duration,
    "rpo": values.duration,
    "users": values.whole,
    "obligations": values.words,
    "scope": values.truth,
    "security": values.truth,
    "domain": values.name,
    "aliases": values.words,
    "part_of": values.name,
    "restore": values.duration,
    "mtd": values.duration,
    "failure": values.probability,
    "fates": values.words,
    "replication": values.duration,
    "backup": values.duration,
    "durable": values.truth,
    "unit": values.name,
    "priority": values.priority,
    "regions": values.regions,
    "transactions": values.whole,
    "value": values.whole,
    "critical": values.truth,
    "sketch": values.sketch,
}
EDGE: Mapping[str, Parser] = {
    "semantics": _semantics,
    "group": values.name,
    "need": values.need,
    "capacity": values.capacity,
    "weight": values.weight,
    "buffer": values.duration,
    "factor": values.factor,
    "timeout": values.milliseconds,
}


def add_entity(draft: Draft, id: str, row: Mapping[str, str], at: At) -> None:
    """One row; empty cells say nothing. Columns that are no field of an entity are facts."""
    facts = {key.removeprefix(FACT): value for key, value in row.items() if value and key not in ENTITY}
    fields = _parsed(draft, ENTITY, row, at)
    if facts:
        fields["facts"] = facts
    for fate in fields.get("fates", ()):  # declared by being named
        draft.fate(fate, {}, at)
    if known := _name(draft, id, at):
        draft.entity(known, fields, at)


def add_edge(draft: Draft, consumer: str, provider: str, row: Mapping[str, str], at: At) -> None:
    """One row; a group is declared by being named."""
    fields = _parsed(draft, EDGE, row, at)
    consumer, provider = _name(draft, consumer, at), _name(draft, provider, at)
    if not (consumer and provider):
        return
    if fields:
        _unused(draft, provider, fields, at)
        said: dict[str, Any] = {key: fields.pop(key) for key in ("need", "capacity") if key in fields}
        if group := fields.get("group"):
            draft.group(consumer, group, said, at)
    draft.dependencies.append((Dependency(consumer=consumer, provider=provider, **fields), at))


def _unused(draft: Draft, provider: str, fields: Mapping[str, Any], at: At) -> None:
    """A value without effect is a mistake; 0 and an empty cell are none."""
    semantics, group = fields.get("semantics"), fields.get("group")
    for key, useful, only in (
        ("factor", semantics is Semantics.SOFT, "soft"),
        ("buffer", semantics is Semantics.ASYNC, "async"),
        ("weight", group, "a group"),
        ("need", group, "a group"),
        ("capacity", group, "a group"),
        ("timeout", semantics is not Semantics.INFO, "semantics that pass trouble on"),
    ):
        if fields.get(key) and not useful:
            draft.wrong(at, f"{key} of the dependency on {provider!r} has no effect", f"it needs {only}")


def _parsed(draft: Draft, parsers: Mapping[str, Parser], row: Mapping[str, str], at: At) -> dict[str, Any]:
    fields = {}
    for key, text in row.items():
        if text and key in parsers:
            try:
                fields[key] = parsers[key](text)
            except ValueError as error:
                draft.wrong(at, f"{key}: {error}")
    return fields


def _name(draft: Draft, id: str, at: At) -> str:
    """The id, checked once and kept once; empty, with a mistake noted, when it is none."""
    if (known := draft.names.get(id)) is not None:
        return known
    try:
        draft.names[id] = values.name(id)
    except ValueError as error:
        draft.wrong(at, f"id: {error}")
        return ""
    return id
