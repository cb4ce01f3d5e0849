"""What a record of a topic says: by its value, by its headers, by what is declared of its topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest

from engine.ports import Decoded, Record
from engine.signals import AlertEvent, Change, Signal
from ingest.decoders import by_now, decode
from ingest.decoders.envelope import MOST
from ingest.kafka.records import Taking

ALERT = b'{"kind":"alert","name":"Down","service":"db"}'
CHANGE = b'{"kind":"change","change":"deploy","service":"db"}'
BAD = b'{"kind":"alert"}'


class Fetched(NamedTuple):
    """As much of a record of kafka-python as is looked at."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = "t"
    partition: int = 0
    offset: int = 0


def taken(value: bytes | None, formats: dict[str, str] | None = None, **headers: bytes) -> Record:
    named: list[tuple[str, bytes | None]] = [(name.replace("__", "-"), said) for name, said in headers.items()]
    return Taking("kafka:", 10_000, formats or {}).record(Fetched(value, named))


def read(value: bytes | None, formats: dict[str, str] | None = None, **headers: bytes) -> Decoded:
    record = taken(value, formats, **headers)
    return decode(record.format, record.body)


def keys(signals: tuple[Signal, ...]) -> list[str]:
    return [one.key for one in signals if isinstance(one, AlertEvent | Change)]


def envelope(**fields: Any) -> bytes:
    return msgspec.json.encode({"headwater": 1, **fields})


JSON_ALERT = msgspec.json.decode(ALERT)


def test_lines_an_array_and_one_object_need_no_header() -> None:
    for value, count in ((ALERT, 1), (ALERT + b"\n" + CHANGE, 2), (b"[%b,%b]" % (ALERT, CHANGE), 2)):
        assert len(read(value).signals) == count


def test_a_topic_may_declare_the_format_of_records_that_say_nothing() -> None:
    assert taken(b"{}", {"t": "otlp-logs-json"}).format == "otlp-logs-json"
    assert taken(b"{}", {"t": "otlp-logs-json"}, headwater__format=b"json").format == "json"
    assert taken(b"{}", {"other": "otlp-logs-json"}).format == "json"


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_an_envelope_holds_signals_whose_key_counts_within_its_source(form: str) -> None:
    fields = {"headwater": 1, "source": "billing", "key": 7, "signals": [JSON_ALERT, msgspec.json.decode(CHANGE)]}
    if form == "json":
        found = read(msgspec.json.encode(fields), headwater__format=b"envelope")
    else:
        found = read(msgspec.msgpack.encode(fields), headwater__format=b"envelope-msgpack")
    assert keys(found.signals) == ["billing#7/0", "billing#7/1"]


def test_an_envelope_may_hold_a_body_of_another_format_as_bytes_base64_or_json() -> None:
    body = b'[{"labels":{"alertname":"X"}}]'
    packed = msgspec.msgpack.encode({"headwater": 1, "format": "alertmanager-v2", "body": body})
    assert len(read(packed, headwater__format=b"envelope-msgpack").signals) == 1
    for fields in ({"base64": body}, {"body": msgspec.Raw(body)}):
        found = read(envelope(format="alertmanager-v2", key="k", **fields), headwater__format=b"envelope")
        assert keys(found.signals) == ["k"]


def test_an_envelope_takes_a_thousand_signals_and_not_one_more() -> None:
    over = decode("envelope", envelope(signals=[JSON_ALERT] * (MOST + 1)))
    assert [one.reason for one in over.rejects] == ["expected at most 1000 signals in one envelope"]
    assert len(decode("envelope", envelope(signals=[JSON_ALERT] * MOST)).signals) == MOST


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        envelope(),
        b'{"headwater":2,"signals":[]}',
        envelope(signals=[], body={}),
        envelope(signals={}),
        envelope(signals=[], format="otlp-logs"),
        envelope(format="envelope", body={"headwater": 1, "signals": [JSON_ALERT]}),
        envelope(format="own", body={"kind_of": "command", "actor": "x", "action": "y", "target": "z"}),
    ],
)
def test_what_is_no_envelope_is_one_reject(body: bytes) -> None:
    found = decode("envelope", body)
    assert not found.signals
    assert len(found.rejects) == 1


@pytest.mark.parametrize("format", ["envelope", "envelope-msgpack", "cloudevents", "cloudevents-batch"])
def test_the_bad_part_alone_is_rejected_and_its_bytes_are_a_body_of_the_same_format(format: str) -> None:
    signals = [JSON_ALERT, msgspec.json.decode(BAD)]
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": signals}
    body = {
        "envelope": msgspec.json.encode({"headwater": 1, "key": "k", "signals": signals}),
        "envelope-msgpack": msgspec.msgpack.encode({"headwater": 1, "key": "k", "signals": signals}),
        "cloudevents": msgspec.json.encode(event),
        "cloudevents-batch": msgspec.json.encode([event]),
    }[format]
    found = decode(format, body)
    assert len(found.signals) == 1
    (reject,) = found.rejects
    again = decode(format, reject.raw)
    assert not again.signals
    assert [one.reason for one in again.rejects] == [reject.reason]


CE = {"ce_specversion": b"1.0", "ce_id": b"7", "ce_source": b"/shop", "ce_type": b"x.alert"}


def test_cloudevents_in_binary_mode_keep_their_id_and_their_data() -> None:
    assert keys(read(ALERT, None, **CE).signals) == ["/shop#7"]
    for media in (b"application/json", b"application/json; charset=utf-8"):
        assert keys(read(ALERT, None, **CE, content__type=media).signals) == ["/shop#7"]
    body = b'[{"labels":{"alertname":"X"}}]'
    assert len(read(body, None, **CE, ce_headwaterformat=b"alertmanager-v2").signals) == 1
    assert read(b"\x00\x01", None, **CE).rejects[0].pointer.startswith("/data_base64")


def test_cloudevents_come_structured_and_in_batches_by_their_content_type() -> None:
    event = {"specversion": "1.0", "id": "9", "source": "/shop", "type": "t", "data": JSON_ALERT}
    one = read(msgspec.json.encode(event), content__type=b"application/cloudevents+json; charset=UTF-8")
    assert keys(one.signals) == ["/shop#9"]
    both = msgspec.json.encode([event, {**event, "id": "10"}])
    batch = read(both, content__type=b"application/cloudevents-batch+json")
    assert keys(batch.signals) == ["/shop#9", "/shop#10"]


def test_an_event_without_what_makes_it_one_is_refused() -> None:
    whole = {"specversion": "1.0", "id": "9", "source": "/shop", "type": "t", "data": JSON_ALERT}
    for missing in whole:
        left = {name: value for name, value in whole.items() if name != missing}
        assert decode("cloudevents", msgspec.json.encode(left)).rejects
    assert decode("cloudevents", msgspec.json.encode({**whole, "id": ""})).rejects


def test_the_key_of_a_record_is_that_of_its_signals_where_they_have_none() -> None:
    assert keys(read(ALERT, headwater__key=b"k", headwater__source=b"s").signals) == ["s#k"]
    assert keys(read(ALERT, Headwater__Key=b"k").signals) == ["k"]
    assert keys(read(b"[%b,%b]" % (ALERT, CHANGE), headwater__key=b"k").signals) == ["k/0", "k/1"]
    own = b'{"kind":"alert","name":"Down","service":"db","id":"mine"}'
    assert keys(read(own, headwater__key=b"k").signals) == ["mine"]


def test_nobody_gives_commands_through_a_topic_nor_names_a_format_that_is_not_for_senders() -> None:
    command = b'{"kind_of":"command","actor":"x","action":"y","target":"z"}'
    for name in (b"own", b"oversized", b"nonsense\xff"):
        record = taken(command, headwater__format=name, headwater__key=b"k")
        assert record.format.startswith("unknown:")
        assert decode(record.format, record.body).rejects
    assert by_now("unknown:own") == "unknown:own"
    assert by_now("unknown:envelope") == "envelope"  # known since: a second try reads it
    assert decode("unknown:envelope", envelope(signals=[])).rejects  # a replay does not


def test_a_record_over_the_limit_is_kept_in_part_and_an_empty_one_is_a_reject() -> None:
    large = taken(b"x" * 20_000, headwater__format=b"envelope")
    assert (large.format, len(large.body)) == ("oversized", 20_000)
    assert read(None).rejects
