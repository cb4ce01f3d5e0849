"""A matcher that cannot be read: ``severity=~"critical|page"``, a list of such, or a mapping {label: value}."""

from __future__ import annotations

from rules.checks import bad_regex
from rules.errors import Flaw
from rules.matchers import Matcher, Op, parse_matchers

ID = "bad-matcher"
OPERATORS: tuple[Op, ...] = ("=~", "!~", "!=")
"""With these a value in the mapping notation may start."""
HINT = 'write {severity: critical} or [severity=~"critical|page"]'


def matchers(value: object) -> tuple[Matcher, ...]:
    """Matchers in any of the three notations. Raises `Flaw` for the first that is wrong."""
    if isinstance(value, str):
        return parse_matchers(value)
    if isinstance(value, dict):
        return tuple(_equal(label, text) for label, text in value.items())
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(matcher for text in value for matcher in parse_matchers(text))
    raise Flaw(ID, "not matchers", HINT)


def _equal(label: str, text: object) -> Matcher:
    if not isinstance(text, str):
        raise Flaw(ID, f"{label}: a value must be text", HINT)
    for op in OPERATORS:
        if text.startswith(op):
            return bad_regex.pattern(Matcher(label, op, text.removeprefix(op)))
    return Matcher(label, "=", text)
