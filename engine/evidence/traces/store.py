"""The state of trace evidence: what is held, what entities and edges have shown, and what was not used."""

from __future__ import annotations

from collections.abc import Set

import msgspec

from engine.evidence.traces.assembly import MOST_HELD, Assembly, Held
from engine.evidence.traces.cell import BLOCK, MINUTE, Cell
from engine.evidence.traces.network_time import UNSEEN, Shown
from engine.evidence.traces.operation import SHARED, named
from engine.signals import Millis, Span

OPERATIONS = 48
"""Operations of one entity that are told apart."""
MOST_CELLS = 10_000
"""Operations and edges kept; all full they take about a hundred megabytes. Spans beyond are counted in ``ignored``."""
FORGOTTEN = 43_200
"""Minutes (30 days) after which an edge that is no longer seen is forgotten."""
LONGEST = 1 << 40
"""Microseconds (two weeks) beyond which no duration is believed."""


class Reporter(msgspec.Struct, array_like=True):
    """An entity that reports spans: its operations, since when and until when, and how many.

    ``bound`` is the smallest hash of the operations that share a cell, 0 while each has its own.
    """

    first: Millis
    last: Millis
    spans: int = 0
    operations: dict[str, Cell] = {}
    bound: int = 0


class Edge(msgspec.Struct, array_like=True):
    """Calls from a consumer to a provider: when first and last, how many, and how many of them failed."""

    first: Millis
    last: Millis
    calls: int = 0
    failed: int = 0
    cell: Cell = msgspec.field(default_factory=Cell)


class Traces(msgspec.Struct):
    """Entities by id, edges by consumer and provider; ``latest`` is the youngest minute of any span."""

    entities: dict[str, Reporter] = {}
    edges: dict[str, dict[str, Edge]] = {}
    assembly: Assembly = msgspec.field(default_factory=Assembly)
    latest: int = 0
    cells: int = 0
    ignored: int = 0

    def add(self, entity: str, span: Span, limit: Millis) -> None:
        """One span of an entity; ends after ``limit`` are taken for the limit. A repetition changes nothing."""
        end = min(span.end, limit)
        minute = end // MINUTE
        if minute > self.latest:
            self._advance(minute)
        operation, digest = named(span.operation)
        start = span.start * 1000 if span.start_us is None else span.start_us
        lasted = (span.end - span.start) * 1000 if span.duration_us is None else span.duration_us
        held = Held(entity, operation, start, min(max(lasted, 0), LONGEST), minute, span.kind, span.failed, covered=[])
        reporter = self.entities.get(entity)
        if reporter is None:
            reporter = self.entities[entity] = Reporter(end, end)
        if operation not in reporter.operations:
            self._name(reporter, operation, digest)
        if self.assembly.add(span.trace, span.span, span.parent, held, self._count, self._call):
            reporter.spans += 1
            reporter.first = min(reporter.first, end)
            reporter.last = max(reporter.last, end)
        if self.assembly.held > MOST_HELD:
            self.assembly.forget(self.latest)

    def of(self, entity: str) -> dict[str, Cell]:
        """The operations of an entity, brought up to date."""
        reporter = self.entities.get(entity)
        if reporter is None:
            return {}
        for cell in reporter.operations.values():
            cell.fold(self.latest)
        return reporter.operations

    def edge(self, consumer: str, provider: str) -> Edge | None:
        """An edge, brought up to date."""
        found = self.edges.get(consumer, {}).get(provider)
        if found is not None:
            found.cell.fold(self.latest)
        return found

    def providers(self, entity: str) -> list[str]:
        """Whom an entity was seen to call, of those that report spans themselves."""
        return sorted(provider for provider in self.edges.get(entity, ()) if provider != UNSEEN)

    def consumers(self, entity: str) -> list[str]:
        """Who was seen to call an entity."""
        return sorted(consumer for consumer, of in self.edges.items() if entity in of)

    def let_go(self, gone: Set[str]) -> None:
        """These entities are no longer kept here: nor are their spans that wait for their relatives."""
        self.assembly.let_go(gone)

    def count(self) -> None:
        """Count the cells anew, after entities or edges have come or gone."""
        self.cells = sum(len(one.operations) for one in self.entities.values()) + sum(map(len, self.edges.values()))

    def _advance(self, minute: int) -> None:
        """A minute has begun: old traces go, and once in a block what has nothing left to say."""
        before, self.latest = self.latest, minute
        self.assembly.forget(minute)
        if minute // BLOCK > before // BLOCK:
            self._sweep()

    def _sweep(self) -> None:
        for reporter in self.entities.values():
            for name in [n for n, cell in reporter.operations.items() if not cell.fold(self.latest)]:
                del reporter.operations[name]
                self.cells -= 1
        for edges in self.edges.values():
            for provider, edge in list(edges.items()):
                if not edge.cell.fold(self.latest) and edge.last < (self.latest - FORGOTTEN) * MINUTE:
                    del edges[provider]
                    self.cells -= 1

    def _name(self, reporter: Reporter, operation: str, digest: int) -> None:
        """A cell of its own for an operation, unless its hash is too large."""
        if reporter.bound and digest >= reporter.bound:
            return
        if self.cells >= MOST_CELLS:
            return
        operations = reporter.operations
        operations[operation] = Cell()
        self.cells += 1
        if len(operations) > OPERATIONS + (SHARED in operations):
            last = max((name for name in operations if name != SHARED), key=lambda name: named(name)[1])
            reporter.bound = named(last)[1]
            if SHARED not in operations:
                operations[SHARED] = Cell()
            else:
                self.cells -= 1
            operations[SHARED].merge(operations.pop(last), self.latest)

    def _count(self, held: Held, shown: Shown, sign: int) -> None:
        if shown.provider is None:
            operations = self.entities[held.entity].operations
            cell = operations.get(held.operation) or operations.get(SHARED)
        else:
            found = self._edge(held.entity, shown.provider, held)
            cell = found.cell if found else None
        tally = cell.tally(held.minute, self.latest) if cell is not None else None
        if cell is None or tally is None:
            self.ignored += sign
            return
        if not shown.provider:  # calls to a provider that reports spans are counted when they are paired
            tally.spans += sign
            tally.failed += sign * held.failed
            tally.origin += sign * shown.origin
        if shown.time is not None:
            tally.measure(shown.time, sign)
        if sign < 0:
            cell.tidy(held.minute, self.latest)

    def _call(self, parent: Held, child: Held) -> None:
        edge = self._edge(parent.entity, child.entity, child)
        if edge is None:
            return
        at = child.minute * MINUTE
        edge.first = min(edge.first, at)
        edge.last = max(edge.last, at)
        edge.calls += 1
        failed = child.failed or (parent.failed and parent.kind == "client")
        edge.failed += failed
        tally = edge.cell.tally(child.minute, self.latest)
        if tally is not None:
            tally.spans += 1
            tally.failed += failed
            tally.origin += failed

    def _edge(self, consumer: str, provider: str, span: Held) -> Edge | None:
        of = self.edges.get(consumer)
        found = of.get(provider) if of else None
        if found is None and self.cells < MOST_CELLS:
            at = span.minute * MINUTE if provider != UNSEEN else 0
            found = self.edges.setdefault(consumer, {})[provider] = Edge(at, at)
            self.cells += 1
        return found
