"""Conditions against what is known: they hold, they fail, or they cannot be excluded; and the numbers behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rules.severity.amounts import DURATIONS, Known
from rules.severity.facts import Bounds, SeverityFacts
from rules.severity.levels import weight
from rules.severity.policy import When
from rules.words import RANK


@dataclass(frozen=True)
class FiredRule:
    """A rule that applies, with the numbers that made it. ``level`` is what it asks for."""

    id: str
    level: str
    because: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenRule:
    """A rule that would ask for a worse level and cannot be excluded: what would have to be known, and its bounds."""

    id: str
    level: str
    missing: Mapping[str, Bounds] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def conditions(when: When) -> tuple[tuple[str, int], ...]:
    """(fact, least amount of harm). Rules are asked far more often than they are declared."""
    return tuple(_conditions(when))


def _conditions(when: When) -> Iterator[tuple[str, int]]:
    for fact in When.__struct_fields__:
        wanted = getattr(when, fact)
        if wanted is None or wanted is False:
            continue
        if fact == "tier":
            yield fact, -wanted
        elif fact == "word":
            yield fact, RANK[wanted]
        elif fact == "severity":
            yield fact, weight(wanted)
        else:
            yield fact, int(wanted)


def unmet(when: When, known: Known) -> dict[str, Bounds] | None:
    """None when a condition fails; else the facts that do not suffice, with their bounds (empty: all hold).

    It is Kleene's strong conjunction: one condition that certainly fails settles it, whatever is unknown.
    """
    unknown: dict[str, Bounds] = {}
    for fact, least in conditions(when):
        low, high = known[fact]
        if low >= least:
            continue
        if high is not None and high < least:
            return None
        unknown[fact] = known[fact]
    return unknown


def because(when: When, known: Known, facts: SeverityFacts) -> dict[str, object]:
    """The numbers behind conditions that hold, in the words of the facts; durations by their beginning."""
    words: dict[str, object] = {
        "tier": facts.tier,
        "word": facts.worst_word,
        "business": list(facts.business),
        "regions": list(facts.regions),
        "critical": list(facts.critical),
        "users": list(facts.users or ()),
        "regulatory": list(facts.obligations or ()),
    }
    numbers: dict[str, object] = {}
    for fact, least in conditions(when):
        if fact in DURATIONS:
            numbers[fact] = {"since": getattr(facts, DURATIONS[fact]), "at_least": least}
        elif fact == "severity":
            numbers[fact] = when.severity
        else:
            numbers[fact] = words.get(fact, True if getattr(when, fact) is True else known[fact][0])
    return numbers


def next_change(whens: Iterable[When], facts: SeverityFacts) -> int | None:
    """The next moment at which one of these comes to hold by mere lapse of time; None: there is none."""
    moments: list[int] = []
    for when in whens:
        for fact, least in conditions(when):
            since = getattr(facts, DURATIONS[fact]) if fact in DURATIONS else None
            if since is not None:
                moments.append(since + least)
    return min((moment for moment in moments if moment > facts.at), default=None)
