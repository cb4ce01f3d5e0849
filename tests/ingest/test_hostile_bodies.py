"""Whatever arrives: an answer, soon, small, the same each time, and no exception."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ports import Decoded
from engine.signals import AlertEvent
from ingest.decoders import DECODERS, decode

FORMATS = sorted(DECODERS)
GOOD = b'{"labels":{"alertname":"good"}}'


def checked(format: str, body: bytes) -> Decoded:
    decoded = decode(format, body)
    again = decode(format, body)
    assert again == decoded or repr(again) == repr(decoded)  # NaN is never equal
    assert not any("the decoder failed" in reject.reason for reject in decoded.rejects), decoded.rejects
    return decoded


@pytest.mark.parametrize("format", FORMATS)
@given(body=st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(format: str, body: bytes) -> None:
    checked(format, body)


KEYS = """
    labels annotations startsAt endsAt generatorURL alerts status kind t value resource resourceLogs scopeLogs
    logRecords body resourceMetrics scopeMetrics metrics resourceSpans scopeSpans spans
""".split()  # noqa: SIM905 - one line per word would bury the test
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("format", [name for name in FORMATS if name.startswith("alert") or name.endswith("json")])
@given(value=JSON)
def test_arbitrary_json_never_raises(format: str, value: object) -> None:
    checked(format, json.dumps(value).encode())


@given(JSON)
def test_a_good_alert_survives_any_neighbour(neighbour: object) -> None:
    body = b"[" + GOOD + b"," + json.dumps(neighbour).encode() + b"," + GOOD + b"]"
    decoded = checked("alertmanager-v2", body)
    good = [event for event in decoded.signals if isinstance(event, AlertEvent) and b'"good"' in event.labels.raw]
    assert len(good) >= 2
    assert len(decoded.signals) + len(decoded.rejects) == 3


@given(neighbour=JSON)
def test_a_good_event_survives_any_neighbour(neighbour: object) -> None:
    good = {"kind": "log", "service": "good", "message": "x"}
    array = checked("json", json.dumps([good, neighbour, good]).encode())
    lines = checked("json", "\n".join(json.dumps(event) for event in (good, neighbour, good)).encode())
    assert len(array.signals) >= 2
    assert len(array.signals) == len(lines.signals)
    assert len(array.rejects) == len(lines.rejects)


@pytest.mark.parametrize("format", ["otlp-logs", "otlp-metrics", "otlp-traces", "remote-write"])
@settings(max_examples=200)
@given(data=st.data())
def test_a_damaged_recorded_body_never_raises(
    format: str, capture: Callable[[str], bytes], data: st.DataObject
) -> None:
    name = {
        "otlp-logs": "otlp/008-POST-v1_logs.body",
        "otlp-metrics": "otlp/006-POST-v1_metrics.body",
        "otlp-traces": "otlp/005-POST-v1_traces.body",
        "remote-write": "prometheus/009-POST-api_v1_write.body",
    }[format]
    body = bytearray(capture(name))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    checked(format, bytes(body[: data.draw(st.integers(0, len(body)))]))


def test_an_unknown_format_is_one_reject() -> None:
    decoded = decode("own", b"x")
    assert decoded.signals == ()
    (reject,) = decoded.rejects
    assert reject.raw == b"x"
    assert "unknown format 'own'; expected one of alertmanager-v2" in reject.reason


def deep(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + closing * levels


BOMBS = {
    "deep": b'[{"labels":{"a":"1"},"x":' + deep(100_000) + b"}]",
    "deep objects": b'[{"labels":{"a":"1"},"x":' + deep(50_000, b'{"a":', b"}").replace(b":}", b":1}", 1) + b"}]",
    "open": b"[" * 100_000,
    "long integer": b'[{"labels":{"a":"1"},"startsAt":' + b"9" * 100_000 + b"}]",
    "long exponent": b'[{"labels":{"a":"1"},"endsAt":1e' + b"9" * 100_000 + b"}]",
    "many labels": json.dumps([{"labels": {f"label{i}": "x" for i in range(10_000)}}]).encode(),
    "many equal labels": b'[{"labels":{' + b",".join([b'"a":"1"'] * 10_000) + b"}}]",
    "long label": b'[{"labels":{"a":"' + b"x" * 1_000_000 + b'"}}]',
    "open string": b'[{"labels":{"a":"' + b"x\\\\" * 300_000,
    "quotes": b'"' * 1_000_000,
    "bad alerts": b"[" + b",".join([b"{}"] * 10_000) + b"]",
    "many elements": b"[" + b",".join([b"1"] * 1_000_000) + b"]",
    "mistakes": b'[{"labels":{' + b",".join(b'"l%d":1' % i for i in range(50_000)) + b"}}]",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("format", ["alertmanager-v2", "alertmanager-webhook", "json", "otlp-logs-json"])
def test_a_bomb_is_refused_quickly_and_in_little_memory(format: str, name: str) -> None:
    body = BOMBS[name]
    if format == "alertmanager-webhook":
        body = b'{"alerts":' + body + b"}"
    if format == "otlp-logs-json":
        body = b'{"resourceLogs":' + body + b"}"
    begin = time.process_time()
    decoded = decode(format, body)
    assert time.process_time() - begin < 5
    assert decoded.signals == ()
    assert decoded.rejects
    assert max(len(reject.reason) for reject in decoded.rejects) < 10_000

    tracemalloc.start()
    decode(format, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50 * len(body) + 20_000_000


def test_a_good_alert_survives_a_bomb_beside_it() -> None:
    for name in ("long integer", "many labels", "many equal labels", "long label", "mistakes"):
        decoded = decode("alertmanager-v2", b"[" + GOOD + b"," + BOMBS[name][1:])
        assert (len(decoded.signals), len(decoded.rejects)) == (1, 1), name


@pytest.mark.parametrize("levels", [20, 60, 500, 900, 980])
def test_what_nests_deeply_is_judged_alike_however_deep_the_caller_stands(levels: int) -> None:
    body = b'[{"labels":{"a":"1"},"x":' + deep(levels) + b"}]"

    def below(frames: int) -> Decoded:
        return decode("alertmanager-v2", body) if frames == 0 else below(frames - 1)

    shallow, standing = decode("alertmanager-v2", body), below(sys.getrecursionlimit() // 2)
    assert shallow == standing
    assert bool(shallow.signals) is (levels == 20)


def test_what_is_no_object_makes_no_room_for_depth_that_an_object_would() -> None:
    beat = b'{"kind":"heartbeat","source":"s","every":60,"labels":%b}'
    odd = b"[" + b",".join([beat % b"3"] * 100 + [beat % deep(60)]) + b"]"
    assert len(decode("json", odd).rejects) == 1
    plain = b"[" + b",".join([beat % b"{}"] * 100 + [beat % deep(20)]) + b"]"
    assert not decode("json", plain).rejects


def test_objects_that_are_known_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    alert = b'{"kind":"alert","name":"A","service":"s","labels":{},"annotations":{"summary":"x"}}'
    monkeypatch.setattr("ingest.jsontext._BRACKET", None)
    assert len(decode("json", b"[" + b",".join([alert] * 200) + b"]").signals) == 200


def test_ten_thousand_bad_alerts_cost_a_thousand_rejects_and_one_for_the_rest() -> None:
    decoded = decode("alertmanager-v2", b"[" + b",".join([b"{}"] * 9_999 + [GOOD]) + b"]")
    assert len(decoded.signals) == 1
    assert len(decoded.rejects) == 1_001
    assert decoded.rejects[-1].reason.startswith("8999 more elements were bad")
