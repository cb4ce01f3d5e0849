"""The level of an incident under a policy: the worst of all rules that fire, so that more harm can never lower it.

A rule whose input is unknown does not fire; it is kept as open when knowing the input could have made the level worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.severity.amounts import Known, known
from rules.severity.conditions import FiredRule, OpenRule, because, unmet
from rules.severity.dimensions import answers
from rules.severity.facts import Bounds, SeverityFacts
from rules.severity.levels import MILDEST
from rules.severity.policy import Grade, Matrix, Policy, When
from rules.ternary import Ternary


@dataclass(frozen=True)
class SeverityResult:
    """The level, the three dimensions, every rule that fired (hard rules first), and what is not known."""

    level: str
    user_impact: Ternary
    data_loss: Ternary
    regulatory: Ternary
    fired: tuple[FiredRule, ...]
    open: tuple[OpenRule, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts whose knowledge could make the level worse, sorted."""
        return tuple(sorted({fact for rule in self.open for fact in rule.missing}))

    @property
    def worst(self) -> str:
        """The worst level that cannot be excluded."""
        return min((rule.level for rule in self.open), default=self.level)


def assess(policy: Policy, facts: SeverityFacts) -> SeverityResult:
    """The severity of an incident under a policy."""
    dimensions = answers(facts)
    numbers = known(facts, dimensions)
    fired: list[FiredRule] = []
    undecided: list[OpenRule] = []
    for rule in policy.rules:
        unknown = unmet(rule.when, numbers)
        if unknown:
            undecided.append(OpenRule(rule.id, rule.level, unknown))
        elif unknown is not None:
            fired.append(FiredRule(rule.id, rule.level, because(rule.when, numbers, facts)))
    for grade in policy.matrix.grades:
        for said in _graded(policy.matrix, grade, numbers, facts):
            (fired if isinstance(said, FiredRule) else undecided).append(said)  # type: ignore[arg-type]
    level = min((rule.level for rule in fired), default=MILDEST)
    worse = tuple(rule for rule in undecided if rule.level < level)
    return SeverityResult(level, *dimensions, tuple(fired), worse)


def _graded(matrix: Matrix, grade: Grade, numbers: Known, facts: SeverityFacts) -> Iterator[FiredRule | OpenRule]:
    """What a grade says for certain, and what it may say: by its extent, and by a tier that is not known."""
    name = f"matrix-{grade.id}"
    least, most = numbers["tier"]
    sure, worst = grade.levels[_column(matrix, least)], grade.levels[_column(matrix, most)]
    tier: dict[str, Bounds] = {"tier": numbers["tier"]} if worst < sure else {}
    holding = next((when for when in grade.any if unmet(when, numbers) == {}), None)
    if holding is not None:
        yield FiredRule(name, sure, because(holding, numbers, facts))
        if tier:
            yield OpenRule(name, worst, tier)
        return
    for when in grade.any:
        if unknown := unmet(when, numbers):
            yield OpenRule(name, worst, unknown | tier)


def _column(matrix: Matrix, tier: int | None) -> int:
    """The place of a (negated) tier among the matrix's tiers; the last column is for all others."""
    columns = len(matrix.tiers)
    if tier is None:
        return columns
    return next((place for place, limit in enumerate(matrix.tiers) if -tier <= limit), columns)


def moments(policy: Policy) -> Iterator[When]:
    """All conditions of a policy, for who asks when time alone will change something."""
    for rule in policy.rules:
        yield rule.when
    for grade in policy.matrix.grades:
        yield from grade.any
