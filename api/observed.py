"""Dependencies that spans show beside those that are declared: for the API, and as gauges. They change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.observed_schemas import ObservedTopology
from api.schemas import Versions
from engine.evidence.traces.observed import ObservedEdge, UnseenEdge, observed, unseen
from engine.evidence.traces.store import Traces
from topology.model import Topology


class Observations(Collector):
    """Compares what spans have shown so far with the topology in force, whenever it is asked."""

    def __init__(
        self, traces: Callable[[], Traces | None], topology: Callable[[], Topology], registry: CollectorRegistry
    ) -> None:
        self._traces, self._topology = traces, topology
        registry.register(self)

    def now(self, most: int) -> ObservedTopology:
        """The answer of this moment, with at most so many edges of each sort."""
        topology = self._topology()
        edges, missed = compared(self._traces() or Traces(), topology)
        edges.sort(key=lambda edge: (edge.declared, edge.consumer, edge.provider))
        names = {name for edge in edges for name in (edge.consumer, edge.provider)}
        return ObservedTopology(
            versions=Versions(topology.version, topology.version),
            total=len(edges),
            undeclared=sum(not edge.declared for edge in edges),
            edges=edges[:most],
            unseen_total=len(missed),
            unseen=missed[:most],
            unknown=sorted(names - topology.entities.keys())[:most],
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing is looked at to register them."""
        return [_gauge("undeclared", 0.0), _gauge("unseen", 0.0)]

    def collect(self) -> Iterable[Metric]:
        """Edges seen and not declared, declared and not seen."""
        edges, missed = compared(self._traces() or Traces(), self._topology())
        yield _gauge("undeclared", sum(not edge.declared for edge in edges))
        yield _gauge("unseen", len(missed))


def compared(traces: Traces, topology: Topology) -> tuple[list[ObservedEdge], list[UnseenEdge]]:
    """Edges seen, and those declared between reporting entities that were not."""

    def declared(consumer: str, provider: str) -> bool:
        return any(d.provider == provider for d in topology.providers(consumer))

    reporting = sorted(traces.entities)
    pairs = ((one, d.provider) for one in reporting for d in topology.providers(one))
    return list(observed(traces, declared)), list(unseen(traces, pairs))


def _gauge(which: str, value: float) -> Metric:
    if which == "undeclared":
        name, text = "headwater_edges_seen_undeclared", "Dependencies that spans show and the topology does not."
    else:
        name, text = "headwater_edges_declared_unseen", "Declared dependencies that spans of both ends do not show."
    return GaugeMetricFamily(name, text, value)
