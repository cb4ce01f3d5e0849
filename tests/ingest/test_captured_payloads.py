"""What real programs sent decodes to what other decoders say it is."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable

import pytest

from engine.signals import AlertEvent, LogRecord, Samples, SampleTable, Span
from ingest.decoders import decode
from ingest.encoding import undo

Capture = Callable[[str], bytes]


def encoding_of(body: bytes) -> str:
    return "gzip" if body[:2] == b"\x1f\x8b" else ""


@pytest.mark.parametrize("number", ["001", "009", "018"])
def test_remote_write_gives_every_series_sample_and_stale_marker(capture: Capture, number: str) -> None:
    name = f"prometheus/{number}-POST-api_v1_write.body"
    said = json.loads(capture(name + ".decoded.json"))
    expected: list[tuple[dict[str, str], list[tuple[int, float]], bool]] = []
    for series in said["timeseries"]:
        finite = [(at, value) for at, value in series["samples"] if not math.isnan(value)]
        stale = [(at, value) for at, value in series["samples"] if math.isnan(value)]
        if finite:
            expected.append((series["labels"], finite, False))
        expected += [(series["labels"], [(at, value)], True) for at, value in stale]

    decoded = decode("remote-write", capture(name))

    assert decoded.rejects == ()
    (table,) = decoded.signals
    assert isinstance(table, SampleTable)
    signals = list(table.one_by_one())
    assert len(signals) == len(expected) > 0
    for signal, (labels, samples, stale_marker) in zip(signals, expected, strict=True):
        assert signal.labels.as_dict() == labels
        assert signal.times == tuple(at for at, _ in samples)
        assert signal.values == (() if stale_marker else tuple(value for _, value in samples))
        assert signal.stale is stale_marker
    assert (number == "001") is not any(stale_marker for *_, stale_marker in expected)


def test_remote_write_metadata_is_neither_signal_nor_mistake(capture: Capture) -> None:
    decoded = decode("remote-write", capture("prometheus/003-POST-api_v1_write.body"))
    assert decoded.signals == ()
    assert decoded.rejects == ()


@pytest.mark.parametrize("number", ["002", "005", "012"])
def test_alerts_of_a_prometheus_keep_everything_and_expire(capture: Capture, number: str) -> None:
    body = capture(f"prometheus/{number}-POST-am_api_v2_alerts.body")
    (said,) = json.loads(body)

    decoded = decode("alertmanager-v2", body)

    assert decoded.rejects == ()
    (event,) = decoded.signals
    assert isinstance(event, AlertEvent)
    assert event.labels.as_dict() == said["labels"]
    assert json.loads(event.annotations) == said["annotations"]
    assert event.url == said["generatorURL"]
    assert event.firing
    assert event.resent
    assert event.starts_at is not None
    assert event.ends_at is not None
    assert event.ends_at - event.starts_at in (20_000, 26_000)


def test_one_alert_has_one_fingerprint_straight_from_prometheus_and_through_alertmanager(capture: Capture) -> None:
    (direct,) = decode("alertmanager-v2", capture("prometheus/002-POST-am_api_v2_alerts.body")).signals
    (firing,) = decode("alertmanager-webhook", capture("prometheus/006-POST-webhook_alertmanager.body")).signals
    (resolved,) = decode("alertmanager-webhook", capture("prometheus/010-POST-webhook_alertmanager.body")).signals
    assert isinstance(direct, AlertEvent)
    assert isinstance(firing, AlertEvent)
    assert isinstance(resolved, AlertEvent)
    assert direct.labels == firing.labels == resolved.labels
    assert direct.labels.fingerprint == firing.labels.fingerprint
    assert direct.starts_at == firing.starts_at == resolved.starts_at == 1795332750164
    assert (firing.firing, firing.ends_at) == (True, None)
    assert (resolved.firing, resolved.ends_at) == (False, 1795332752164)


@pytest.mark.parametrize("number", ["004", "008"])
def test_logs_of_an_otel_sdk(capture: Capture, number: str) -> None:
    body = capture(f"otlp/{number}-POST-v1_logs.body")
    decoded = decode("otlp-logs", undo(encoding_of(body), body))
    assert decoded.rejects == ()
    assert [(log.level, log.message) for log in decoded.signals if isinstance(log, LogRecord)] == [
        ("error", "db timeout order=42"),
        ("error", "query failed"),
        ("warning", "retrying"),
    ]
    assert {log.labels.as_dict()["service"] for log in decoded.signals if isinstance(log, LogRecord)} == {"checkout"}
    first = decoded.signals[0]
    assert isinstance(first, LogRecord)
    assert first.labels.as_dict() == {
        "service": "checkout",
        "host": "web-1",
        "k8s_pod_name": "checkout-7f",
        "deployment_environment": "test",
    }


@pytest.mark.parametrize("number", ["002", "006"])
def test_metrics_of_an_otel_sdk(capture: Capture, number: str) -> None:
    body = capture(f"otlp/{number}-POST-v1_metrics.body")
    decoded = decode("otlp-metrics", undo(encoding_of(body), body))
    assert decoded.rejects == ()
    found = {series.labels.as_dict()["__name__"]: series for series in decoded.signals if isinstance(series, Samples)}
    assert {name: series.values for name, series in found.items()} == {
        "queue_depth": (3.0,),
        "http_server_requests": (5.0,),
        "http_server_duration_count": (3.0,),
        "http_server_duration_sum": (1283.0,),
    }
    assert found["http_server_requests"].labels.as_dict()["code"] == "500"
    assert found["queue_depth"].labels.as_dict()["service"] == "checkout"


@pytest.mark.parametrize("number", ["001", "005"])
def test_spans_of_an_otel_sdk(capture: Capture, number: str) -> None:
    body = capture(f"otlp/{number}-POST-v1_traces.body")
    said = json.loads(capture(f"otlp/{number}-POST-v1_traces.body.decoded.json"))
    spans = said["resourceSpans"][0]["scopeSpans"][0]["spans"]
    decoded = decode("otlp-traces", undo(encoding_of(body), body))
    assert decoded.rejects == ()
    assert len(decoded.signals) == len(spans) == 2
    for span, expected in zip(decoded.signals, spans, strict=True):
        assert isinstance(span, Span)
        assert span.trace == base64.b64decode(expected["traceId"]).hex()
        assert span.span == base64.b64decode(expected["spanId"]).hex()
        assert span.parent == base64.b64decode(expected.get("parentSpanId", "")).hex()
        assert span.operation == expected["name"]
        assert span.start == int(expected["startTimeUnixNano"]) // 1_000_000
        assert span.end == int(expected["endTimeUnixNano"]) // 1_000_000
        lasted = int(expected["endTimeUnixNano"]) - int(expected["startTimeUnixNano"])
        assert (span.start_us, span.duration_us) == (int(expected["startTimeUnixNano"]) // 1000, lasted // 1000)
        assert span.kind == expected["kind"].removeprefix("SPAN_KIND_").lower()
        assert span.failed is (expected.get("status", {}).get("code") == "STATUS_CODE_ERROR")


@pytest.mark.parametrize(
    ("name", "format"),
    [("001-POST-v1_traces", "otlp-traces"), ("002-POST-v1_metrics", "otlp-metrics"), ("004-POST-v1_logs", "otlp-logs")],
)
def test_the_json_encoding_of_a_request_says_the_same_as_its_protobuf(capture: Capture, name: str, format: str) -> None:
    body = capture(f"otlp/{name}.body")
    view = json.loads(capture(f"otlp/{name}.body.decoded.json"))
    for group in view.get("resourceSpans", []):  # protobuf's JSON writes ids in base64, OTLP's in hexadecimal
        for span in group["scopeSpans"][0]["spans"]:
            for key in ("traceId", "spanId", "parentSpanId"):
                span[key] = base64.b64decode(span.get(key, "")).hex()
    for group in view.get("resourceLogs", []):
        for record in group["scopeLogs"][0]["logRecords"]:
            for key in ("traceId", "spanId"):
                record[key] = base64.b64decode(record.get(key, "")).hex()
    as_json = decode(format + "-json", json.dumps(view).encode())
    assert as_json.rejects == ()
    assert as_json.signals == decode(format, undo(encoding_of(body), body)).signals
