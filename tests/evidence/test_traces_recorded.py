"""Recorded spans of real faults: the excerpts' README says where they come from."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.evidence.traces.onset import onset
from engine.evidence.traces.store import Traces
from engine.evidence.traces.terms import trace_terms
from engine.evidence.traces.view import Look
from engine.signals import Millis, Span
from ingest.decoders import plain_json

DATA = Path(__file__).parents[1] / "data" / "traces"
DELAYED = 1661152675_000
CONTENDED = 1661140434_000
MINUTE = 60_000


def recorded(name: str, backwards: bool = False) -> Traces:
    decoded = plain_json.decode(gzip.decompress((DATA / f"{name}.jsonl.gz").read_bytes()))
    assert not decoded.rejects
    traces = Traces()
    for one in reversed(decoded.signals) if backwards else decoded.signals:
        assert isinstance(one, Span)
        traces.add(one.labels.as_dict()["service"], one, 2 * DELAYED)
    return traces


def ranked(traces: Traces, since: Millis) -> list[str]:
    look = Look(traces, since, since + 5 * MINUTE)
    own = {entity: look.of(entity).own for entity in traces.entities}
    return sorted(own, key=lambda entity: (-own[entity], entity))


@pytest.mark.parametrize("backwards", [False, True])
def test_delayed_packets_show_on_the_way_to_the_entity_whose_packets_they_are(backwards: bool):
    traces = recorded("shipping_delay", backwards)
    assert ranked(traces, DELAYED)[0] == "shippingservice"
    shipping = Look(traces, DELAYED + MINUTE, DELAYED + 3 * MINUTE).of("shippingservice")
    assert {edge.subject.split(" → ")[0] for edge in shipping.network_in} == {"checkoutservice", "frontend"}
    assert all(edge.seen > 400 for edge in shipping.network_in)
    frontend = Look(traces, DELAYED, DELAYED + 3 * MINUTE).of("frontend")
    assert frontend.waits > 5 * frontend.own
    found = list(trace_terms(traces, "shippingservice", DELAYED + MINUTE, DELAYED + 3 * MINUTE))
    assert [(term.kind, term.facts["subject"]) for term in found] == [("network_time_up", "frontend → shippingservice")]
    began = onset(traces, "shippingservice", DELAYED + 3 * MINUTE)
    assert began is not None
    assert 0 <= began - (DELAYED - DELAYED % MINUTE) <= MINUTE


def test_a_contended_processor_shows_as_own_time_though_its_calls_are_slow_too():
    traces = recorded("frontend_processor")
    since = CONTENDED + MINUTE  # the first minute of the recording ends with the fault's first seconds
    assert ranked(traces, since)[0] == "frontend"
    frontend = Look(traces, since, since + 3 * MINUTE).of("frontend")
    assert frontend.self_time is not None
    assert frontend.self_time.ratio > 10
    kinds = {term.kind for term in trace_terms(traces, "frontend", since, since + 3 * MINUTE)}
    assert "self_time_up" in kinds
