"""Impact on graphs: which entities a set of failures hits, how badly, through what, and when.

The algebra: an entity is the minimum of its own health and of what each of its dependencies and groups leaves it.

* ``hard`` leaves the provider's health g; ``soft`` leaves 1000 − ⌊f·(1000 − g)/1000⌋; ``info`` leaves 1000.
* ``async`` leaves what the provider was one buffer ago; without a buffer it is ``hard``.
* A group leaves what `topology.groups` says of its members; a soft group is then softened by its factor.
* A discovered dependency leaves, at worst, what its kind says, and at best 1000: nobody said how a failure is felt.
* On dependency cycles the greatest fixpoint holds: what nothing pulls down stays up. There a capacity group counts
  its members by state, so that a lost share is not lost again on every turn.

Minimum and fixpoint make it monotone, idempotent and independent of order and names (A. Tarski, A lattice-theoretical
fixpoint theorem, Pacific J. Math. 5, 1955).
"""

from __future__ import annotations

from collections.abc import Mapping

from topology.answer import Health, Impact, Interval, Step, interval
from topology.explanation import Link, explain, margin_link
from topology.groups import UP
from topology.model import Semantics, Topology
from topology.sweep import Sweep, TooMany

__all__ = ["Health", "Impact", "Interval", "Step", "consumers_closure", "impact"]

FEW = 60
"""So many reached entities are always reckoned one by one …"""
PART = 2000
"""… and of large topologies one in so many. Beyond, all entities at once are cheaper."""


def impact(
    index: Topology, own: Mapping[str, Health], at: int = 0, since: Mapping[str, int] | None = None
) -> Mapping[str, Impact]:
    """Entities that are below full health at ``at``, at risk, or will be hit later; by entity id, sorted.

    ``own`` are own healths; who is not named is up. ``at`` and ``since`` (when each own failure began, else ``at``)
    are in milliseconds. Raises ValueError for healths outside 0 … 1000. The work is proportional to what is reached,
    and bounded by one pass over the topology for every moment at which anything changes.
    """
    bounds = {entity: interval(entity, health) for entity, health in own.items()}
    onsets = {entity: (since or {}).get(entity, at) for entity in own}
    most = FEW + len(index.entities) // PART if type(index) is Topology else None
    if most is None or len(own) <= most:
        try:
            return few(index, bounds, onsets, at, most)
        except TooMany:
            pass
    # the compiled form needs what takes longer to load than a small topology to sweep
    from topology.impacts import impacts  # noqa: PLC0415

    return impacts(index.compiled, bounds, onsets, at, lambda unknown: few(index, unknown, onsets, at))


def few(
    index: Topology, own: Mapping[str, Interval], onsets: Mapping[str, int], at: int, most: int | None = None
) -> dict[str, Impact]:
    """The same, entity by entity. Raises `TooMany` when more than ``most`` are reached."""
    low = Sweep(index, {entity: health.low for entity, health in own.items()}, onsets, most)
    certain = all(health.low == health.high for health in own.values())
    high = low
    if index.doubtful or not certain:
        best = {entity: health.high for entity, health in own.items()}
        high = Sweep(index, best, onsets, most, doubtful=False)
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
            at=margins[entity][0] if entity in risky else low.felt[entity],
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
