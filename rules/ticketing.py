"""What a ticket of an incident says besides its text: queue, priority, assignment and further fields, by rules; who
owns which field, once there is a ticket; and what resolution codes say of the alerts.

Nothing in an alert can become a queue or a person: all values stand in the rules or in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from rules.matchers import Matcher
from rules.routing import RouteFacts, accepted

Owner = Literal["headwater", "ticket", "both"]
ASSIGNEES = ("owner_of_cause", "owner_of_business")
"""Words for whom the catalogue names."""


class Ownership(msgspec.Struct, frozen=True):
    """Who has the last word on a field of a ticket. ``both``: whoever spoke last.

    What Headwater owns is set back when it is changed in the ticket; what the ticket owns is set when it is opened.
    """

    state: Owner = "headwater"
    assignee: Owner = "both"
    priority: Owner = "headwater"
    notes: Owner = "both"


class TicketRule(msgspec.Struct, frozen=True):
    """Says something of the tickets of incidents that all matchers accept, at these sinks (none named: at all).

    ``priorities`` by severity. ``assignee`` is a name, or one of `ASSIGNEES`.
    """

    id: str
    matchers: tuple[Matcher, ...] = ()
    sinks: tuple[str, ...] = ()
    queue: str = ""
    priorities: tuple[tuple[str, str], ...] = ()
    assignee: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """What the rules say of a ticket; empty: nothing, and the ticketing system's own defaults hold."""

    queue: str = ""
    priority: str = ""
    assignee: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Ticketing(msgspec.Struct, frozen=True):
    """``resolutions`` are codes in lower case, and whether they say that the alerts were real. ``acknowledges``: taking
    the ticket acknowledges the incident."""

    rules: tuple[TicketRule, ...] = ()
    owns: Ownership = Ownership()
    resolutions: tuple[tuple[str, bool], ...] = ()
    acknowledges: bool = True

    @property
    def sinks(self) -> tuple[str, ...]:
        """The sinks that rules name, each once."""
        return tuple(dict.fromkeys(sink for rule in self.rules for sink in rule.sinks))

    def wanted(self, facts: RouteFacts, sink: str = "") -> Wanted:
        """What the rules say of a ticket at this sink: of each thing, the first rule that matches and speaks of it."""
        values = facts.values()
        found = Wanted()
        fields: dict[str, str] = {}
        for rule in self.rules:
            if (rule.sinks and sink not in rule.sinks) or not accepted(rule.matchers, values):
                continue
            for name, value in rule.fields:
                fields.setdefault(name, value)
            priority = dict(rule.priorities).get(facts.severity, "")
            found = Wanted(found.queue or rule.queue, found.priority or priority, found.assignee or rule.assignee)
        return msgspec.structs.replace(found, fields=tuple(sorted(fields.items())))

    def level(self, facts: RouteFacts, sink: str, priority: str, levels: Iterable[str]) -> str:
        """The severity whose priority at this sink is that one, "" when there is none."""
        of = ((level, self.wanted(msgspec.structs.replace(facts, severity=level), sink)) for level in levels)
        word = priority.strip().casefold()
        return next((level for level, wanted in of if wanted.priority.casefold() == word), "") if word else ""

    def real(self, resolution: str) -> bool | None:
        """What a resolution code says of the alerts; None: nothing."""
        return dict(self.resolutions).get(resolution.strip().lower())
