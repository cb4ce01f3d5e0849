"""A severity word or level that does not exist."""

from __future__ import annotations

from difflib import get_close_matches

from rules.errors import Flaw
from rules.severity import LEVELS
from rules.words import DEFAULT_WORDS, WORDS

ID = "unknown-severity"


def level(value: object) -> str:
    """SEV1 … SEV5. Raises `Flaw`."""
    if isinstance(value, str) and value.upper() in LEVELS:
        return value.upper()
    raise Flaw(ID, f"unknown severity {value!r}", f"one of {', '.join(LEVELS)}")


def word(value: object) -> str:
    """One of our own words. Raises `Flaw`."""
    if isinstance(value, str) and value.lower() in WORDS:
        return value.lower()
    ours = DEFAULT_WORDS.get(str(value).lower())
    near = [ours] if ours else get_close_matches(str(value), WORDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(reversed(WORDS))}"
    raise Flaw(ID, f"unknown severity word {value!r}", hint)
