"""A regime beside what is known of one incident: the answer to any condition, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import msgspec

from rules.regimes.model import (
    AtLeast,
    Compare,
    Condition,
    Criterion,
    Entity,
    Facts,
    Given,
    Holds,
    Met,
    Not,
    Regime,
    Value,
)
from rules.regimes.values import UNKNOWN, Range, amount, compare, exact, percent, plain, words, wrong
from rules.ternary import Ternary

NOTHING = Given()


class Answer(msgspec.Struct, frozen=True):
    """``unknown`` are the facts that could still change it, ``used`` all that were asked for."""

    value: Ternary
    because: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()


class View:
    """What is known: facts of the incident, else the operator's own. Facts that the regime does not know are passed
    over. Raises `ValueError` on values that do not fit their facts. ``same`` are answers to criteria that are known
    already."""

    def __init__(self, regime: Regime, facts: Facts, same: Mapping[str, Answer] | None = None) -> None:
        self.regime = regime
        self.facts = {fact.id: fact for fact in regime.facts}
        known = {id: given for id, given in facts.items() if id in self.facts and given.value is not None}
        self._given = {**regime.operator, **known}
        if problems := [text for id, given in self._given.items() if (text := self._wrong(id, given))]:
            raise ValueError("; ".join(problems))
        self.criteria = tuple(criterion for criterion in regime.criteria if self._concerns(criterion))
        self._criteria = {criterion.id: criterion for criterion in self.criteria}
        self._answers = dict(same or {})

    def _wrong(self, id: str, given: Given) -> str:
        return wrong(self.facts[id], given.value) if id in self.facts else ""

    def _concerns(self, criterion: Criterion) -> bool:
        wanted, types = criterion.entity_types, self.regime.entity
        return not wanted or not types or bool(set(wanted) & set(types))

    def given(self, id: str) -> Given:
        """What was said of a fact."""
        return self._given.get(id, NOTHING)

    def classification(self) -> Answer:
        """The answer of the regime as a whole; without criteria it is for a person to determine."""
        found = self.regime.classification
        return self.answer(found.when) if found else Answer(Ternary.CANNOT_EXCLUDE, ("a person determines",))

    def criterion(self, criterion: Criterion) -> Answer:
        """The answer to a criterion, found once."""
        if criterion.id not in self._answers:
            self._answers[criterion.id] = self.answer(criterion.when)
        return self._answers[criterion.id]

    def answer(self, condition: Condition) -> Answer:
        """The answer to a condition."""
        match condition:
            case Compare():
                return self._compare(condition)
            case Holds(fact):
                return self._holds(fact)
            case Met(criterion):
                return self._met(criterion)
            case Entity(types):
                return self._entity(types)
            case Not(of):
                inner = self.answer(of)
                return Answer(~inner.value, tuple(f"not: {line}" for line in inner.because), inner.unknown, inner.used)
            case AtLeast(n, of):
                return _at_least(n, [self.answer(part) for part in of])

    def _compare(self, condition: Compare) -> Answer:
        id = condition.fact
        value = self.range(id)
        answer = compare(value, condition.op, condition.than)
        verb = {Ternary.YES: "is", Ternary.NO: "is not", Ternary.CANNOT_EXCLUDE: "may be"}[answer]
        unit = self.facts[id].unit
        line = f"{id}: {words(value, unit)} {verb} {condition.op} {plain(exact(condition.than), unit)}"
        unknown = self._open(id) if answer is Ternary.CANNOT_EXCLUDE else frozenset()
        return Answer(answer, (line,), unknown, self.sources(id))

    def _holds(self, id: str) -> Answer:
        value = self.given(id).value
        answer = Ternary.of(value if isinstance(value, bool) else None)
        unknown = frozenset((id,)) if answer is Ternary.CANNOT_EXCLUDE else frozenset()
        said = {Ternary.YES: "yes", Ternary.NO: "no", Ternary.CANNOT_EXCLUDE: "unknown"}[answer]
        return Answer(answer, (f"{id}: {said}",), unknown, frozenset((id,)))

    def _met(self, id: str) -> Answer:
        if (criterion := self._criteria.get(id)) is None:
            return Answer(Ternary.NO, (f"{id}: does not concern this type of entity",))
        inner = self.criterion(criterion)
        return Answer(inner.value, (f"{id}: {inner.value.value}",), inner.unknown, inner.used)

    def _entity(self, types: tuple[str, ...]) -> Answer:
        own = self.regime.entity
        answer = Ternary.of(bool(set(types) & set(own)) if own else None)
        return Answer(answer, (f"entity: {' or '.join(own) or 'unknown'}, asked for {' or '.join(types)}",))

    def range(self, id: str) -> Range:
        """What is known of a number: given, else computed from its parts."""
        parts = self.facts[id].percent_of
        if parts is None or self.given(id).value is not None:
            return _amount(self.given(id).value)
        return percent(self.range(parts[0]), self.range(parts[1]))

    def sources(self, id: str) -> frozenset[str]:
        """The facts behind a number: itself, or its parts where it is computed."""
        parts = self.facts[id].percent_of
        if parts is None or self.given(id).value is not None:
            return frozenset((id,))
        return self.sources(parts[0]) | self.sources(parts[1])

    def _open(self, id: str) -> frozenset[str]:
        """What to ask for when a number does not decide: its parts, or the share itself when nothing is known."""
        parts = self.facts[id].percent_of
        if parts is None or self.given(id).value is not None:
            return frozenset((id,))
        open_parts = frozenset(part for part in parts if not self.range(part).known)
        return frozenset((id,)) if all(self.range(part) == UNKNOWN for part in parts) else open_parts


def _amount(value: Value | None) -> Range:
    return amount(None if isinstance(value, bool) else value)


def _at_least(n: int, parts: list[Answer]) -> Answer:
    """Yes when ``n`` say yes, no when even those that may would not be enough. Reasons are those that decided."""
    yes = [part for part in parts if part.value is Ternary.YES]
    maybe = [part for part in parts if part.value is Ternary.CANNOT_EXCLUDE]
    if len(yes) >= n:
        value, shown = Ternary.YES, yes
    elif len(yes) + len(maybe) < n:
        value, shown = Ternary.NO, [part for part in parts if part.value is not Ternary.YES]
    else:
        value, shown = Ternary.CANNOT_EXCLUDE, yes + maybe
    unknown: frozenset[str] = frozenset()
    if value is Ternary.CANNOT_EXCLUDE:
        unknown = reduce(frozenset.union, (part.unknown for part in maybe), unknown)
    used = reduce(frozenset.union, (part.used for part in parts), frozenset[str]())
    return Answer(value, tuple(line for part in shown for line in part.because), unknown, used)
