"""What a regime says of an incident: each criterion yes, no or cannot_exclude, with its numbers and what is missing.

Three-valued in Kleene's sense (`rules.ternary`): learning a fact turns cannot_exclude into yes or no and never yes
into no. Advice only: a named person classifies.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rules.regimes.model import Clock, Criterion, Fact, Facts, Given, Interval, Millis, Regime, Source, Value
from rules.regimes.view import NOTHING, Answer, View
from rules.regimes.workdays import in_force
from rules.ternary import Ternary

HUGE = 10**15
"""More than any threshold of any regime."""


class CriterionResult(msgspec.Struct, frozen=True):
    """An answer with its reasons ("clients: 10 is not > 10"), the facts still unknown, and the article."""

    id: str
    name: str
    answer: Ternary
    because: tuple[str, ...]
    unknown: tuple[str, ...]
    estimated: bool
    source: Source


class Missing(msgspec.Struct, frozen=True):
    """A fact worth asking for. ``decides``: 2 if any answer would settle the classification, 1 if some answer would,
    0 if it only settles criteria; ``criteria`` are those that some answer would settle."""

    fact: str
    question: str
    given: str
    decides: int
    criteria: tuple[str, ...]


class ClockResult(msgspec.Struct, frozen=True):
    """Whether a clock applies to the incident as far as the facts say."""

    id: str
    applies: Ternary
    because: tuple[str, ...] = ()


class RegimeResult(msgspec.Struct, frozen=True):
    """``in_force`` says whether the regime holds at the moment asked about. ``answer`` is the classification's, or
    that of a determination by a person when the regime has no criteria of its own."""

    regime: str
    since: str
    in_force: bool
    classification: str
    answer: Ternary
    because: tuple[str, ...]
    source: Source
    criteria: tuple[CriterionResult, ...]
    clocks: tuple[ClockResult, ...]
    missing: tuple[Missing, ...]
    estimated: tuple[str, ...]


def evaluate(regime: Regime, facts: Facts, at: Millis) -> RegimeResult:
    """The regime's answers. ``at`` is the moment the incident is judged by. Raises `ValueError` on a value that does
    not fit its fact; facts that the regime does not know are passed over."""
    view = View(regime, facts)
    whole = view.classification()
    criteria = tuple(_criterion(view, criterion) for criterion in view.criteria)
    return RegimeResult(
        regime=regime.id,
        since=regime.since.isoformat(),
        in_force=in_force(regime, at),
        classification=regime.classification.name if regime.classification else "",
        answer=whole.value,
        because=whole.because,
        source=regime.classification.source if regime.classification else Source(),
        criteria=criteria,
        clocks=tuple(_clock(view, clock, whole.value) for clock in regime.clocks),
        missing=_missing(regime, view, facts),
        estimated=tuple(sorted(id for id in view.facts if view.given(id).estimated)),
    )


def _criterion(view: View, criterion: Criterion) -> CriterionResult:
    found = view.criterion(criterion)
    estimated = any(view.given(id).estimated for id in found.used)
    return CriterionResult(
        criterion.id,
        criterion.name,
        found.value,
        found.because,
        tuple(sorted(found.unknown)),
        estimated,
        criterion.source,
    )


def _clock(view: View, clock: Clock, classified: Ternary) -> ClockResult:
    condition = view.answer(clock.when) if clock.when is not None else Answer(Ternary.YES)
    answer = condition.value & classified if clock.classified else condition.value
    return ClockResult(clock.id, answer, condition.because)


def _missing(regime: Regime, view: View, facts: Facts) -> tuple[Missing, ...]:
    """What is unknown and could change an answer, what would decide most first, then in the regime's order."""
    criteria = {criterion.id: view.criterion(criterion) for criterion in view.criteria}
    open_criteria = {id: found.unknown for id, found in criteria.items() if found.value is Ternary.CANNOT_EXCLUDE}
    whole = view.classification()
    wanted = frozenset[str]().union(whole.unknown, *open_criteria.values())
    found = [_worth(regime, view.facts[id], facts, criteria, open_criteria) for id in view.facts if id in wanted]
    return tuple(sorted(found, key=lambda missing: (-missing.decides, -len(missing.criteria))))


def _worth(
    regime: Regime, fact: Fact, facts: Facts, criteria: dict[str, Answer], open_criteria: dict[str, frozenset[str]]
) -> Missing:
    decided, settled = 0, set[str]()
    same = {id: found for id, found in criteria.items() if fact.id not in found.used and fact.id not in found.unknown}
    for value in _extremes(fact, facts.get(fact.id, NOTHING)):
        view = View(regime, {**facts, fact.id: Given(value)}, same)
        decided += view.classification().value is not Ternary.CANNOT_EXCLUDE
        for criterion in view.criteria:
            if fact.id in open_criteria.get(criterion.id, ()):
                answer = view.criterion(criterion).value
                settled |= {criterion.id} if answer is not Ternary.CANNOT_EXCLUDE else set()
    return Missing(fact.id, fact.question, fact.given, decided, tuple(sorted(settled)))


def _extremes(fact: Fact, given: Given) -> Iterator[Value]:
    """The two answers that would say most."""
    if fact.kind == "truth":
        yield from (True, False)
        return
    bounds = given.value if isinstance(given.value, Interval) else Interval()
    yield bounds.low if bounds.low is not None else 0
    yield bounds.high if bounds.high is not None else HUGE
