"""What people have agreed to before anything happens: priorities, scope, assumptions; and what became of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from engine.continuity.assumed import AssumedOf
from engine.continuity.priorities import ConflictOf
from rules.gates import CATALOGUE
from rules.ruleset import RuleSet
from topology.model import Topology

CURRENT, OVERDUE, NO_REASON, NO_REVIEW = "current", "overdue", "no_reason", "no_review"
REASON, REVIEW = "scope_reason", "scope_review"
"""Facts of an entity that the catalogue leaves out."""


class PrioritiesOf(msgspec.Struct, kw_only=True):
    """Conflicts of priority; ``open`` counts those that no authority has settled."""

    items: list[ConflictOf]
    open: int
    next: str = ""


class Excluded(msgspec.Struct, kw_only=True, frozen=True):
    """Something that is left out of incident execution: by which rule, why, when somebody looks at it again, and
    whether that is so: current, overdue, no_reason or no_review."""

    id: str
    rule: str
    what: str
    reason: str
    review: str
    standing: str


class ScopeOf(msgspec.Struct, kw_only=True):
    """What is left out; ``weak`` counts those without a reason or a review that is still to come."""

    items: list[Excluded]
    weak: int
    next: str = ""


class AssumptionsOf(msgspec.Struct, kw_only=True):
    """What is taken for granted; ``broken`` counts those that something broke since their last review."""

    items: list[AssumedOf]
    broken: int
    next: str = ""


def scope_of(topology: Topology, rules: RuleSet, today: date) -> ScopeOf:
    """Exclusions of the rules, then entities that the catalogue leaves out."""
    items = [*_declared(rules, today), *_left_out(topology, today)]
    return ScopeOf(items=items, weak=sum(one.standing != CURRENT for one in items))


def _declared(rules: RuleSet, today: date) -> Iterator[Excluded]:
    for one in rules.content.scope:
        what = ", ".join((*map(str, one.matchers), *one.entities))
        standing = _standing(one.comment, one.review, today)
        yield Excluded(id=one.id, rule=one.id, what=what, reason=one.comment, review=one.review, standing=standing)


def _left_out(topology: Topology, today: date) -> Iterator[Excluded]:
    for one in topology.entities.values():
        if not one.scope:
            reason, review = one.facts.get(REASON, ""), one.facts.get(REVIEW, "")
            standing = _standing(reason, review, today)
            yield Excluded(id=one.id, rule=CATALOGUE, what=one.id, reason=reason, review=review, standing=standing)


def _standing(reason: str, review: str, today: date) -> str:
    if not reason.strip():
        return NO_REASON
    try:
        due = date.fromisoformat(review)
    except ValueError:
        return NO_REVIEW
    return OVERDUE if due <= today else CURRENT
