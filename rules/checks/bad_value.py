"""A value of the wrong kind: text where a number belongs, a number out of range, a word that is not offered."""

from __future__ import annotations

from rules.errors import Flaw

ID = "bad-value"
SHOWN = 60
KINDS = {
    "bool_parsing": "should be true or false",
    "dict_type": "should be a mapping",
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "model_type": "should be a mapping",
    "string_pattern_mismatch": "should be an id: up to 100 letters, digits and _ . : -",
    "string_type": "should be text",
    "tuple_type": "should be a list",
}
"""The form's word for a kind of mistake -> what was expected."""


def flaw(key: str, kind: str, message: str, value: object) -> Flaw:
    """``message`` says what was expected, for kinds that have no words of ours."""
    expected = KINDS.get(kind) or message.removeprefix("Input ")
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    if len(text) > SHOWN:
        text = text[:SHOWN] + "…"
    return Flaw(ID, f"{key}: {expected[:1].lower()}{expected[1:]}, not {text}")
