"""Templates: everything that is put into one is escaped, and cleaned of what cannot be seen (`plain`)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from api.clock_words import span
from api.plain import plain
from engine.signals import Millis

SIGNS = {
    "down": "✕",
    "degraded": "▼",
    "at_risk": "!",
    "unknown": "?",
    "later": "◔",
    "up": "✓",
}
"""What stands for a state besides its colour."""
STATES = {
    "down": "down",
    "degraded": "degraded",
    "at_risk": "at risk",
    "unknown": "not known",
    "later": "will be hit",
    "up": "up",
}


TEXT = 20_000
"""Characters of a text of many lines that are shown."""


def render(template: str, **values: object) -> str:
    """A page, or a part of one."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("api.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "words": words,
        "clock": clock,
        "day": day,
        "iso": iso,
        "span": duration,
        "took": took,
        "number": number,
        "whole": whole,
        "upper_first": upper_first,
    }
    made.globals |= {"SIGNS": SIGNS, "STATES": STATES}
    return made


def _final(value: object) -> object:
    """What every expression of a template goes through."""
    if isinstance(value, Markup):
        return value
    return plain(value) if isinstance(value, str) else value


def words(value: object) -> str:
    """An enumerated value as words."""
    return str(value).replace("_", " ")


def clock(at: Millis) -> str:
    """The time of day in UTC."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S}"


def day(at: Millis) -> str:
    """Date and time in UTC."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(at: Millis) -> str:
    """For machines."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def duration(seconds: float | None) -> str:
    """A duration in words; less than a minute in seconds."""
    if seconds is None:
        return "not known"
    return f"{round(seconds)} s" if abs(seconds) < 60 else span(round(seconds))


def took(span: Millis) -> str:
    """So many milliseconds in words, to the nearest minute from a minute on."""
    return duration(span / 1000 if span < 60_000 else round(span / 60_000) * 60)


def whole(text: str) -> Markup:
    """A stranger's text of many lines, for `<pre>`: longer than a line of a list, escaped and cleaned all the same."""
    return escape(plain(text, TEXT))


def upper_first(text: str) -> str:
    """A sentence begins."""
    return text[:1].upper() + text[1:]


def number(value: float) -> str:
    """With separators for thousands."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
