"""One audit: a topology in columns, the date, and what the checks need to know of it, reckoned when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import pairwise

import numpy as np

from topology.compiled import ASYNC, HARD, Compiled
from topology.continuity import Continuity
from topology.feasibility.claims import Shared, shared
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.limits import Limits, limits_of
from topology.feasibility.needs import Needs, needs_of
from topology.feasibility.times import Times, reckon
from topology.model import Entity, Kind, Topology

STORES = (Kind.DATABASE, Kind.QUEUE)


class Case:
    """Entities are numbered by sorted id. ``lag``: entity -> replication lag seen, in seconds."""

    def __init__(self, topology: Topology, on: date, lag: Mapping[str, int]) -> None:
        self.topology = topology
        self.on = on
        self.compiled: Compiled = topology.compiled
        self.entities: Sequence[Entity] = tuple(topology.entities.values())
        self.names = [entity.id for entity in self.entities]
        self.number = {name: number for number, name in enumerate(self.names)}
        self.said: Sequence[Continuity] = [entity.continuity for entity in self.entities]
        self.rto = [entity.rto for entity in self.entities]
        self.rpo = [entity.rpo for entity in self.entities]
        self.restore = [said.restore or 0 for said in self.said]
        self.lag = [lag.get(name) for name in self.names] if lag else [None] * len(self.names)

    @cached_property
    def needs(self) -> Needs:
        """Who waits for whom."""
        return needs_of(self.compiled)

    @cached_property
    def third_parties(self) -> list[int]:
        """In scope."""
        return [n for n, entity in enumerate(self.entities) if entity.kind is Kind.THIRD_PARTY and entity.scope]

    @cached_property
    def promised(self) -> Times:
        """Back by what providers promise: their RTO."""
        return reckon(self.needs, self.restore, self.rto, add=True)

    @cached_property
    def alone(self) -> list[int]:
        """What restoration takes; of a third party, whose restoration nobody knows, what its contract says."""
        return [self.restoration(n)[1] or 0 for n in range(len(self.names))]

    def restoration(self, entity: int) -> tuple[str, int | None]:
        """Which field says how long restoration takes, and how long."""
        said = self.said[entity]
        if said.restore is None and said.contract is not None and said.contract.rto is not None:
            return "contract.rto", said.contract.rto
        return "restore", said.restore

    @cached_property
    def believed(self) -> list[int | None]:
        """The RTO of third parties of which nothing else is known."""
        return [
            entity.rto if entity.kind is Kind.THIRD_PARTY and self.restoration(n)[1] is None else None
            for n, entity in enumerate(self.entities)
        ]

    @cached_property
    def achievable(self) -> Times:
        """Back by what restoration takes."""
        return reckon(self.needs, self.alone, self.believed, add=True)

    @cached_property
    def exposure(self) -> list[int]:
        """What an entity itself may lose, in seconds: the replication lag that is promised, else the time between
        backups, else what a contract promises; at least the lag that is seen."""
        return [max(_loss(said), seen or 0) for said, seen in zip(self.said, self.lag, strict=True)]

    @cached_property
    def kept(self) -> list[int | None]:
        """The RPO that entities which hold data promise to their consumers."""
        return [
            entity.rpo if holds_data(entity) or self.lag[n] is not None else None
            for n, entity in enumerate(self.entities)
        ]

    @cached_property
    def lost(self) -> Times:
        """Data lost by what those that hold it promise."""
        return reckon(self.needs, self.exposure, self.kept, add=False)

    @cached_property
    def rto_limits(self) -> Limits:
        """How long an entity may be away before a consumer's RTO is broken."""
        stops = [rto is not None for rto in self.rto]
        return limits_of(self.needs, self.achievable.order, self.restore, self.rto, stops, add=True)

    @cached_property
    def rpo_limits(self) -> Limits:
        """How much an entity may lose before a consumer's RPO is broken."""
        stops = [promise is not None for promise in self.kept]
        return limits_of(self.needs, self.achievable.order, self.restore, self.rpo, stops, add=False)

    def finding(
        self,
        check: str,
        severity: Level,
        entities: Sequence[int],
        sentence: str,
        *,
        chain: Sequence[int] = (),
        slack: int | None = None,
        fix: Fix | None = None,
    ) -> Finding:
        """A finding about entities by number; their owners are to be asked."""
        owners = dict.fromkeys(self.entities[n].owner for n in entities)
        return Finding(
            check=check,
            severity=severity,
            entities=tuple(self.names[n] for n in entities),
            sentence=sentence,
            chain=tuple(self.names[n] for n in chain),
            slack=slack,
            fix=fix,
            owners=tuple(owner for owner in owners if owner),
        )

    @cached_property
    def shared(self) -> list[Shared]:
        """Providers that several business units share."""
        return list(shared(self.entities, self.achievable.order, self.consumers))

    @cached_property
    def consumers(self) -> Sequence[Sequence[int]]:
        """Who waits for each entity, by number; one in several groups of a consumer has it several times."""
        compiled = self.compiled
        edges = compiled.in_edge[np.isin(compiled.semantics[compiled.in_edge], (HARD, ASYNC))]
        found = compiled.consumer[edges].tolist()
        ends = np.searchsorted(compiled.provider[edges], np.arange(len(self.names) + 1)).tolist()
        return [found[start:end] for start, end in pairwise(ends)]

    def providers(self, entity: int) -> Iterator[int]:
        """What an entity waits for, alternatives included."""
        for provider, _ in self.needs.single(entity):
            yield provider
        for group in self.needs.groups[entity]:
            for provider, _, _ in group.members:
                yield provider


def holds_data(entity: Entity) -> bool:
    """Whether data can be lost with it: databases, queues, and whatever names a replication, a backup or a contract's
    RPO; of a third party also its RPO."""
    said = entity.continuity
    if entity.kind in STORES or said.replication is not None or said.backup is not None:
        return True
    promised = said.contract is not None and said.contract.rpo is not None
    return promised or (entity.kind is Kind.THIRD_PARTY and entity.rpo is not None)


def _loss(said: Continuity) -> int:
    if said.replication is not None:
        return said.replication
    if said.backup is not None:
        return said.backup
    return (said.contract.rpo if said.contract else None) or 0
