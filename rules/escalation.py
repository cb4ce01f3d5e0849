"""Escalation: from the severity and the facts of an incident to a level and to who must be reached, and how soon.

As with severity every condition says "at least", and the level is the worst that a rule asks for: more harm never
lowers it. Everybody whom any fired rule names is to be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from rules.severity.amounts import known
from rules.severity.conditions import FiredRule, OpenRule, because, unmet
from rules.severity.dimensions import Dimensions
from rules.severity.facts import SeverityFacts
from rules.severity.judge import SeverityResult
from rules.severity.levels import weight
from rules.severity.policy import When

OWNERS = ("owners_of_cause", "owners_of_hit", "owners_of_business", "owners_of_critical")
"""Roles that the catalogue fills: the owners of the cause, of all that is hit, of the business services and processes
hit, of the critical or important functions hit."""


class EscalationRule(msgspec.Struct, frozen=True):
    """When all conditions hold, the roles in ``reach`` are to be reached within so many milliseconds."""

    id: str
    level: str
    when: When
    reach: tuple[str, ...]
    within: int


class Step(msgspec.Struct, frozen=True):
    """While nobody has acknowledged, the roles in ``reach`` are told once the time of those before them is over; then
    they have ``within`` milliseconds."""

    level: str
    reach: tuple[str, ...]
    within: int


class Escalation(msgspec.Struct, frozen=True):
    """``levels`` go from the mildest to the worst; ``roles`` have the names of those who fill them, ``sinks`` where
    a role is told, if not where the routes say. ``unacknowledged`` are the steps up, ``teams`` the crisis team's roles
    by severity."""

    levels: tuple[str, ...] = ()
    rules: tuple[EscalationRule, ...] = ()
    roles: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sinks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unacknowledged: tuple[Step, ...] = ()
    teams: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def names(self, role: str) -> tuple[str, ...]:
        """Who fills a role that the rules declare; empty when nobody is named."""
        return dict(self.roles).get(role, ())

    def sinks_of(self, role: str) -> tuple[str, ...]:
        """Where a role is told; empty: as the routes say."""
        return dict(self.sinks).get(role, ())

    def team(self, severity: str) -> tuple[str, ...]:
        """The roles of the crisis team for a severity; empty when none is called."""
        return dict(self.teams).get(severity, ())

    def rank(self, level: str) -> int:
        """The place of a level; -1 for none."""
        return self.levels.index(level) if level in self.levels else -1


@dataclass(frozen=True)
class EscalationResult:
    """The worst level that a rule asks for ("" when none does), the rules that fired, and those not to be excluded."""

    level: str = ""
    fired: tuple[FiredRule, ...] = ()
    open: tuple[OpenRule, ...] = field(default=())


def escalate(escalation: Escalation, facts: SeverityFacts, severity: SeverityResult, level: str) -> EscalationResult:
    """Who must hear of an incident of this ``level``: the computed one, or the one that a person has set."""
    numbers = known(facts, Dimensions(severity.user_impact, severity.data_loss, severity.regulatory))
    numbers["severity"] = weight(level), max(weight(level), weight(severity.worst))
    fired: list[FiredRule] = []
    undecided: list[OpenRule] = []
    for rule in escalation.rules:
        unknown = unmet(rule.when, numbers)
        if unknown:
            undecided.append(OpenRule(rule.id, rule.level, unknown))
        elif unknown is not None:
            fired.append(FiredRule(rule.id, rule.level, because(rule.when, numbers, facts) | _level(rule.when, level)))
    worst = max((rule.level for rule in fired), key=escalation.rank, default="")
    worse = tuple(rule for rule in undecided if escalation.rank(rule.level) > escalation.rank(worst))
    return EscalationResult(worst, tuple(fired), worse)


def _level(when: When, level: str) -> dict[str, object]:
    return {"severity": level} if when.severity is not None else {}


def moments(escalation: Escalation) -> Iterator[When]:
    """All conditions, for who asks when time alone will change something."""
    return (rule.when for rule in escalation.rules)
