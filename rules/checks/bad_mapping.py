"""A template of the entity mapping that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from rules.errors import Flaw
from rules.mapping import DEFAULT_ORDER, compile_template

ID = "bad-mapping"
REST = "default"
"""Stands for the built-in order."""


def template(value: object) -> str:
    """The template itself. Raises `Flaw`."""
    if not isinstance(value, str):
        raise Flaw(ID, "not a template", "write a label, or text with labels in braces: {namespace}/{service}")
    if value != REST:
        compile_template(value)
    return value


def expanded(templates: Iterable[str]) -> tuple[str, ...]:
    """Templates with the built-in ones, as far as they are not named themselves, where ``default`` stands."""
    named = tuple(templates)
    found: dict[str, None] = {}
    for name in named:
        found.update(
            dict.fromkeys([usual for usual in DEFAULT_ORDER if usual not in named] if name == REST else [name])
        )
    return tuple(found)
