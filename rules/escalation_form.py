"""The form of the section ``escalation``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rules.escalation import EscalationRule, Step
from rules.severity_form import Conditions
from rules.values import ONE_OR_MORE, Form, Id, Lasting, Level, Name, Names


class EscalationConditions(Conditions):
    """The conditions of severity, and the severity itself."""

    severity: Level | None = Field(default=None, description="this level or a worse one")


class EscalationRules(Form):
    """When the conditions hold, these roles are to be reached in time."""

    id: Id
    level: Name
    when: EscalationConditions
    reach: Annotated[Names, ONE_OR_MORE]
    within: Lasting

    def build(self) -> EscalationRule:
        """The rule."""
        return EscalationRule(self.id, self.level, self.when.build(), self.reach, self.within)


class Steps(Form):
    """While nobody acknowledges, these roles are told when the time of those before them is over."""

    level: Name
    reach: Annotated[Names, ONE_OR_MORE]
    within: Lasting

    def build(self) -> Step:
        """The step."""
        return Step(self.level, self.reach, self.within)


class EscalationForm(Form):
    """Additions to the built-in escalation; with levels of its own it takes the place of the built-in one."""

    levels: tuple[Name, ...] = ()
    rules: tuple[EscalationRules, ...] = ()
    without: Names = ()
    roles: dict[Name, Names] = Field(default={})
    sinks: dict[Name, Names] = Field(default={}, description="where a role is told; left out: as the routes say")
    unacknowledged: tuple[Steps, ...] | None = Field(default=None, description="whom to tell while nobody acknowledges")
    teams: dict[Level, Names] = Field(default={}, description="the roles of the crisis team, by severity")
