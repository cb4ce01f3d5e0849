"""A storm: ten thousand alerts because of one provider within two seconds, with a second trouble hidden in it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.signals import AlertEvent, Labels, Millis
from tests.scenarios.troubles import START
from topology.model import Dependency, Entity, Kind, Topology

ALERTS_EACH = 20
HIDDEN = ("db-orders", "svc-orders-0", "svc-orders-1", "svc-orders-2")


@dataclass(frozen=True)
class Storm:
    """Events in order of arrival, as (arrival, event, whether it belongs to the hidden trouble)."""

    topology: Topology
    provider: str
    hidden: str
    events: tuple[tuple[Millis, AlertEvent, bool], ...]


def storm(seed: int = 1, alerts: int = 10_000) -> Storm:
    """A switch with ``alerts`` / 20 services behind it, each with 20 alerts; a database with three consumers beside.

    All are connected: every service, also the healthy ones, needs the same identity provider, which stays well.
    """
    rng = random.Random(f"storm {seed}")
    services = [f"svc-{n:04}" for n in range(alerts // ALERTS_EACH)]
    healthy = [f"svc-well-{n:04}" for n in range(len(services))]
    entities = [Entity(id=name) for name in (*services, *healthy, *HIDDEN[1:])]
    entities += [Entity(id="switch-7", kind=Kind.NETWORK_DEVICE), Entity(id=HIDDEN[0], kind=Kind.DATABASE)]
    entities.append(Entity(id="identity"))
    dependencies = [Dependency(consumer=name, provider="switch-7") for name in services]
    dependencies += [Dependency(consumer=name, provider=HIDDEN[0]) for name in HIDDEN[1:]]
    dependencies += [Dependency(consumer=name, provider="identity") for name in (*services, *healthy, *HIDDEN)]
    names = [(name, n, False) for name in services for n in range(ALERTS_EACH)]
    names += [("switch-7", 0, False), *((name, 0, True) for name in HIDDEN)]
    events = []
    for entity, n, hidden in names:
        at = START + rng.randrange(2000)
        labels = Labels.of({"alertname": f"Check{n}", "service": entity, "severity": "critical"})
        events.append((at + 50, AlertEvent(labels=labels, starts_at=at), hidden))
    return Storm(
        Topology.build(entities, dependencies), "switch-7", HIDDEN[0], tuple(sorted(events, key=lambda e: e[0]))
    )
