"""SQL by name: in a file of one dialect each statement stands under a line ``-- name: <name>``."""

from __future__ import annotations

import re

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Statements by name. Raises ValueError for a name that stands twice."""
    _, *parts = _NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"queries defined twice: {', '.join(twice)}")
    return {name: body.strip().removesuffix(";") for name, body in zip(names, bodies, strict=True)}
