"""A template of the entity mapping that cannot be read."""

from __future__ import annotations

from rules.errors import Flaw
from rules.mapping import DEFAULT_ORDER, compile_template

ID = "bad-mapping"
REST = "default"
"""Stands for the built-in order."""


def templates(value: object) -> tuple[str, ...]:
    """Templates in order, with the built-in ones where ``default`` stands. Raises `Flaw`."""
    if not isinstance(value, list):
        raise Flaw(ID, "mapping is a list", "write one label or template a line, and default for the usual ones")
    found: list[str] = []
    for template in value:
        if not isinstance(template, str):
            raise Flaw(ID, f"not a template: {template!r}", "write a label, or {namespace}/{service}")
        if template == REST:
            found += [usual for usual in DEFAULT_ORDER if usual not in value]
        else:
            compile_template(template)
            found.append(template)
    return tuple(found)
