"""Who is told about which incident: routes from facts of an incident to sinks by name, per audience.

Destinations are names of configured sinks; nothing in an alert can become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from rules.matchers import Matcher

AUDIENCES = ("engineers", "stakeholders", "tickets")
FACTS = ("severity", "tier", "owner", "domain", "business", "obligation", "entity")
"""What a route may match on."""
FOLLOW_UP = "follow_up"
"""The audience that nobody declares: ticketing systems hear of what an incident leaves to do."""
RECORD = "log"
"""The sink that writes down all that is told beside the data: no destination, so that no route leaves it out."""


class RouteFacts(msgspec.Struct, frozen=True):
    """The facts of an incident that routes see; those that are lists match when one of their values does."""

    severity: str = "SEV5"
    tier: int | None = None
    owner: tuple[str, ...] = ()
    domain: str = ""
    business: tuple[str, ...] = ()
    obligation: tuple[str, ...] = ()
    entity: str = ""

    def values(self) -> dict[str, tuple[str, ...]]:
        """Fact -> its values; none is the empty string, as for labels."""
        return {
            "severity": (self.severity,),
            "tier": ("" if self.tier is None else str(self.tier),),
            "owner": self.owner or ("",),
            "domain": (self.domain,),
            "business": self.business or ("",),
            "obligation": self.obligation or ("",),
            "entity": (self.entity,),
        }


class Route(msgspec.Struct, frozen=True):
    """Incidents that all matchers accept go to ``sinks``, for these audiences (none named: for all).

    The first route that matches decides for its audiences, unless it says ``proceed``.
    """

    id: str
    matchers: tuple[Matcher, ...] = ()
    audiences: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    proceed: bool = False

    def matches(self, values: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether every matcher accepts."""
        return accepted(self.matchers, values)


def destinations(routes: Iterable[Route], facts: RouteFacts) -> dict[str, tuple[str, ...]]:
    """Audience -> names of sinks, without duplicates, in route order. Audiences no route speaks of are left out."""
    values = facts.values()
    found: dict[str, dict[str, None]] = {}
    decided: set[str] = set()
    for route in routes:
        audiences = [a for a in route.audiences or AUDIENCES if a not in decided]
        if not audiences or not route.matches(values):
            continue
        for audience in audiences:
            found.setdefault(audience, {}).update(dict.fromkeys(route.sinks))
        if not route.proceed:
            decided.update(audiences)
    return {audience: tuple(sinks) for audience, sinks in found.items()}


def accepted(matchers: Iterable[Matcher], values: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether every matcher accepts; a negative one must accept all values of its fact, others any."""
    return all(_accepts(matcher, values.get(matcher.label, ("",))) for matcher in matchers)


def _accepts(matcher: Matcher, values: tuple[str, ...]) -> bool:
    answers = (matcher.accepts(value) for value in values)
    return all(answers) if matcher.negative else any(answers)
