"""Alertmanager's two formats: meaning, mistakes, and good neighbours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.ports import Decoded
from engine.signals import AlertEvent
from ingest.decoders import decode


def v2(*alerts: Any) -> Decoded:
    return decode("alertmanager-v2", json.dumps(alerts).encode())


def webhook(*alerts: Any, **more: Any) -> Decoded:
    body = {"version": "4", "status": "firing", "truncatedAlerts": 0, "alerts": alerts, **more}
    return decode("alertmanager-webhook", json.dumps(body).encode())


def alert(**more: Any) -> dict[str, Any]:
    return {"labels": {"alertname": "Down", "service": "db"}, **more}


def only(decoded: Decoded) -> AlertEvent:
    assert decoded.rejects == ()
    (event,) = decoded.signals
    assert isinstance(event, AlertEvent)
    return event


def test_labels_are_all_that_a_sender_must_give() -> None:
    event = only(v2(alert()))
    assert event.labels.as_dict() == {"alertname": "Down", "service": "db"}
    assert (event.starts_at, event.ends_at, event.annotations, event.url) == (None, None, b"{}", "")


def test_an_alert_needs_no_name() -> None:
    assert only(v2({"labels": {"service": "db"}})).labels.as_dict() == {"service": "db"}


def test_an_empty_array_is_no_mistake() -> None:
    assert v2() == Decoded(())


def test_order_and_spacing_of_labels_do_not_change_the_fingerprint() -> None:
    written = [
        b'[{"labels":{"a":"1","b":"2"}}]',
        b'[ {"labels" : { "b" : "2" , "a" : "1" } } ]',
        b'[{"labels":{"b":"\\u0032","a":"1","empty":""}}]',
    ]
    events = [only(decode("alertmanager-v2", body)) for body in written]
    assert len({event.labels.fingerprint for event in events}) == 1
    assert {event.labels.raw for event in events} == {b'{"a":"1","b":"2"}'}


def test_gos_zero_time_means_none_and_nanoseconds_are_truncated() -> None:
    event = only(v2(alert(startsAt="2026-01-01T00:00:00.123999999+01:00", endsAt="0001-01-01T00:00:00Z")))
    assert event.starts_at == 1767222000123
    assert event.ends_at is None


def test_null_stands_for_what_is_not_given() -> None:
    event = only(v2(alert(annotations=None, startsAt=None, endsAt=None, generatorURL=None)))
    assert (event.starts_at, event.ends_at, event.annotations, event.url) == (None, None, b"{}", "")


def test_unknown_keys_are_ignored() -> None:
    assert only(v2(alert(fingerprint="x", nested={"deep": [1, {"er": None}]}))).firing


def test_a_link_that_is_too_long_is_left_out_and_the_alert_kept() -> None:
    assert only(v2(alert(generatorURL="http://p/" + "x" * 9000))).url == ""


BAD = [
    ({"labels": {"a": 1}}, "/labels/a", "expected a string, got a number"),
    ({"labels": {"a/b~c": None, "ok": "x"}}, "/labels/a~1b~0c", "expected a string, got null"),
    ({"labels": []}, "/labels", "expected labels as an object of strings, got an array"),
    ({"labels": {}}, "/labels", "expected at least one label with a value"),
    ({"labels": {"a": ""}}, "/labels", "expected at least one label with a value"),
    ({"labels": {"": "x"}}, "/labels/", "expected a name for each of the labels"),
    ({}, "", "expected a key 'labels'"),
    ("text", "", "expected an object, got a string"),
    (None, "", "expected an object, got null"),
    (alert(startsAt="yesterday"), "/startsAt", "expected an RFC 3339 time"),
    (alert(startsAt=1767222000), "/startsAt", "expected `str | null`, got `int`"),
    (alert(startsAt="1970-01-20T00:00:00Z"), "/startsAt", "expected a time between 1990 and 2100"),
    (alert(endsAt="9999-01-01T00:00:00Z"), "/endsAt", "expected a time between 1990 and 2100"),
    (alert(endsAt="2026-02-30T00:00:00Z"), "/endsAt", "expected an RFC 3339 time"),
    (alert(startsAt="2026-01-02T00:00:00Z", endsAt="2026-01-01T00:00:00Z"), "/endsAt", "expected an end that is not"),
    (alert(annotations={"summary": 5}), "/annotations/summary", "expected a string, got a number"),
    (alert(annotations={"s": "x" * 70_000}), "/annotations", "expected at most 65536 bytes of annotations"),
    ({"labels": {"a": "x" * 4097}}, "/labels/a", "expected a label value of at most 4096 bytes"),
    ({"labels": {f"l{i}": "x" for i in range(65)}}, "/labels", "expected at most 64 labels, got 65"),
]


@pytest.mark.parametrize(("bad", "pointer", "reason"), BAD)
def test_a_bad_alert_is_named_and_its_neighbours_are_kept(bad: Any, pointer: str, reason: str) -> None:
    decoded = v2(alert(generatorURL="first"), bad, alert(generatorURL="last"))
    assert [event.url for event in decoded.signals if isinstance(event, AlertEvent)] == ["first", "last"]
    (reject,) = decoded.rejects
    assert reject.pointer == f"/1{pointer}"
    assert reason in reject.reason
    assert json.loads(reject.raw) == [bad]


def test_all_mistakes_of_all_alerts_are_told_at_once() -> None:
    decoded = v2(
        {"labels": {"a": 1, "b": "ok", "c": []}, "startsAt": "now", "generatorURL": 7},
        alert(),
        {"startsAt": 1},
    )
    assert len(decoded.signals) == 1
    first, second = decoded.rejects
    for place in ("/0/generatorURL", "/0/labels/a", "/0/labels/c", "/0/startsAt"):
        assert place in f"{first.pointer} {first.reason}"
    assert (second.pointer, "/2/startsAt" in second.reason) == ("/2", True)


def test_a_rejected_alert_can_be_sent_again_as_it_stands_in_the_reject() -> None:
    decoded = v2(alert(), {"labels": {"a": 1}})
    again = decode("alertmanager-v2", decoded.rejects[0].raw.replace(b"1", b'"1"'))
    assert only(again).labels.as_dict() == {"a": "1"}


@pytest.mark.parametrize(
    "element",
    [
        b'{"labels":{"a":"1","b":"x","a":"2"}}',
        b'{"labels":{"a":"1"},"labels":{"b":"2"}}',
        b'{"labels":{"a":"1"},"annotations":{"s":"1","s":"2"}}',
        b'{"labels": {"a":"\\u0031","a":"1"} }',
    ],
)
def test_a_key_that_stands_twice_is_refused_not_guessed(element: bytes) -> None:
    decoded = decode("alertmanager-v2", b'[{"labels":{"good":"1"}},' + element + b"]")
    assert len(decoded.signals) == 1
    assert "expected each key once" in decoded.rejects[0].reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (b"[", "truncated"),
        (b'[{"labels":{"a":"1"}}', "truncated"),
        (b'{"labels":{"a":"1"}}', "expected `array`, got `object`"),
        (b"\xff\xfe", "malformed"),
        (b'[{"labels":{"a":"1"}}] x', "trailing"),
        (b"null", "expected `array`, got `null`"),
    ],
)
def test_a_body_that_is_no_array_of_json_is_one_reject(body: bytes, reason: str) -> None:
    decoded = decode("alertmanager-v2", body)
    assert decoded.signals == ()
    (reject,) = decoded.rejects
    assert (reject.pointer, reject.raw) == ("", body)
    assert reason in reject.reason


def test_invalid_utf8_costs_only_its_own_alert() -> None:
    decoded = decode("alertmanager-v2", b'[{"labels":{"a":"\xff"}},{"labels":{"a":"good"}}]')
    assert len(decoded.signals) == 1
    assert decoded.rejects[0].pointer.startswith("/0")
    assert "UTF-8" in decoded.rejects[0].reason


def test_a_lone_surrogate_costs_only_its_own_alert() -> None:
    decoded = decode("alertmanager-v2", b'[{"labels":{"a":"\\ud800"}},{"labels":{"a":"good"}}]')
    assert len(decoded.signals) == len(decoded.rejects) == 1


def test_nan_costs_only_its_own_alert() -> None:
    decoded = decode("alertmanager-v2", b'[{"labels":{"a":"1"},"value":NaN},{"labels":{"a":"good"}}]')
    assert len(decoded.signals) == 1
    assert (decoded.rejects[0].pointer, "NaN" in decoded.rejects[0].reason) == ("/0", True)


def test_more_than_ten_thousand_alerts_are_refused_as_a_whole() -> None:
    body = b"[" + b",".join([b'{"labels":{"a":"1"}}'] * 10_001) + b"]"
    decoded = decode("alertmanager-v2", body)
    assert decoded.signals == ()
    assert "at most 10000" in decoded.rejects[0].reason


def test_braces_in_texts_are_no_nesting() -> None:
    text = "{{" * 200 + "[[" * 200
    event = only(v2(alert(annotations={"summary": text})))
    assert json.loads(event.annotations) == {"summary": text}


def test_the_status_of_each_alert_in_a_webhook_decides() -> None:
    decoded = webhook(
        alert(status="resolved", endsAt="2026-01-01T00:00:00Z"), alert(status="firing"), alert(), status="resolved"
    )
    assert [event.firing for event in decoded.signals if isinstance(event, AlertEvent)] == [False, True, False]
    assert not any(event.resent for event in decoded.signals if isinstance(event, AlertEvent))


def test_a_templated_webhook_needs_alerts_and_labels_only() -> None:
    event = only(decode("alertmanager-webhook", b'{"alerts":[{"labels":{"alertname":"X"}}]}'))
    assert event.firing


def test_alerts_that_the_sender_withheld_become_visible() -> None:
    decoded = webhook(alert(), truncatedAlerts=7)
    assert len(decoded.signals) == 1
    (reject,) = decoded.rejects
    assert reject.pointer == "/truncatedAlerts"
    assert reject.reason.startswith("7 alerts were withheld by the sender")


def test_a_bad_alert_in_a_webhook_is_named_and_its_neighbours_are_kept() -> None:
    decoded = webhook(alert(), alert(status="maybe"), {"labels": 3}, alert())
    assert len(decoded.signals) == 2
    assert [reject.pointer for reject in decoded.rejects] == ["/alerts/1/status", "/alerts/2/labels"]
    assert "'firing' or 'resolved'" in decoded.rejects[0].reason


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"alerts":{}}', b'{"alerts":[],"truncatedAlerts":"x"}'])
def test_a_webhook_without_alerts_is_one_reject(body: bytes) -> None:
    decoded = decode("alertmanager-webhook", body)
    assert decoded.signals == ()
    assert len(decoded.rejects) == 1
