"""What is said of impact: the state of an entity because of failures, when, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from topology.explanation import Link, chain
from topology.groups import UP


class Interval(NamedTuple):
    """Health that is known only within bounds, because evidence is missing."""

    low: int
    high: int


Health = int | Interval
"""0 (down) … 1000 (up)."""


class Step(NamedTuple):
    """Health from ``at`` (milliseconds) on."""

    at: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a set of failures does to one entity.

    ``low`` and ``high`` are its health at the time asked for, equal unless evidence is missing. ``at`` is when it is
    first hit, in the future while a buffer lasts; ``later`` are the changes still to come. ``at_risk``: a group works
    but has lost its margin. ``compounding``: a required capacity is shared around the entity's dependency cycle.
    """

    entity: str
    low: int
    high: int
    at: int
    at_risk: bool = False
    compounding: bool = False
    later: tuple[Step, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, compare=False)

    @property
    def via(self) -> str:
        """What binds it: ``own``, a semantics, or a group."""
        return self.links[self.entity].via

    @property
    def members(self) -> tuple[str, ...]:
        """The hit members of the group that binds it."""
        return self.links[self.entity].members

    @property
    def hops(self) -> int:
        """How many dependencies lie between the cause and the entity."""
        return self.links[self.entity].hops

    @property
    def path(self) -> tuple[str, ...]:
        """The ids from the cause to the entity; walked when asked for, as long cycles have long paths."""
        return chain(self.links, self.entity)


def interval(entity: str, health: Health) -> Interval:
    """A health as bounds. Raises ValueError for one that is none."""
    found = Interval(health, health) if isinstance(health, int) else health
    if not 0 <= found.low <= found.high <= UP:
        raise ValueError(f"the health of {entity} must be within 0 … {UP}, low before high, and is {health}")
    return found
