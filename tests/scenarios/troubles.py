"""Seeded worlds of simultaneous, independent troubles: a topology, alert events with their arrivals, and the truth.

A root fails; its hard consumers (redundancy groups respected) go down after delays of up to a minute per step and
alert with a probability. 30 % of all entities are silent: they never alert, and may still be roots. Noise alerts
are short (resolved within 20 s) or informational. Events arrive up to 120 s late.

Truth: each event of a trouble lists the troubles it may belong to (more than one where their cones overlap); a
noise event lists none. Worlds in which nobody could tell are left out (`_decidable`): where a healthy entity
explains the sources of two troubles at least as well as a silent failing provider would.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from engine.signals import AlertEvent, Labels, Millis
from tests.scenarios.layered import layered
from topology.model import Dependency, Semantics, Topology

START: Millis = 1_790_000_000_000
LATENESS: Millis = 120_000
SPAN: Millis = 600_000
SILENT_SHARE = 0.3
ALERT_PROBABILITY = 0.85
CONE_SHARE = 0.3
"""No root may take down more of the topology than this: five troubles have to fit beside one another."""
LARGE, LARGE_SHARE = 4, 0.75
"""Most roots take down at least this many entities, themselves included."""
WELL_EXPLAINED, POORLY_EXPLAINED = 0.5, 0.35
"""Share of a cone that alerts: at least the first under a silent root, at most the second under a healthy entity."""
NAMES = ("HighErrorRate", "HighLatency", "Unreachable", "Saturated", "TargetDown", "QueueGrowing")


@dataclass(frozen=True)
class Trouble:
    """One root, when it failed, and who went down because of it, when."""

    root: str
    at: Millis
    down: dict[str, Millis]


@dataclass(frozen=True)
class Event:
    """One alert event: when it arrives, and the troubles it may belong to (none: noise)."""

    arrival: Millis
    signal: AlertEvent
    entity: str
    allowed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class TroubleWorld:
    """All of one seed. Events are in order of arrival."""

    seed: int
    kind: str
    topology: Topology
    silent: frozenset[str]
    troubles: tuple[Trouble, ...]
    events: tuple[Event, ...]


def make(seed: int, noise: bool = True) -> TroubleWorld:
    """The world of a seed; without noise, the same troubles alone."""
    rng = random.Random(f"troubles {seed}")
    count = rng.randint(155, 600)
    topology = layered(seed, count)
    names = sorted(topology.entities)
    silent = frozenset(rng.sample(names, round(len(names) * SILENT_SHARE)))
    cones = {name: frozenset(falls(topology, {name: 0}, lambda: 0)) for name in names}
    kind = rng.choice(("apart", "apart", "shared_provider", "shared_consumer"))
    wanted = seed % 6 if kind == "apart" else 2 + seed % 4
    for _ in range(400):
        roots = _roots(rng, topology, cones, kind, wanted)
        if roots is None:
            continue
        troubles = _fail(rng, topology, roots)
        alerting = _alerting(rng, troubles, silent)
        if _decidable(topology, cones, silent, troubles, alerting):
            events = _events(rng, troubles, alerting)
            if noise:
                events += _noise(rng, [name for name in names if name not in silent], events)
            return TroubleWorld(seed, kind, topology, silent, troubles, tuple(sorted(events, key=lambda e: e.arrival)))
    raise ValueError(f"no decidable world for seed {seed}")


def falls(topology: Topology, failed: dict[str, Millis], delay: Callable[[], Millis]) -> dict[str, Millis]:
    """Who goes down, and when, after these failures: through hard dependencies, and groups left short."""
    down: dict[str, Millis] = {}
    queue = [(at, name) for name, at in sorted(failed.items())]
    heapq.heapify(queue)
    while queue:
        at, name = heapq.heappop(queue)
        if name in down:
            continue
        down[name] = at
        for dependency in topology.consumers(name):
            if dependency.semantics is Semantics.HARD and _lost(topology, dependency, down):
                heapq.heappush(queue, (at + delay(), dependency.consumer))
    return down


def _lost(topology: Topology, dependency: Dependency, down: Collection[str]) -> bool:
    if not dependency.group:
        return True
    members = [d.provider for d in topology.providers(dependency.consumer) if d.group == dependency.group]
    up = sum(member not in down for member in members)
    return up < topology.groups[dependency.consumer, dependency.group].need


def _touched(topology: Topology, root: str) -> set[str]:
    """Everyone who feels a root at all: soft and asynchronous consumers too."""
    touched, todo = {root}, [root]
    while todo:
        for dependency in topology.consumers(todo.pop()):
            if dependency.consumer not in touched and _lost(topology, dependency, touched):
                touched.add(dependency.consumer)
                todo.append(dependency.consumer)
    return touched


def _roots(
    rng: random.Random, topology: Topology, cones: dict[str, frozenset[str]], kind: str, wanted: int
) -> list[str] | None:
    """As many roots as wanted, none of which feels another; None if this draw does not give them."""
    pool = [name for name in cones if len(cones[name]) <= len(cones) * CONE_SHARE]
    large = [name for name in pool if len(cones[name]) >= LARGE]
    chosen: list[str] = []
    if kind != "apart":
        near = _plain_consumers if kind == "shared_provider" else _plain_providers
        around = {name: [n for n in near(topology, name) if n in large] for name in cones}
        shared = [name for name in around if len(around[name]) >= 2]
        if not shared:
            return None
        chosen = rng.sample(around[rng.choice(shared)], 2)
    while len(chosen) < wanted:
        name = rng.choice(large if rng.random() < LARGE_SHARE else pool)
        chosen += [name] if name not in chosen else []
    touched = {root: _touched(topology, root) for root in chosen}
    apart = all(a == b or a not in touched[b] for a in chosen for b in chosen)
    together = set(falls(topology, dict.fromkeys(chosen, 0), lambda: 0))
    return chosen if apart and together == {name for root in chosen for name in cones[root]} else None


def _plain_consumers(topology: Topology, name: str) -> list[str]:
    return [d.consumer for d in topology.consumers(name) if d.semantics is Semantics.HARD and not d.group]


def _plain_providers(topology: Topology, name: str) -> list[str]:
    return [d.provider for d in topology.providers(name) if d.semantics is Semantics.HARD and not d.group]


def _fail(rng: random.Random, topology: Topology, roots: list[str]) -> tuple[Trouble, ...]:
    together = rng.random() < 0.3
    at = [START + SPAN // 2 if together else START + rng.randrange(SPAN) for _ in roots]
    return tuple(
        Trouble(root, when, falls(topology, {root: when}, lambda: 1000 + int(59_000 * rng.random() ** 3)))
        for root, when in zip(roots, at, strict=True)
    )


def _alerting(rng: random.Random, troubles: tuple[Trouble, ...], silent: frozenset[str]) -> set[str]:
    """Who alerts: a root that is not silent always does."""
    alerting = {trouble.root for trouble in troubles} - silent
    for name in sorted({name for trouble in troubles for name in trouble.down} - silent):
        if rng.random() < ALERT_PROBABILITY:
            alerting.add(name)
    return alerting


def _decidable(
    topology: Topology,
    cones: dict[str, frozenset[str]],
    silent: frozenset[str],
    troubles: tuple[Trouble, ...],
    alerting: set[str],
) -> bool:
    """Whether the alerts allow only this reading: see the module's text."""
    sources = []
    for trouble in troubles:
        tops = _tops(cones, alerting & set(trouble.down))
        others = {name for other in troubles if other is not trouble for name in other.down}
        if not tops or not tops - others:
            return False
        if len(tops) > 1 and len(alerting & cones[trouble.root]) < WELL_EXPLAINED * (len(cones[trouble.root]) - 1):
            return False
        sources.append(tops)
    roots = {trouble.root for trouble in troubles}
    well = {name: cone for name, cone in cones.items() if name not in roots and name not in alerting}
    for cone in well.values():
        explains = sum(bool(tops & cone) for tops in sources)
        if explains > 1 and len(alerting & cone) > POORLY_EXPLAINED * (len(cone) - 1):
            return False
    return True


def _tops(cones: dict[str, frozenset[str]], alerting: set[str]) -> set[str]:
    """The alerting entities that no other alerting entity explains."""
    return {name for name in alerting if not any(name in cones[other] for other in alerting if other != name)}


@dataclass
class _Channel:
    """The way of one alert's events to us: late as a whole, with a little jitter."""

    rng: random.Random
    lag: Millis = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.rng.choices(((0, 3), (3, 30), (30, 115)), (80, 15, 5))[0]
        self.lag = self.rng.randint(low * 1000, high * 1000)

    def arrival(self, at: Millis) -> Millis:
        return at + self.lag + self.rng.randrange(2000)


def _alert(
    rng: random.Random,
    entity: str,
    name: str,
    severity: str,
    at: Millis,
    until: Millis | None,
    allowed: frozenset[int] = frozenset(),
    repeats: int = 0,
) -> list[Event]:
    """One alert's life: it fires, is repeated, and is resolved at ``until`` (None: stays)."""
    channel = _Channel(rng)
    labels = Labels.of({"alertname": name, "service": entity, "severity": severity})
    firing = AlertEvent(labels=labels, firing=True, starts_at=at)
    times = [at + 50_000 * n for n in range(repeats + 1)]
    events = [Event(channel.arrival(t), firing, entity, allowed) for t in times if until is None or t < until]
    if until is not None:
        ended = AlertEvent(labels=labels, firing=False, starts_at=at, ends_at=until)
        events.append(Event(max(channel.arrival(until), events[-1].arrival + 1), ended, entity, allowed))
    return events


def _events(rng: random.Random, troubles: tuple[Trouble, ...], alerting: set[str]) -> list[Event]:
    events: list[Event] = []
    fixed = [max(t.down.values()) + rng.randint(240_000, 480_000) if rng.random() < 0.3 else None for t in troubles]
    for entity in sorted(alerting):
        allowed = frozenset(n for n, trouble in enumerate(troubles) if entity in trouble.down)
        since = min(troubles[n].down[entity] for n in allowed)
        ends = [fixed[n] for n in allowed]
        until = None if None in ends else max(end for end in ends if end is not None) + rng.randrange(30_000)
        for n, name in enumerate(rng.sample(NAMES, rng.randint(1, 3))):
            at = since + rng.randrange(30_000 if n else 5_000)
            severity = rng.choice(("critical", "warning"))
            repeats = rng.randint(1, 3) if rng.random() < 0.2 else 0
            events += _alert(rng, entity, name, severity, at, until, allowed, repeats)
    return events


def _noise(rng: random.Random, names: list[str], beside: Iterable[Event]) -> list[Event]:
    """Short and informational alerts on entities that can alert; never one of a trouble's own alerts.

    None is critical: a critical alert may rightly be told at once, and then nobody can know that it will be short.
    """
    taken = {event.signal.labels for event in beside}
    events: list[Event] = []
    for _ in range(rng.randint(5, 25)):
        at = START + rng.randrange(SPAN + 300_000)
        short = rng.random() < 0.6
        entity, name = rng.choice(names), rng.choice(NAMES)
        severity = "warning" if short else "info"
        until = at + rng.randint(2_000, 20_000) if short else None
        made = _alert(rng, entity, name, severity, at, until)
        if made[0].signal.labels not in taken:
            taken.add(made[0].signal.labels)
            events += made
    return events
