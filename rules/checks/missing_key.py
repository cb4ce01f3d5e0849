"""A key without which an entry means nothing."""

from __future__ import annotations

from rules.errors import Flaw

ID = "missing-key"


def flaw(key: str) -> Flaw:
    """Names the key."""
    return Flaw(ID, f"{key} is missing", f"add {key}:")
