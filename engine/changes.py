"""What changed between two judgements: which rules came or went, and which of their numbers moved from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rules.severity import Bounds, SeverityFacts
from rules.severity.amounts import DURATIONS, known
from rules.severity.dimensions import answers
from rules.words import WORDS

Fired = Mapping[str, Any]
"""A fired rule of a view: id, level, because."""
TRUTHS = frozenset({"user_impact", "data_loss", "regulatory", "rto_breach", "security", "lost_heartbeat"})
Moved = dict[str, tuple[Any, Any]]
"""Fact -> (before, after)."""


def moved(facts: Iterable[str], before: SeverityFacts, after: SeverityFacts) -> Moved:
    """Those of the facts that are not what they were, durations left out."""
    old, new = known(before, answers(before)), known(after, answers(after))
    return {
        fact: (_shown(fact, old[fact]), _shown(fact, new[fact]))
        for fact in facts
        if fact in old and fact not in DURATIONS and old[fact] != new[fact]
    }


def reason(
    before: Sequence[Fired], after: Sequence[Fired], old: SeverityFacts, new: SeverityFacts
) -> tuple[str, Moved]:
    """In words which rules fired or ceased to, with their numbers; and the numbers. Empty when the rules are the same.

    Of rules that fired and asked for the same level as others before, only those that are new are named.
    """
    known_before = {rule["id"]: rule for rule in before}
    known_after = {rule["id"]: rule for rule in after}
    said: list[str] = []
    numbers: Moved = {}
    for word, rules, other in (("fired", after, known_before), ("no longer holds", before, known_after)):
        for rule in rules:
            if (rule["id"], rule["level"]) in {(one["id"], one["level"]) for one in other.values()}:
                continue
            changed = moved(rule["because"], old, new)
            numbers |= changed
            said.append(f"{rule['id']} {word}{_in_words(rule['because'], changed)}")
    return "; ".join(said), numbers


def _in_words(because: Mapping[str, Any], changed: Moved) -> str:
    words = [f"{fact} {old} → {new}" for fact, (old, new) in changed.items()]
    words += [f"{fact} reached {_time(because[fact]['at_least'])}" for fact in because if fact in DURATIONS]
    return f" ({', '.join(words)})" if words else ""


def _time(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    if rest:
        return f"{milliseconds / 1000:g} s"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _shown(fact: str, bounds: Bounds) -> Any:
    """One number where it is exact, in the words of the operator."""
    low, high = bounds
    if fact == "tier":
        return "unknown" if low != high else -low
    if fact == "word":
        return WORDS[low]
    if fact in TRUTHS:
        return "cannot be excluded" if low != high else "yes" if low else "no"
    if low == high:
        return low
    return f"{low} or more" if high is None else f"{low} to {high}"
