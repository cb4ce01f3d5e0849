"""A key stands twice in one mapping; YAML would silently keep one of them."""

from __future__ import annotations

from rules.errors import Problem

ID = "duplicate-key"


def problem(file: str, line: int, key: str, first: int) -> Problem:
    """The second one is named, and where the first is."""
    return Problem(file, line, f"{key}: given twice", f"first given in line {first}", ID)
