"""Seeded layered topologies for the trouble scenarios: business services on tiers of services, on databases,
queues and third parties, on pairs of hosts (redundancy group, one of two), on pairs of uplinks, on sites.

The same seed gives the same topology. There are no cycles, and no entity of tier 0 (whose alerts are told at once).
"""

from __future__ import annotations

import random

from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology

TIERS = 5
SHARES = {
    Kind.NETWORK_DEVICE: 0.03,
    Kind.HOST: 0.13,
    Kind.DATABASE: 0.07,
    Kind.QUEUE: 0.03,
    Kind.THIRD_PARTY: 0.015,
    Kind.BUSINESS_SERVICE: 0.04,
}
PREFIX = {
    Kind.SITE: "site",
    Kind.NETWORK_DEVICE: "net",
    Kind.HOST: "host",
    Kind.DATABASE: "db",
    Kind.QUEUE: "mq",
    Kind.THIRD_PARTY: "ext",
    Kind.BUSINESS_SERVICE: "biz",
    Kind.SERVICE: "svc",
}
SOFT_SHARE = 0.2
USE = {
    Kind.DATABASE: (0.4, Semantics.HARD),
    Kind.QUEUE: (0.2, Semantics.ASYNC),
    Kind.THIRD_PARTY: (0.05, Semantics.SOFT),
}


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.entities: list[Entity] = []
        self.dependencies: dict[tuple[str, str], Dependency] = {}
        self.groups: list[Group] = []

    def add(self, kind: Kind, count: int, tier: int | None = None) -> list[str]:
        start = sum(1 for entity in self.entities if entity.kind is kind)
        ids = [f"{PREFIX[kind]}-{start + i}" for i in range(count)]
        self.entities += [Entity(id=name, kind=kind, tier=tier) for name in ids]
        return ids

    def need(self, consumer: str, provider: str, semantics: Semantics = Semantics.HARD, group: str = "") -> None:
        buffer = 600 if semantics is Semantics.ASYNC else 0
        made = Dependency(consumer=consumer, provider=provider, semantics=semantics, group=group, buffer=buffer)
        self.dependencies.setdefault((consumer, provider), made)

    def popular(self, of: list[str]) -> str:
        """One of them, the first ones far more often."""
        return of[int(len(of) * self.rng.random() ** 2)]

    def pair(self, consumer: str, of: list[str], group: str) -> None:
        """Two neighbours of which one is enough."""
        first = self.rng.randrange(len(of))
        for step in range(2):
            self.need(consumer, of[(first + step) % len(of)], group=group)
        self.groups.append(Group(consumer=consumer, name=group, need=1))


def layered(seed: int, count: int) -> Topology:
    """A topology of about ``count`` entities (150 or more)."""
    build = _Builder(random.Random(f"topology {seed}"))
    rng = build.rng
    sites = build.add(Kind.SITE, 2 + count // 200)
    made = {
        kind: build.add(kind, max(4, round(count * share)), 1 if kind is Kind.BUSINESS_SERVICE else None)
        for kind, share in SHARES.items()
    }
    rest = count - len(build.entities)
    tiers = [build.add(Kind.SERVICE, rest // TIERS, 1 + tier) for tier in range(TIERS)]
    for business in made[Kind.BUSINESS_SERVICE]:
        for _ in range(2):
            build.need(business, rng.choice(tiers[0]))
    for at, tier in enumerate(tiers):
        for service in tier:
            _service(build, service, tiers[at + 1 :], made)
    for consumer in [*(s for tier in tiers for s in tier), *made[Kind.DATABASE], *made[Kind.QUEUE]]:
        build.pair(consumer, made[Kind.HOST], "hosts")
    for host in made[Kind.HOST]:
        build.pair(host, made[Kind.NETWORK_DEVICE], "uplinks")
    for placed in (*made[Kind.HOST], *made[Kind.NETWORK_DEVICE]):
        build.need(placed, rng.choice(sites))
    return Topology.build(build.entities, build.dependencies.values(), build.groups)


def _service(build: _Builder, service: str, below: list[list[str]], made: dict[Kind, list[str]]) -> None:
    """What one service of a tier needs of the tiers below it and of the data stores."""
    rng = build.rng
    for _ in range(rng.choice((1, 1, 2, 2, 3)) if below else 0):
        tier = below[0] if rng.random() < 0.8 else rng.choice(below)
        build.need(service, build.popular(tier), Semantics.SOFT if rng.random() < SOFT_SHARE else Semantics.HARD)
    for kind, (share, semantics) in USE.items():
        if rng.random() < share:
            build.need(service, build.popular(made[kind]), semantics)
