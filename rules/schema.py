"""The JSON Schema of rules files, for editors and for the names of known keys in messages."""

from __future__ import annotations

from functools import cache
from typing import Any

from rules.form import RulesFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def rules_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one rules file."""
    schema = RulesFile.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "title": "Headwater rules", **{k: v for k, v in schema.items() if k != "title"}}


def known_keys(schema: dict[str, Any], place: tuple[str | int, ...]) -> frozenset[str]:
    """The keys that the mapping at a place of a file of this schema may have; empty where any may stand."""
    node = schema
    for step in place:
        node = _resolved(schema, node)
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
    return frozenset(_resolved(schema, node).get("properties", {}))


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What is behind a reference, or behind "this or nothing"."""
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        node = options[0]
    reference = node.get("$ref")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node
