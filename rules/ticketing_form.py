"""The form of the section ``tickets``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rules.severity import LEVELS
from rules.ticketing import Owner, Ownership, TicketRule
from rules.values import Form, Id, Level, Matchers, Name, Names, Text


class TicketRules(Form):
    """What the tickets of matching incidents say; of each thing, the first rule that speaks of it decides."""

    id: Id
    match: Matchers = ()
    sinks: Names = ()
    queue: Text = ""
    priority: Name | dict[Level, Name] = Field(default={}, description="one for all, or by severity")
    assignee: Text = Field(default="", description="a name, owner_of_cause or owner_of_business")
    fields: dict[Name, Text] = Field(default={}, description="further fields, in the words of the ticketing system")

    def build(self) -> TicketRule:
        """The rule."""
        by_level = self.priority if isinstance(self.priority, dict) else dict.fromkeys(LEVELS, self.priority)
        return TicketRule(
            id=self.id,
            matchers=self.match,
            sinks=self.sinks,
            queue=self.queue,
            priorities=tuple(sorted(by_level.items())),
            assignee=self.assignee,
            fields=tuple(sorted(self.fields.items())),
        )


class OwnershipForm(Form):
    """Who has the last word on a field: headwater, ticket, or both (whoever spoke last)."""

    state: Owner = Ownership().state
    assignee: Owner = Ownership().assignee
    priority: Owner = Ownership().priority
    notes: Owner = Ownership().notes

    def build(self) -> Ownership:
        """The owners."""
        return Ownership(**self.model_dump())


class TicketForm(Form):
    """What tickets say beside their text, and what people may change there."""

    rules: tuple[TicketRules, ...] = ()
    owns: OwnershipForm | None = None
    resolutions: dict[Name, Literal["real", "false"]] = Field(
        default={}, description="what resolution codes say of the alerts"
    )
    acknowledges: bool | None = Field(default=None, description="taking the ticket acknowledges the incident")
