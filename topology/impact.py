"""Impact on graphs: which entities a set of failures hits, how badly, through what, and when.

The algebra: an entity is the minimum of its own health and of what each of its dependencies and groups leaves it.

* ``hard`` leaves the provider's health g; ``soft`` leaves 1000 − ⌊f·(1000 − g)/1000⌋; ``info`` leaves 1000.
* ``async`` leaves what the provider was one buffer ago; without a buffer it is ``hard``.
* A group leaves what `topology.groups` says of its members; a soft group is then softened by its factor.
* On dependency cycles the greatest fixpoint holds: what nothing pulls down stays up. There a capacity group counts
  its members by state, so that a lost share is not lost again on every turn.

Minimum and fixpoint make it monotone, idempotent and independent of order and names (A. Tarski, A lattice-theoretical
fixpoint theorem, Pacific J. Math. 5, 1955).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from topology.explanation import Link, chain, explain, margin_link
from topology.groups import UP
from topology.model import Semantics, Topology
from topology.sweep import Sweep


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
    first hit, in the future while a buffer lasts; ``later`` are the changes still to come. ``via`` is ``own``, a
    semantics, or the group that binds it, whose hit ``members`` are named. ``at_risk``: a group works but has lost
    its margin. ``compounding``: a required capacity is shared around the entity's dependency cycle.
    """

    entity: str
    low: int
    high: int
    via: str
    at: int
    members: tuple[str, ...] = ()
    at_risk: bool = False
    compounding: bool = False
    later: tuple[Step, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, compare=False)

    @property
    def path(self) -> tuple[str, ...]:
        """The ids from the cause to the entity; walked when asked for, as long cycles have long paths."""
        return chain(self.links, self.entity)


def impact(
    index: Topology, own: Mapping[str, Health], at: int = 0, since: Mapping[str, int] | None = None
) -> dict[str, Impact]:
    """Entities that are below full health at ``at``, at risk, or will be hit later; by entity id, sorted.

    ``own`` are own healths; who is not named is up. ``at`` and ``since`` (when each own failure began, else ``at``)
    are in milliseconds. Raises ValueError for healths outside 0 … 1000. The work is proportional to what is reached.
    """
    onsets = {entity: (since or {}).get(entity, at) for entity in own}
    low = Sweep(index, {entity: _interval(entity, health).low for entity, health in own.items()}, onsets)
    certain = all(isinstance(health, int) or health.low == health.high for health in own.values())
    high = low
    if not certain:
        high = Sweep(index, {entity: _interval(entity, health).high for entity, health in own.items()}, onsets)
        _until(high, at)
    _until(low, at)
    links: dict[str, Link] = {}
    explain(low, links, list(low.health))
    now_low, now_high = dict(low.health), dict(high.health)
    margins = _margins(low, high)
    risky: dict[str, Link] = {
        entity: margin_link(low, links, entity, group) for entity, (_, group) in margins.items() if entity not in links
    }
    later_low = _forecast(low, links)
    later_high = later_low if high is low else _forecast(high, None)
    risky = {entity: link for entity, link in risky.items() if entity not in links}
    links.update(risky)
    return {
        entity: Impact(
            entity=entity,
            low=now_low.get(entity, UP),
            high=now_high.get(entity, UP),
            via=links[entity].via,
            at=margins[entity][0] if entity in risky else low.felt[entity],
            members=links[entity].members,
            at_risk=entity in margins,
            compounding=index.compounding(entity),
            later=_steps(entity, now_low, now_high, later_low, later_high),
            links=links,
        )
        for entity in sorted(links)
    }


def consumers_closure(index: Topology, entity: str, limit: int) -> dict[str, int]:
    """Who needs an entity directly or through others (not by ``info``) -> hops; at most ``limit``, by (hops, id)."""
    found = {entity: 0}
    layer, hops = [entity], 0
    while layer:
        reached = {
            d.consumer for provider in layer for d in index.consumers(provider) if d.semantics is not Semantics.INFO
        }
        hops += 1
        layer = sorted(reached - found.keys())[: max(0, limit + 1 - len(found))]
        found.update(dict.fromkeys(layer, hops))
    del found[entity]
    return found


def _interval(entity: str, health: Health) -> Interval:
    interval = Interval(health, health) if isinstance(health, int) else health
    if not 0 <= interval.low <= interval.high <= UP:
        raise ValueError(f"the health of {entity} must be within 0 … {UP}, low before high, and is {health}")
    return interval


def _until(sweep: Sweep, at: int) -> None:
    while (due := sweep.due()) is not None and due <= at:
        sweep.step()


def _margins(low: Sweep, high: Sweep) -> dict[str, tuple[int, str]]:
    """Entity -> (since, group) of its first lost margin; in the better world too, where the worse one is worse."""
    found: dict[str, tuple[int, str]] = {}
    for sweep in (low, high):
        for (entity, group), since in sweep.margins.items():
            found[entity] = min(found.get(entity, (since, group)), (since, group))
    return found


def _forecast(sweep: Sweep, links: dict[str, Link] | None) -> dict[str, list[tuple[int, int]]]:
    """Entity -> (time, health) of all changes to come; explains those that are newly hit."""
    found: dict[str, list[tuple[int, int]]] = {}
    while (due := sweep.due()) is not None:
        fallen = sweep.step()
        for entity in fallen:
            found.setdefault(entity, []).append((due, sweep.health[entity]))
        if links is not None:
            explain(sweep, links, [entity for entity in fallen if entity not in links])
    return found


def _steps(
    entity: str,
    now_low: Mapping[str, int],
    now_high: Mapping[str, int],
    later_low: Mapping[str, list[tuple[int, int]]],
    later_high: Mapping[str, list[tuple[int, int]]],
) -> tuple[Step, ...]:
    """Both worlds' changes as one series."""
    if entity not in later_low and entity not in later_high:
        return ()
    lows, highs = dict(later_low.get(entity, ())), dict(later_high.get(entity, ()))
    low, high = now_low.get(entity, UP), now_high.get(entity, UP)
    steps = []
    for at in sorted(lows.keys() | highs.keys()):
        low, high = lows.get(at, low), highs.get(at, high)
        steps.append(Step(at, low, high))
    return tuple(steps)
