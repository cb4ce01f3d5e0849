"""Made-up traces: what is a span here in one line."""

from __future__ import annotations

from engine.evidence.traces.store import Traces
from engine.signals import Labels, Span

T0 = 1_767_225_600_000
MINUTE = 60_000
NOBODY = Labels.of({"service": "x"})


def span(
    name: str,
    entity: str,
    parent: str = "",
    *,
    at: float = 0,
    lasts: float = 10,
    trace: str = "t",
    kind: str = "",
    failed: bool = False,
    operation: str = "op",
) -> tuple[str, Span]:
    """(entity, span): ``at`` in milliseconds since `T0`, ``lasts`` in milliseconds."""
    start, duration = round((T0 + at) * 1000), round(lasts * 1000)
    end = (start + duration) // 1000
    found = Span(NOBODY, trace, name, parent, operation, start // 1000, end, failed, kind, start, duration)
    return entity, found


def seen(*spans: tuple[str, Span]) -> Traces:
    """What these spans show, in this order."""
    traces = Traces()
    for entity, one in spans:
        traces.add(entity, one, T0 * 2)
    return traces


def shows(traces: Traces) -> dict[str, object]:
    """Everything that traces say of entities and edges."""
    own = {
        entity: {name: whole(cell) for name, cell in sorted(traces.of(entity).items()) if any(whole(cell))}
        for entity in sorted(traces.entities)
    }
    edges = {
        (consumer, provider): (edge.first, edge.last, edge.calls, edge.failed, whole(edge.cell))
        for consumer in sorted(traces.edges)
        for provider in sorted(traces.edges[consumer])
        if (edge := traces.edge(consumer, provider)) is not None and (edge.calls or any(whole(edge.cell)))
    }
    return {"own": own, "edges": edges}


def whole(cell) -> tuple:
    """All that a cell counts, by minute and block."""
    sums = [sorted((at, _plain(tally)) for at, tally in table.items()) for table in (cell.minutes, cell.blocks)]
    return tuple(tuple(rows) for rows in sums)


def _plain(tally) -> tuple:
    return (tally.spans, tally.failed, tally.origin, tally.total, tuple(sorted(tally.bins.items())))


def self_ms(traces: Traces, entity: str) -> float:
    """Sum of the self times of an entity in milliseconds."""
    cells = traces.of(entity).values()
    return sum(tally.total for cell in cells for tally in (*cell.minutes.values(), *cell.blocks.values())) / 1000


def network_ms(traces: Traces, consumer: str, provider: str) -> list[float]:
    """(sum, count) of the network times of an edge in milliseconds."""
    edge = traces.edge(consumer, provider)
    if edge is None:
        return [0.0, 0]
    tallies = (*edge.cell.minutes.values(), *edge.cell.blocks.values())
    return [sum(tally.total for tally in tallies) / 1000, sum(tally.measured for tally in tallies)]
