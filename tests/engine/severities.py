"""Entities with facts of continuity, and samples, for scenarios of severity."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import msgspec
from datasketches import update_theta_sketch

from engine.outcomes import IncidentView, TimelineEntry
from engine.signals import Labels, Samples
from tests.engine.laws import World
from tests.scenarios.world import clock
from topology.continuity import Continuity
from topology.model import Entity, Kind

FACTS = frozenset(Continuity.__struct_fields__)


def entity(id: str, kind: Kind = Kind.SERVICE, **said: Any) -> Entity:
    """An entity; facts of continuity may be given beside its own."""
    facts = {key: said.pop(key) for key in list(said) if key in FACTS}
    return Entity(id=id, kind=kind, continuity=Continuity(**facts), **said)


def sketch(ids: Iterable[int | str], size: int = 12) -> str:
    """A theta sketch of some users, as a database writes it."""
    made = update_theta_sketch(size)
    for one in ids:
        made.update(one)
    return base64.b64encode(made.compact().serialize()).decode()


def sample(world: World, at: str, name: str, store: str, value: float, *, arrives: str = "", **labels: str) -> None:
    """A sample of a store's metric; it may arrive later than it was taken."""
    series = Labels.of({"__name__": name, "service": store, **labels})
    world.at(arrives or at)._send(Samples(series, (clock(at),), (value,)), f"{name} {value} of {store}")


def only(world: World) -> IncidentView:
    """The one incident, as its latest revision shows it."""
    (view,) = world.driven.incidents()
    return view


def lines(world: World, *kinds: str) -> list[TimelineEntry]:
    """What the timeline says of these kinds."""
    return [line for line in world.driven.timeline if line.kind in kinds]


def because(view: IncidentView, rule: str) -> dict[str, Any] | None:
    """The numbers of a rule that fired; None when it did not."""
    found = next((one for one in view.severity.fired if one["id"] == rule), None)
    return None if found is None else dict(found["because"])


def plain(view: IncidentView) -> Any:
    """As JSON says it."""
    return msgspec.to_builtins(view)
