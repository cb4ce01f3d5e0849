"""A condition of a regime that cannot be read: an unknown form, an operator or a number that is none."""

from __future__ import annotations

import re
from typing import Any

from rules.checks import bad_duration
from rules.errors import Flaw
from rules.regimes.model import AtLeast, Compare, Condition, Entity, Holds, Not, Number

ID = "bad-condition"
HINT = 'write it like "clients > 100000", "downtime > 2h", "data_lost", or any, all, at_least + of, not, entity'
_COMPARE = re.compile(r"^([a-z][a-z0-9_]*)\s*(>=|<=|>|<)\s*(\S+)$")
_NAME = re.compile(r"^(not\s+)?([a-z][a-z0-9_]*)$")
_NUMBER = re.compile(r"^\d+(_\d+)*(\.\d+)?$")
SCHEMA: dict[str, Any] = {
    "description": "A comparison, a truth or a criterion by name, or any, all, at_least with of, not, entity.",
    "anyOf": [
        {"type": "string", "examples": ["clients > 100000", "downtime > 2h", "data_lost"]},
        {"type": "object", "properties": {key: {} for key in ("any", "all", "at_least", "of", "not", "entity")}},
    ],
}


def condition(value: object) -> Condition:
    """The condition; a bare name becomes `Holds` until the regime knows its criteria. Raises `Flaw`."""
    if isinstance(value, str):
        return _text(value.strip())
    if isinstance(value, dict):
        return _mapping(value)
    raise Flaw(ID, f"not a condition: {value!r}", HINT)


def _text(text: str) -> Condition:
    if found := _NAME.match(text):
        holds = Holds(found[2])
        return Not(holds) if found[1] else holds
    if found := _COMPARE.match(text):
        op: Any = found[2]
        return Compare(found[1], op, number(found[3]))
    raise Flaw(ID, f"not a condition: {text!r}", HINT)


def number(text: str) -> Number:
    """A number, or a duration in seconds. Raises `Flaw`."""
    if _NUMBER.match(text):
        plain = text.replace("_", "")
        return float(plain) if "." in plain else int(plain)
    try:
        milliseconds = bad_duration.milliseconds(text)
    except Flaw as flaw:
        raise Flaw(ID, f"neither a number nor a duration: {text!r}", HINT) from flaw
    seconds, rest = divmod(milliseconds, 1000)
    return milliseconds / 1000 if rest else seconds


def _mapping(value: dict[str, Any]) -> Condition:
    keys = set(value)
    if keys == {"any"}:
        return AtLeast(1, _list(value["any"]))
    if keys == {"all"}:
        return AtLeast(len(every := _list(value["all"])), every)
    if keys == {"at_least", "of"}:
        least = value["at_least"]
        if not (isinstance(least, str) and least.isdecimal() and int(least)):
            raise Flaw(ID, f"at_least needs a count from 1 on, not {least!r}", HINT)
        return AtLeast(int(least), _list(value["of"]))
    if keys == {"not"}:
        return Not(condition(value["not"]))
    if keys == {"entity"}:
        return Entity(_words(value["entity"]))
    raise Flaw(ID, f"not a condition: keys {', '.join(sorted(keys)) or 'none'}", HINT)


def _list(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, list) or not value:
        raise Flaw(ID, f"needs a list of conditions, not {value!r}", HINT)
    return tuple(condition(item) for item in value)


def _words(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise Flaw(ID, f"entity needs types, not {value!r}", HINT)
    return tuple(words)
