"""Headwater's own JSON: every kind, three ways to write several, and mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.ports import Decoded
from engine.signals import AlertEvent, Change, Heartbeat, Labels, LogRecord, Samples, Span
from ingest.decoders import decode

T = 1661140434.0
MS = 1661140434000


def sent(*events: Any) -> Decoded:
    return decode("json", json.dumps(events).encode())


def only(*events: Any) -> Any:
    decoded = sent(*events)
    assert decoded.rejects == ()
    (signal,) = decoded.signals
    return signal


def test_an_alert_and_its_resolution_are_one_alert() -> None:
    common = {"kind": "alert", "name": "LatencyHigh", "service": "payment", "metric": "p99", "severity": "critical"}
    firing = only({**common, "t": T, "id": "a1", "status": "firing", "value": 9.5, "threshold": 2})
    resolved = only({**common, "t": T + 60, "id": "a2", "status": "resolved"})
    assert firing == AlertEvent(
        Labels.of({"alertname": "LatencyHigh", "service": "payment", "metric": "p99", "severity": "critical"}),
        True,
        MS,
        None,
        b'{"threshold":"2"}',
        "",
        9.5,
        "a1",
    )
    assert resolved.labels == firing.labels
    assert (resolved.firing, resolved.starts_at, resolved.ends_at) == (False, None, MS + 60_000)


def test_with_the_senders_fingerprint_a_change_of_severity_is_the_same_alert() -> None:
    common = {"kind": "alert", "name": "X", "service": "s", "fingerprint": "f1", "t": T}
    warning = only({**common, "severity": "warning"})
    critical = only({**common, "labels": {"severity": "critical"}})
    assert warning.labels == critical.labels == Labels.of({"alertname": "X", "service": "s", "fingerprint": "f1"})
    assert warning.annotations == b'{"severity":"warning"}'
    assert critical.annotations == b'{"severity":"critical"}'


def test_an_entity_stands_beside_a_service_and_labels_beside_both() -> None:
    event = only({"kind": "alert", "name": "X", "entity": "db-1", "labels": {"zone": "a"}, "t": T})
    assert event.labels.as_dict() == {"alertname": "X", "entity": "db-1", "zone": "a"}


def test_times_are_unix_seconds_or_rfc3339() -> None:
    numbers = only({"kind": "alert", "name": "X", "starts_at": T, "ends_at": T + 1})
    texts = only(
        {"kind": "alert", "name": "X", "starts_at": "2022-08-22T03:53:54Z", "ends_at": "2022-08-22T05:53:55+02:00"}
    )
    assert numbers == texts
    assert only({"kind": "metric", "service": "s", "metric": "m", "value": 1, "t": T + 0.123}).times == (MS + 123,)


def test_the_other_kinds() -> None:
    service = Labels.of({"service": "s"})
    assert only({"kind": "metric", "t": T, "service": "s", "metric": "m", "value": 2}) == Samples(
        Labels.of({"__name__": "m", "service": "s"}), (MS,), (2.0,)
    )
    assert only({"kind": "log", "t": T, "service": "s", "level": "ERROR", "message": "no"}) == LogRecord(
        service, MS, "error", "no"
    )
    assert only({"kind": "log", "service": "s", "message": "no"}) == LogRecord(service, None, "", "no")
    span = {"kind": "span", "trace": "t", "span": "1", "parent": None, "service": "s", "operation": "GET", "start": T}
    assert only({**span, "duration": 0.250123}) == Span(
        service, "t", "1", "", "GET", MS, MS + 250, False, "", MS * 1000, 250_123
    )
    assert only({**span, "duration": 0.25, "status": "error", "parent": "0", "span_kind": "SPAN_KIND_CLIENT"}) == Span(
        service, "t", "1", "0", "GET", MS, MS + 250, True, "client", MS * 1000, 250_000
    )
    unclear = only({**span, "duration": 1, "span_kind": "sideways"})
    assert isinstance(unclear, Span)
    assert unclear.kind == ""
    assert only({"kind": "change", "t": T, "service": "s", "change": "deploy", "detail": "v2", "id": 7}) == Change(
        service, MS, "deploy", "v2", "7"
    )
    assert only({"kind": "heartbeat", "source": "prom-a", "every": 60, "t": T}) == Heartbeat("prom-a", 60_000, MS)


EVENTS = [
    {"kind": "metric", "t": T, "service": "s", "metric": "m", "value": 1},
    {"kind": "log", "t": T, "service": "s", "message": "a\nb"},
    {"kind": "change", "t": T, "service": "s", "change": "flag"},
]


def test_an_array_lines_and_single_objects_say_the_same() -> None:
    lines = "\n".join(json.dumps(event) for event in EVENTS)
    expected = sent(*EVENTS)
    assert len(expected.signals) == 3
    for body in (lines, lines + "\n", lines.replace("\n", "\r\n"), f"\n\n{lines}\n\n", json.dumps(EVENTS, indent=2)):
        assert decode("json", body.encode()) == expected
    for index, event in enumerate(EVENTS):
        assert decode("json", json.dumps(event, indent=2).encode()).signals == expected.signals[index : index + 1]


@pytest.mark.parametrize("seam", ["array", "lines"])
@pytest.mark.parametrize(
    ("bad", "pointer", "reason"),
    [
        ({"kind": "trap"}, "/kind", "expected one of alert, metric, log, span, change, heartbeat"),
        ({"t": T}, "/kind", "expected one of"),
        ({"kind": "topology", "nodes": []}, "/kind", "expected one of"),
        (7, "", "expected an object, got a number"),
        ({"kind": "metric", "service": "s", "metric": "m", "value": None, "t": T}, "/value", "expected `float`"),
        ({"kind": "metric", "service": "s", "metric": "m", "value": "1", "t": T}, "/value", "expected `float`"),
        ({"kind": "metric", "service": "s", "metric": "m", "value": 1}, "", "expected a key 't'"),
        ({"kind": "metric", "service": "s", "metric": "m", "value": 1, "t": T * 1000}, "/t", "check the unit"),
        ({"kind": "metric", "service": "s", "value": 1, "t": T}, "", "expected a key 'metric'"),
        ({"kind": "alert", "t": T}, "", "expected a service, an entity or labels"),
        ({"kind": "alert", "name": "X", "status": "open"}, "/status", "'firing' or 'resolved'"),
        ({"kind": "alert", "name": "X", "starts_at": T, "ends_at": T - 1}, "/ends_at", "not before"),
        ({"kind": "alert", "name": "X", "labels": {"a": 1}}, "/labels/a", "expected a string"),
        ({"kind": "alert", "name": "X", "annotations": {"a": 1}}, "/annotations/a", "expected a string"),
        ({"kind": "alert", "name": "x" * 5000}, "/alertname", "at most 4096 bytes"),
        ({"kind": "log", "message": "who?"}, "", "expected a service, an entity or labels"),
        ({"kind": "log", "service": "s", "message": "x", "t": "noon"}, "/t", "RFC 3339"),
        (
            {"kind": "span", "trace": "t", "span": "s", "service": "s", "start": T, "duration": -1},
            "/duration",
            "between 0",
        ),
        ({"kind": "heartbeat", "every": 60}, "", "expected a key 'source'"),
        ({"kind": "heartbeat", "source": "p", "every": 0}, "/every", "between 1 and one year"),
    ],
)
def test_a_bad_event_is_named_and_its_neighbours_are_kept(seam: str, bad: Any, pointer: str, reason: str) -> None:
    events = [EVENTS[0], bad, EVENTS[1]]
    body = json.dumps(events) if seam == "array" else "\n".join(json.dumps(event) for event in events)
    decoded = decode("json", body.encode())
    assert len(decoded.signals) == 2
    (reject,) = decoded.rejects
    assert reject.pointer == f"/1{pointer}"
    assert reason in reject.reason
    assert json.loads(reject.raw) == bad


def test_several_mistakes_of_one_event_are_told_at_once() -> None:
    decoded = sent({"kind": "span", "trace": 1, "span": "s", "start": [], "service": 3})
    (reject,) = decoded.rejects
    for place in ("/0/trace", "/0/start", "/0/service", "'duration'"):
        assert place in f"{reject.pointer} {reject.reason}"


def test_a_broken_line_costs_only_itself() -> None:
    good = json.dumps(EVENTS[0])
    decoded = decode("json", f'{good}\n{{"kind":"metric",\n{good}\n{{"kind":"metric","value":NaN}}\n{good}'.encode())
    assert len(decoded.signals) == 3
    assert [reject.pointer for reject in decoded.rejects] == ["/1", "/3"]


@pytest.mark.parametrize("body", [b"", b" \n ", b"{", b"[", b"nonsense", b"\x00\xff"])
def test_a_body_of_nothing_is_one_reject(body: bytes) -> None:
    decoded = decode("json", body)
    assert decoded.signals == ()
    assert len(decoded.rejects) == 1
    assert decoded.rejects[0].raw == body


def test_every_event_of_a_body_counts_towards_the_limit() -> None:
    body = b"\n".join([b'{"kind":"log","service":"s","message":""}'] * 10_001)
    assert "at most 10000 lines" in decode("json", body).rejects[0].reason
