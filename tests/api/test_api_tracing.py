"""Traces of an input's way: spans arrive as OTLP with the right parents; a collector that is away costs only spans."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api import bootstrap, settings
from api.findings import Wrong
from api.sinks.declared import World
from api.tracing import opening
from api.tracing_settings import Traces
from engine.signals import Span
from ingest import decoders
from tests.api.live import Live, alert, live
from tests.publish.receiver import Handler, Receiver, receiver
from tests.real.components import eventually

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET, LABEL = "collector-token-4711", "customer-4711"
RULES = "correlation: {group_wait: 0s, group_interval: 1s}\n"
TRACED = (
    "sinks: {{log: true}}\ntraces: {{endpoint: '{url}', allow_private: true, token_env: COLLECTOR, timeout: {wait}}}\n"
)


class Found:
    """A span as it arrived."""

    def __init__(self, span: Any) -> None:
        self.name, self.id, self.parent = span.name, span.span_id.hex(), span.parent_span_id.hex()
        self.trace, self.start, self.end = span.trace_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano
        self.error = span.status.code == 2
        self.attributes = {one.key: _value(one.value) for one in span.attributes}


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if which == "array_value" else getattr(value, which)


def taken(collector: Receiver) -> list[Found]:
    """All spans so far."""
    return [
        Found(span)
        for got in list(collector.got)
        for resource in ExportTraceServiceRequest.FromString(got.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def serving(folder: Path, url: str, wait: float = 2.0) -> Any:
    (folder / "rules").mkdir()
    (folder / "rules" / "all.yaml").write_text(RULES, encoding="utf-8")
    return live(folder, TRACED.format(url=url, wait=wait), variables={"COLLECTOR": SECRET})


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, collector: Receiver) -> Iterator[Live]:
    with serving(tmp_path_factory.mktemp("traced"), f"{collector.url}/v1/traces") as served:
        yield served


def spans_of(collector: Receiver, trace: str, *names: str) -> dict[str, Found]:
    def look() -> dict[str, Found]:
        found = {one.name: one for one in taken(collector) if one.trace == trace}
        return found if set(names) <= set(found) else {}

    return eventually(look, f"the spans {names} of {trace}")


def test_the_way_of_an_alert_is_a_trace_under_its_senders_span(world: Live, collector: Receiver) -> None:
    sent = world.client.post(
        "/api/v2/alerts",
        json=[alert("Down", "db", customer=LABEL)],
        headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "authorization": f"Bearer {SECRET}"},
    )
    assert sent.status_code == 200
    found = spans_of(collector, TRACE, "request", "decode", "decide", "commit", "publish")
    incident = world.incident_of("db")["id"]
    request = found["request"]
    assert request.parent == PARENT
    assert {one.parent for name, one in found.items() if name != "request"} == {request.id}
    assert request.attributes["http.route"] == "/api/v2/alerts"
    assert request.attributes["http.response.status_code"] == 200
    assert found["decode"].attributes["headwater.signals"] == 1
    event = world.get("/api/v1/alerts", name="Down")["items"][0]["first_event"]
    assert found["decide"].attributes["headwater.events"] == found["commit"].attributes["headwater.events"] == [event]
    assert found["commit"].attributes["headwater.incidents"] == [incident]
    assert found["publish"].attributes["headwater.incident"] == incident
    assert found["publish"].attributes["headwater.sink"] == "log"
    begins = [found[name].start for name in ("request", "decode", "decide", "commit", "publish")]
    assert begins == sorted(begins)
    assert found["decide"].end == found["commit"].start


def test_headwater_itself_would_take_these_spans_as_evidence(collector: Receiver, world: Live) -> None:
    spans_of(collector, TRACE, "publish")
    bodies = [got.body for got in collector.got]
    read = [decoders.decode("otlp-traces", body) for body in bodies]
    assert not [reject for one in read for reject in one.rejects]
    assert {type(signal) for one in read for signal in one.signals} <= {Span}


def test_no_secret_and_no_label_is_in_a_span(world: Live, collector: Receiver) -> None:
    spans_of(collector, TRACE, "publish")
    assert {got.headers["authorization"] for got in collector.got} == {f"Bearer {SECRET}"}
    exported = b"".join(got.body for got in collector.got)
    assert SECRET.encode() not in exported
    assert LABEL.encode() not in exported


def test_a_sender_that_wants_no_trace_gets_none_and_one_that_says_nothing_begins_its_own(
    world: Live, collector: Receiver
) -> None:
    silent = "1" * 32
    world.client.post("/api/v2/alerts", json=[alert("A", "db")], headers={"traceparent": f"00-{silent}-{PARENT}-00"})
    world.client.post("/api/v2/alerts", content=b"nonsense", headers={"content-type": "application/json"})

    def own() -> list[Found]:
        return [one for one in taken(collector) if one.name == "request" and not one.parent]

    (began,) = eventually(own, "a trace of its own")
    assert began.attributes["http.response.status_code"] == 400
    assert not [one for one in taken(collector) if one.trace == silent]


def test_a_collector_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    hangs, freed = threading.Event(), threading.Event()

    def behave(handler: Handler) -> None:
        hangs.set()
        freed.wait(30)
        handler.answer(503)

    with receiver() as server:
        server.behave = behave
        with serving(tmp_path, f"{server.url}/v1/traces", wait=1.0) as world:
            for number in range(20):
                assert world.send(alert(f"A{number}", "db")).status_code == 200
            assert hangs.wait(20)
            for number in range(20):
                assert world.send(alert(f"B{number}", "db")).status_code == 200
            assert world.get("/api/v1/totals")["received"] == 40
            assert world.client.get("/readyz").status_code == 200
            eventually(lambda: lost(world) > 0, "what it does not take is counted")
        freed.set()


def test_a_collector_that_is_not_there_costs_spans_and_nothing_else(tmp_path: Path) -> None:
    with serving(tmp_path, "http://127.0.0.1:9/v1/traces") as world:
        assert world.send(alert("A", "db")).status_code == 200
        eventually(lambda: lost(world) >= 4, "the spans are counted as lost")
        assert world.client.get("/readyz").status_code == 200


def lost(world: Live) -> float:
    lines = world.client.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith('headwater_trace_spans_total{result="lost"}')]
    return float(found[0].split()[1]) if found else 0.0


def test_the_token_is_named_in_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "headwater.yaml"
    config.write_text(TRACED.format(url="http://127.0.0.1:9/v1/traces", wait=1), encoding="utf-8")
    with pytest.raises(Wrong, match=r"traces\.token_env: COLLECTOR is not set"):
        settings.load(config, environment={})
    assert SECRET not in repr(settings.load(config, environment={"COLLECTOR": SECRET}))


def test_a_private_collector_is_reached_only_where_that_is_declared(tmp_path: Path, collector: Receiver) -> None:
    before = len(collector.got)
    with ExitStack() as stack:
        declared = Traces(endpoint=f"{collector.url}/v1/traces")
        post = opening._post(declared, World(bootstrap.now, tmp_path, stack))
        with pytest.raises(RuntimeError, match="EgressRefused"):
            post(b"", {})
    assert len(collector.got) == before
