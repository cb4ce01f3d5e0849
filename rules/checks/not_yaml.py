"""The file is not YAML, or uses parts of YAML that rules do without (aliases, tags)."""

from __future__ import annotations

from rules.errors import Problem

ID = "not-yaml"


def problem(file: str, line: int, what: str) -> Problem:
    """What the YAML reader says, at its line."""
    return Problem(file, line, f"not YAML: {what}", "check indentation and quotes around this line", ID)
