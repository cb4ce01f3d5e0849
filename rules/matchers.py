"""Matchers on labels, with the meaning and the notation of Prometheus and Alertmanager.

Regular expressions are anchored at both ends and run in linear time (RE2), whatever a stranger's label holds.
A label that is missing is the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
import re2

from rules.errors import Flaw

Op = Literal["=", "!=", "=~", "!~"]

_MATCHER = re.compile(
    r"""\s*(?P<label>[^\s=!~"{},]+)\s*(?P<op>=~|!~|!=|=)\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"{},]*))\s*"""
)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
LONGEST = 2000
"""Characters in one matcher's text."""


class Matcher(msgspec.Struct, frozen=True, array_like=True):
    """``label op value``; for ``=~`` and ``!~`` the value is an RE2 pattern."""

    label: str
    op: Op
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether this label set satisfies the matcher."""
        return self.accepts(labels.get(self.label, ""))

    def accepts(self, text: str) -> bool:
        """Whether one value of the label satisfies the matcher."""
        if self.op == "=":
            return text == self.value
        if self.op == "!=":
            return text != self.value
        return _found(self.value, text) is (self.op == "=~")

    @property
    def negative(self) -> bool:
        """Whether it asks for a value to be absent."""
        return self.op in ("!=", "!~")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{escaped}"'


def matches_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher is satisfied; no matchers are."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers in Alertmanager's notation, comma-separated, braces allowed: ``{severity=~"critical|page", job="x"}``.

    Raises `Flaw` (bad-matcher, bad-regex).
    """
    body = text.strip()
    if body.startswith("{") and body.endswith("}"):
        body = body[1:-1]
    if len(body) > LONGEST:
        raise Flaw("bad-matcher", f"a matcher of {len(body)} characters", f"at most {LONGEST}")
    found: list[Matcher] = []
    at = 0
    while at < len(body):
        match = _MATCHER.match(body, at)
        if match is None or (match.end() < len(body) and body[match.end()] != ","):
            rest = body[at:].strip()
            raise Flaw("bad-matcher", f"not a matcher: {rest!r}", 'write label="value" or label=~"pattern"')
        found.append(_built(match))
        at = match.end() + 1
    return tuple(found)


def checked(matcher: Matcher) -> Matcher:
    """The same matcher, if its pattern is one. Raises `Flaw` (bad-regex)."""
    if matcher.op in ("=~", "!~"):
        try:
            compiled(matcher.value)
        except re2.error as error:
            detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            raise Flaw("bad-regex", f"{matcher.label}: not a regular expression: {detail}", "RE2 syntax") from None
    return matcher


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Any:
    """The RE2 program of a pattern; ``.`` matches line ends, as in Prometheus. Raises ``re2.error``."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    return re2.compile(pattern, options)


@lru_cache(maxsize=65536)
def _found(pattern: str, text: str) -> bool:
    """Label values repeat: a remembered answer is forty times faster than a match."""
    return compiled(pattern).fullmatch(text) is not None


def _built(match: re.Match[str]) -> Matcher:
    quoted = match["quoted"]
    value = match["bare"].strip() if quoted is None else re.sub(r"\\(.)", _unescaped, quoted)
    op: Any = match["op"]
    return checked(Matcher(match["label"], op, value))


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
