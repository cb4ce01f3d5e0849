"""A value of the wrong kind: text where a number belongs, a number out of range, a word that is not offered."""

from __future__ import annotations

from rules.errors import Flaw

ID = "bad-value"
SHOWN = 60


def flaw(key: str, message: str, value: object) -> Flaw:
    """``message`` says what was expected."""
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    if len(text) > SHOWN:
        text = text[:SHOWN] + "…"
    return Flaw(ID, f"{key}: {message[:1].lower()}{message[1:]}, not {text}")
