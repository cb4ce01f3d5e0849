"""A key that the form does not know, mostly a slip of the pen."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from rules.errors import Flaw

ID = "unknown-key"


def flaw(key: str, known: Collection[str]) -> Flaw:
    """Names the nearest known key, or all of them when none is near."""
    near = get_close_matches(key, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
    return Flaw(ID, f"unknown key {key!r}", hint if known else "")
