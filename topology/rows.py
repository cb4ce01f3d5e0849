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
    "discovered": values.truth,
}


def add_entity(draft: Draft, id: str, row: Mapping[str, str], at: At) -> None:
    """One row; empty cells say nothing. Columns that are no field of an entity are facts."""
    fields, faults = entity_fields(row)
    for fault in faults:
        draft.wrong(at, fault)
    for fate in fields.get("fates", ()):  # declared by being named
        draft.fate(fate, {}, at)
    if _good(draft, id, at):
        draft.entity(id, fields, at)


def add_edge(draft: Draft, consumer: str, provider: str, row: Mapping[str, str], at: At) -> None:
    """One row; a group is declared by being named."""
    fields, faults = _parsed(EDGE, row)
    for fault in faults:
        draft.wrong(at, fault)
    if not (_good(draft, consumer, at) & _good(draft, provider, at)):
        return
    for key, only in unused(fields):
        draft.wrong(at, f"{key} of the dependency on {provider!r} has no effect", f"it needs {only}")
    group, said = group_fields(fields)
    if group:
        draft.group(consumer, group, said, at)
    draft.dependencies.append((Dependency(consumer=consumer, provider=provider, **fields), at))


def entity_fields(row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What a row says of an entity, and what is wrong with it."""
    fields, faults = _parsed(ENTITY, row)
    if facts := {key.removeprefix(FACT): value for key, value in row.items() if value and key not in ENTITY}:
        fields["facts"] = facts
    return fields, faults


def edge_fields(row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What a row says of a dependency, with what is said of its group, and what is wrong with it."""
    fields, faults = _parsed(EDGE, row)
    return fields, faults + [key for key, _ in unused(fields)]


def group_fields(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(group, what is said of it), the latter taken out of a dependency's fields."""
    return fields.get("group", ""), {key: fields.pop(key) for key in ("need", "capacity") if key in fields}


def unused(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, what it needs) of values without effect, which are mistakes; 0 and an empty cell are none."""
    semantics, group = fields.get("semantics"), fields.get("group")
    return [
        (key, only)
        for key, useful, only in (
            ("factor", semantics is Semantics.SOFT, "soft"),
            ("buffer", semantics is Semantics.ASYNC, "async"),
            ("weight", group, "a group"),
            ("need", group, "a group"),
            ("capacity", group, "a group"),
            ("timeout", semantics is not Semantics.INFO, "semantics that pass trouble on"),
            ("discovered", semantics is not Semantics.INFO, "semantics that pass trouble on"),
        )
        if fields.get(key) and not useful
    ]


def _parsed(parsers: Mapping[str, Parser], row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    fields, faults = {}, []
    for key, text in row.items():
        if text and key in parsers:
            try:
                fields[key] = parsers[key](text)
            except ValueError as error:
                faults.append(f"{key}: {error}")
    return fields, faults


def _good(draft: Draft, id: str, at: At) -> bool:
    """Whether the id is one; a mistake is noted when it is not."""
    if id in draft.numbers:
        return True
    try:
        values.name(id)
    except ValueError as error:
        draft.wrong(at, f"id: {error}")
        return False
    return True
