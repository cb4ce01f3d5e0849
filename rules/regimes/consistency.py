"""What is wrong with a regime as a whole: names that nothing declares, criteria that cannot fire, duties without end.

Places are keys and numbers as in the file, so that each finding has its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from math import inf
from typing import NamedTuple

from rules.regimes.model import AtLeast, Clock, Compare, Condition, Entity, Holds, Met, Not, Period, Regime

Place = tuple[str | int, ...]


class Finding(NamedTuple):
    """One mistake in a regime."""

    place: Place
    message: str
    hint: str = ""


def findings(regime: Regime) -> Iterator[Finding]:
    """Everything wrong with a regime."""
    yield from _twice(regime)
    yield from _facts(regime)
    for number, criterion in enumerate(regime.criteria):
        yield from _condition(regime, criterion.when, ("criteria", number, "when"))
        yield from _types(regime, criterion.entity_types, ("criteria", number, "entity_types"))
    if regime.classification:
        yield from _condition(regime, regime.classification.when, ("classification", "when"))
        marks = [mark.id for mark in regime.marks]
        if (mark := regime.classification.mark) and mark not in marks:
            hint = _near(mark, marks, "add it to marks")
            yield Finding(("classification", "mark"), f"no mark {mark!r} in regime {regime.id}", hint)
    yield from _unused(regime)
    yield from _circles(regime)
    for number, clock in enumerate(regime.clocks):
        yield from _clock(regime, clock, ("clocks", number))
    if regime.until is not None and regime.until <= regime.since:
        yield Finding(("until",), "until is not after since: the regime would never hold")


def _near(word: str, known: Sequence[str], otherwise: str) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def _twice(regime: Regime) -> Iterator[Finding]:
    """Facts and criteria share their names, as conditions call both by name alone."""
    facts = [("facts", number, fact.id) for number, fact in enumerate(regime.facts)]
    criteria = [("criteria", number, criterion.id) for number, criterion in enumerate(regime.criteria)]
    marks = [("marks", number, mark.id) for number, mark in enumerate(regime.marks)]
    clocks = [("clocks", number, clock.id) for number, clock in enumerate(regime.clocks)]
    for space in (facts + criteria, marks, clocks):
        seen: set[str] = set()
        for section, number, id in space:
            if id in seen:
                yield Finding((section, number, "id"), f"{id!r} is declared twice in regime {regime.id}")
            seen.add(id)


def _facts(regime: Regime) -> Iterator[Finding]:
    plain = {fact.id for fact in regime.facts if fact.kind == "number" and fact.percent_of is None}
    for number, fact in enumerate(regime.facts):
        for part in fact.percent_of or ():
            if part not in plain:
                hint = _near(part, sorted(plain), "a share is of two numbers that are no shares themselves")
                yield Finding(("facts", number, "percent_of"), f"no number {part!r}", hint)
        if fact.percent_of and fact.kind != "number":
            yield Finding(("facts", number, "kind"), f"{fact.id} is a share, so it is a number")


def _condition(regime: Regime, condition: Condition, place: Place) -> Iterator[Finding]:
    match condition:
        case Compare(fact):
            yield from _number(regime, fact, place)
        case Holds(fact):
            yield from _truth(regime, fact, place)
        case Entity(types):
            yield from _types(regime, types, place)
        case Not(of):
            yield from _condition(regime, of, place)
        case AtLeast(n, of):
            if n > len(of):
                yield Finding(place, f"can never hold: at least {n} of {len(of)}")
            elif n == len(of) and (fact := _impossible(of)):
                yield Finding(place, f"can never hold: no number is all that is asked of {fact!r}")
            for part in of:
                yield from _condition(regime, part, place)


def _number(regime: Regime, id: str, place: Place) -> Iterator[Finding]:
    numbers = [fact.id for fact in regime.facts if fact.kind == "number"]
    if id not in numbers:
        yield Finding(place, f"no number {id!r} in regime {regime.id}", _near(id, numbers, "add it to facts"))


def _truth(regime: Regime, id: str, place: Place) -> Iterator[Finding]:
    truths = [fact.id for fact in regime.facts if fact.kind == "truth"]
    if id not in truths:
        number = any(fact.id == id for fact in regime.facts)
        names = truths + [criterion.id for criterion in regime.criteria]
        hint = "compare it with a number" if number else _near(id, names, "add it to facts")
        yield Finding(place, f"no truth and no criterion {id!r} in regime {regime.id}", hint)


def _impossible(parts: Sequence[Condition]) -> str:
    """A fact of which one number cannot fulfil all comparisons, or empty."""
    bounds: dict[str, tuple[float, float, bool]] = {}
    for part in parts:
        if not isinstance(part, Compare):
            continue
        low, high, strict = bounds.get(part.fact, (-inf, inf, False))
        if part.op in (">", ">="):
            low = max(low, part.than)
        else:
            high = min(high, part.than)
        strict = strict or part.op in (">", "<")
        bounds[part.fact] = low, high, strict
        if low > high or (low == high and strict):
            return part.fact
    return ""


def _types(regime: Regime, types: Sequence[str], place: Place) -> Iterator[Finding]:
    for word in types:
        if word not in regime.entity_types:
            yield Finding(place, f"no entity type {word!r}", _near(word, regime.entity_types, "add it to entity_types"))


def _named(condition: Condition | None) -> set[str]:
    match condition:
        case Met(criterion):
            return {criterion}
        case Not(of):
            return _named(of)
        case AtLeast(_, of):
            return set[str]().union(*map(_named, of))
        case _:
            return set()


def _unused(regime: Regime) -> Iterator[Finding]:
    used = _named(regime.classification.when) if regime.classification else set()
    used = used.union(*(_named(clock.when) for clock in regime.clocks), *(_named(c.when) for c in regime.criteria))
    for number, criterion in enumerate(regime.criteria):
        if criterion.id not in used:
            message = f"criterion {criterion.id!r} decides nothing"
            yield Finding(("criteria", number), message, "name it in the classification or in a clock")


def _circles(regime: Regime) -> Iterator[Finding]:
    """A criterion may name only criteria before it."""
    before: set[str] = set()
    for number, criterion in enumerate(regime.criteria):
        for name in sorted(_named(criterion.when) - before):
            yield Finding(("criteria", number, "when"), f"criterion {name!r} is declared only after it is used")
        before.add(criterion.id)


def _clock(regime: Regime, clock: Clock, place: Place) -> Iterator[Finding]:
    marks = [mark.id for mark in regime.marks]
    if clock.when is not None:
        yield from _condition(regime, clock.when, (*place, "when"))
    if clock.shift and clock.shift.unless is not None:
        yield from _condition(regime, clock.shift.unless, (*place, "weekends", "unless"))
    periods: list[tuple[Place, Period]] = [((*place, "due", n), period) for n, period in enumerate(clock.due)]
    if clock.later:
        periods += [((*place, "later", "limit"), clock.later.limit), ((*place, "later", "due"), clock.later.due)]
    named = [(at, period.mark) for at, period in periods]
    named += [((*place, "needs"), mark) for mark in clock.needs] + [((*place, "stops"), clock.stops)]
    named += [((*place, "later", "mark"), clock.later.mark)] if clock.later else []
    for at, mark in named:
        if mark not in marks:
            yield Finding(at, f"no mark {mark!r} in regime {regime.id}", _near(mark, marks, "add it to marks"))
    if not clock.due and not clock.promptly:
        yield Finding(place, f"clock {clock.id!r} has no deadline", "add due:, or promptly: with the words of the law")
