"""`headwater impact`: what is hit if an entity fails, from the catalogue's files."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import msgspec

from api.assumption_words import assumption_in_words
from api.commands.console import DONE, Failed, say
from api.commands.folders import catalogue_in
from api.reach import impact_of
from api.schemas import ImpactOf, Reached
from engine.outcomes import AssumptionView

UP = 1000


def run(entity: str, catalogue: Path | None, *, as_json: bool) -> int:
    """Print who is hit, how badly and when, soonest first."""
    topology = catalogue_in(catalogue)
    found = topology.resolve(entity)
    if found is None:
        near = get_close_matches(entity, topology.entities, n=3)
        mend = f"did you mean {' or '.join(near)}?" if near else f"it knows {len(topology.entities)} entities"
        raise Failed(f"the catalogue knows no entity {entity!r}", mend)
    reached = impact_of(topology, found)
    say(msgspec.json.encode(reached).decode() if as_json else in_words(reached))
    return DONE


def in_words(reached: ImpactOf) -> str:
    """One line per entity, with the arithmetic of its groups below."""
    lines = [f"If {reached.entity} fails, {reached.total} {'entity is' if reached.total == 1 else 'entities are'} hit:"]
    if not reached.items:
        lines = [f"If {reached.entity} fails, nothing else is hit."]
    for hit in reached.items:
        lines += hit_in_words(hit)
    return "\n".join([*lines, *assumptions_in_words(reached.assumptions)])


def assumptions_in_words(found: Iterable[AssumptionView]) -> list[str]:
    """One line for each; moments are those of an assumed world."""
    told = [(one.state.replace("_", " "), assumption_in_words(one, _from, _after)) for one in found]
    return [f"  assumption {state}: {words}" for state, words in told]


def _after(at: int) -> str:
    return f"after {_later(at)}"


def _from(at: int) -> str:
    return f"from {_later(at)} on" if at > 0 else "from the onset on"


def _later(at: int) -> str:
    return duration(at / 1000)


def hit_in_words(hit: Reached, at: float = 0) -> list[str]:
    """An entity that is hit at some moment (seconds): how badly, when it gets worse and is up again, by which way; and
    one line for each group that explains it."""
    facts = [hit.kind.replace("_", " ")]
    facts += [f"tier {hit.tier}"] if hit.tier is not None else []
    facts += [f"{hit.users} users"] if hit.users else []
    facts += [f"owner {hit.owner}"] if hit.owner else []
    way = "assumed" if hit.assumed and len(hit.path) == 1 else f"by {' → '.join(hit.path)}"
    line = f"  {hit.entity}: {_state(hit, at)} ({', '.join(facts)}), {way}"
    return [line, *(f"    {group.words}" for group in hit.groups)]


def _state(hit: Reached, at: float) -> str:
    state = "at risk" if hit.at_risk and hit.high == UP else "down" if hit.high == 0 else f"at {hit.low / 10:g} %"
    if hit.low < hit.high:
        state = f"at {hit.low / 10:g} to {hit.high / 10:g} %"
    if hit.after and hit.after > at:
        state += f" after {duration(hit.after)}"
    if hit.low > 0 and hit.down is not None and hit.down > at:
        state += f", down after {duration(hit.down)}"
    return state + (f", up again after {duration(hit.up)}" if hit.up is not None and hit.up > at else "")


def duration(seconds: float) -> str:
    """Seconds in words, to the larger unit that divides them."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
