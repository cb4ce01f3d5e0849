"""What traces say of an entity around a moment, for verdicts and for the cause ranking.

Two bases: the entity's own minutes before the window (`deviation`), and, weaker, its peers in the same window (`peers`)
where spans only began with the trouble. A long call alone does not say whose fault it is; here it is split into time of
its own, time on the way in from consumers, and time on the way out to providers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log2
from typing import Literal

import msgspec

from engine.evidence.traces.cell import MINUTE, Cell
from engine.evidence.traces.deviation import Deviation, error_deviation, strata, time_deviation
from engine.evidence.traces.network_time import UNSEEN
from engine.evidence.traces.peers import Beside, beside
from engine.evidence.traces.store import Traces
from engine.evidence.traces.tally import Tally, merged
from engine.signals import Millis

SURE = 5.0
"""Robust standard deviations at which a score counts half."""
HALF = 1.5
"""Octaves above the usual, surely so, that are evidence of half strength."""
OF_PEERS = 0.75
"""What a comparison with peers counts beside one with the entity's own past."""
ALL_SIDES, EDGES = 0.3, 3
"""A consumer whose calls are slow by this strength on most of its edges, if it has so many, is slow itself …"""
EXCUSED = 0.5
"""… and what arrives from no other consumer counts so much against a provider."""
LOOKBACK: Millis = 240_000
"""How long before the window peers are compared: what has lasted for longer is compared with nobody's past."""
MOST_PEERS = 200
"""Peers that are compared; the first by id."""


_Kind = Literal["self_time", "network_time", "errors"]


class Finding(msgspec.Struct, frozen=True):
    """One signal of an entity, or of the edge ``subject`` (consumer → provider), in the window.

    ``score`` in robust standard deviations, ``usual`` and ``seen`` in milliseconds per span (shares for errors),
    ``ratio`` of them; ``spans`` seen, ``history`` compared with: spans before, or the number of peers.
    """

    kind: _Kind
    subject: str
    score: float
    ratio: float
    usual: float
    seen: float
    spans: int
    history: int
    minutes: int
    basis: Literal["history", "peers"]
    most: str = ""

    @property
    def strength(self) -> float:
        """0 … 1: octaves above the usual, times how sure that is."""
        up = max(self.score, 0.0)
        worth = log2(max(self.ratio, 1.0)) * up / (up + SURE)
        return worth / (worth + HALF) * (OF_PEERS if self.basis == "peers" else 1.0)


class TraceEvidence(msgspec.Struct, frozen=True):
    """What the spans of an entity show; None where they are too few to tell.

    ``network_in`` and ``network_out`` are the edges from its consumers and to its providers; ``arriving`` and
    ``leaving`` all of them together. A consumer that is slow towards most of its providers does not count among those
    arriving, unless all are (``excused``).
    """

    entity: str
    self_time: Finding | None = None
    errors: Finding | None = None
    network_in: tuple[Finding, ...] = ()
    network_out: tuple[Finding, ...] = ()
    arriving: Finding | None = None
    leaving: Finding | None = None
    excused: bool = False

    @property
    def own(self) -> float:
        """0 … 1: the trouble is its own: its time, its failures, or the network on all its sides."""
        arriving = self.arriving.strength if self.arriving else 0.0
        others = [one.strength for one in (self.self_time, self.errors, self.leaving) if one]
        return max(arriving * (EXCUSED if self.excused else 1.0), *others, 0.0)

    @property
    def waits(self) -> float:
        """0 … 1: it waits for the network to one of its providers."""
        return max((one.strength for one in self.network_out), default=0.0)


class Look:
    """Traces in ``since … until`` (milliseconds), beside what was before; peers are compared once."""

    def __init__(self, traces: Traces, since: Millis, until: Millis) -> None:
        self.traces = traces
        self.low, self.high = since // MINUTE, until // MINUTE
        self._wide = self.low - LOOKBACK // MINUTE
        self._selves: Mapping[str, Beside] | None = None
        self._ways: Mapping[tuple[str, str], Beside] | None = None
        self._slow: dict[str, bool] = {}

    def of(self, entity: str) -> TraceEvidence:
        """The evidence of one entity, from its past and its peers: whichever says more."""
        if entity not in self.traces.entities:
            return TraceEvidence(entity)
        arriving = [(consumer, entity) for consumer in self.traces.consumers(entity)]
        leaving = [(entity, provider) for provider in self.traces.providers(entity)]
        even = [edge for edge in arriving if not self._slow_to_most(edge[0])]
        together = self._together(entity, even)
        return TraceEvidence(
            entity=entity,
            self_time=_stronger(self.self_time(entity), _of_peers("self_time", entity, self.selves().get(entity))),
            errors=self.errors(entity),
            network_in=tuple(found for edge in arriving if (found := self.edge(*edge))),
            network_out=tuple(found for edge in leaving if (found := self.edge(*edge))),
            arriving=together or self._together(entity, arriving),
            leaving=self._together(entity, leaving) if len(leaving) > 1 else None,
            excused=together is None,
        )

    def self_time(self, entity: str) -> Finding | None:
        """Self time of an entity's operations against their own past."""
        cells = self.traces.of(entity).items()
        return _of_past("self_time", entity, time_deviation(strata(cells, self.low, self.high)))

    def errors(self, entity: str) -> Finding | None:
        """Spans of an entity that failed although none of their children did, against its own past."""
        cells = self.traces.of(entity).items()
        return _of_past("errors", entity, error_deviation(strata(cells, self.low, self.high)))

    def network(self, edges: Iterable[tuple[str, str]], subject: str) -> Finding | None:
        """Network time of edges, each against its own past, all together."""
        cells = [(named(edge), cell) for edge in edges if (cell := self._cell(edge)) is not None]
        return _of_past("network_time", subject, time_deviation(strata(cells, self.low, self.high)))

    def edge(self, consumer: str, provider: str) -> Finding | None:
        """Network time of one edge, from its past and its peers: whichever says more."""
        edge = (consumer, provider)
        past = self.network([edge], named(edge))
        return _stronger(past, _of_peers("network_time", named(edge), self.ways().get(edge)))

    def selves(self) -> Mapping[str, Beside]:
        """Mean self times of all entities beside each other."""
        if self._selves is None:
            window = {}
            for entity in sorted(self.traces.entities)[:MOST_PEERS]:
                cells = self.traces.of(entity).values()
                window[entity] = merged(t for cell in cells for _, t in cell.within(self._wide, self.high))
            self._selves = beside(window)
        return self._selves

    def ways(self) -> Mapping[tuple[str, str], Beside]:
        """Mean network times of all edges beside each other."""
        if self._ways is None:
            edges = sorted((c, p) for c, of in self.traces.edges.items() for p in of if p != UNSEEN)[:MOST_PEERS]
            window: dict[tuple[str, str], Tally] = {}
            for edge in edges:
                cell = self._cell(edge)
                window[edge] = merged(t for _, t in cell.within(self._wide, self.high)) if cell else Tally()
            self._ways = beside(window)
        return self._ways

    def _slow_to_most(self, consumer: str) -> bool:
        if consumer not in self._slow:
            found = [self.edge(consumer, provider) for provider in self.traces.providers(consumer)]
            strengths = sorted(one.strength for one in found if one)
            self._slow[consumer] = len(strengths) >= EDGES and strengths[(len(strengths) - 1) // 2] >= ALL_SIDES
        return self._slow[consumer]

    def _together(self, entity: str, edges: list[tuple[str, str]]) -> Finding | None:
        """All edges on one side of an entity: the past of all, or what at least half of them are beside their peers."""
        past = self.network(edges, entity)
        peers = [found for edge in edges if (found := _of_peers("network_time", entity, self.ways().get(edge)))]
        peers.sort(key=lambda found: (found.strength, found.spans))
        return _stronger(past, peers[(len(peers) - 1) // 2] if peers else None)

    def _cell(self, edge: tuple[str, str]) -> Cell | None:
        found = self.traces.edge(*edge)
        return found.cell if found else None


class Looks:
    """Looks by window, each made once: valid until the next span."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._made: dict[tuple[int, int], Look] = {}

    def at(self, since: Millis, until: Millis) -> Look:
        """The look at ``since … until``."""
        window = (since // MINUTE, until // MINUTE)
        if window not in self._made:
            self._made[window] = Look(self._traces, since, until)
        return self._made[window]


def named(edge: tuple[str, str]) -> str:
    """An edge in words."""
    return f"{edge[0]} → {edge[1]}"


def _stronger(past: Finding | None, peers: Finding | None) -> Finding | None:
    if past is None or peers is None:
        return past or peers
    return peers if peers.strength > past.strength else past


def _of_past(kind: _Kind, subject: str, d: Deviation | None) -> Finding | None:
    if d is None:
        return None
    return Finding(kind, subject, d.score, d.ratio, d.usual, d.seen, d.spans, d.history, d.minutes, "history", d.most)


def _of_peers(kind: _Kind, subject: str, b: Beside | None) -> Finding | None:
    if b is None:
        return None
    return Finding(kind, subject, b.score, b.ratio, b.usual, b.seen, b.spans, b.peers, 0, "peers")
