"""What a run found, and how it is judged: three-valued, with one harmless line."""

from __future__ import annotations

from typing import Literal

import msgspec

from rules.matchers import compiled

Passed = Literal["yes", "no", "unknown"]
LONGEST = 200


class Found(msgspec.Struct, frozen=True):
    """``passed`` is unknown where the check could not be made, which is not the entity's fault. ``duration`` in
    milliseconds is that of the work itself; None: of the whole run."""

    passed: Passed
    detail: str = ""
    value: float | None = None
    unit: str = ""
    duration: int | None = None


class Unmakeable(Exception):
    """The check could not be made: what it needs is not there, or not allowed. Says nothing of the entity."""


def failed(detail: str, value: float | None = None, unit: str = "") -> Found:
    """The entity did not do what was expected."""
    return Found("no", detail, value, unit)


def wanting(text: str, contains: str, matches: str) -> str:
    """Which of the two is not in a text; empty when both are."""
    if contains and contains not in text:
        return f"does not contain {harmless(contains, 60)!r}"
    if matches and compiled(matches).search(text) is None:
        return f"does not match {harmless(matches, 60)!r}"
    return ""


def outside(value: float, least: float | None, most: float | None) -> str:
    """How a number lies outside of its limits; empty when it does not."""
    if value != value:  # noqa: PLR0124 - NaN
        return "is not a number"
    if least is not None and value < least:
        return f"is less than {least:g}"
    if most is not None and value > most:
        return f"is more than {most:g}"
    return ""


def harmless(text: str, longest: int = LONGEST) -> str:
    """One line of a stranger's text: nothing that a terminal obeys, and not too long.

    >>> harmless("a\\x1b[31m  b" + chr(10) + "c")
    'a [31m b c'
    """
    seen = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest])
    line = " ".join(seen.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
