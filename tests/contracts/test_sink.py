"""What every sink must do: deliver each key, and say rightly what became of what it could not deliver."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress
from engine.publish.kafka import KEY, Kafka, Places
from engine.publish.log import Log
from engine.publish.webhook import Webhook
from engine.sending import Sink
from ingest.kafka.client import producer
from tests.publish.receiver import Receiver, hang, receiver, row, status
from tests.real.components import free_port
from tests.real.kafka.world import consume, given, made


class Case(NamedTuple):
    """A sink, how to open it anew on the same receiver, and which keys that receiver holds."""

    sink: Sink
    reopen: Callable[[], Sink]
    held: Callable[[], list[str]]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.fixture(params=["webhook", "log", pytest.param("kafka", marks=pytest.mark.real("kafka"))])
def case(request: pytest.FixtureRequest, tmp_path: Path, server: Receiver) -> Iterator[Case]:
    if request.param == "kafka":
        with _topics(request.getfixturevalue("small_kafka")) as made:
            yield made
        return
    opened: list[Log] = []

    def webhook() -> Sink:
        egress = Egress([Destination(server.url, allow_private=True)], timeout=0.3)
        return Webhook("hook", server.url, egress, lambda: 0, frozenset({"engineers"}))

    def log() -> Sink:
        opened.append(Log("log", tmp_path / "out.jsonl", frozenset({"engineers"})))
        return opened[-1]

    def posted() -> list[str]:  # a receiver that honours the key counts it once
        return list(dict.fromkeys(got.headers["idempotency-key"].strip('"') for got in server.got))

    def written() -> list[str]:
        return [msgspec.json.decode(line)["key"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]

    make, held = (webhook, posted) if request.param == "webhook" else (log, written)
    yield Case(make(), make, held)
    for one in opened:
        one.close()


def opener(address: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda more: producer({**given(address), **more})


@contextmanager
def _topics(address: str) -> Iterator[Case]:
    """A topic, whose readers drop what they have seen."""
    topic = made(address, 3)
    with ExitStack() as stack:

        def kafka() -> Sink:
            sink = Kafka("bus", opener(address), Places(topic), frozenset({"engineers"}), 10.0)
            stack.callback(sink.close)
            return sink

        def held() -> list[str]:
            records = sorted(consume(address, topic, 1), key=lambda one: one.offset)
            return list(dict.fromkeys(dict(one.headers)[KEY].decode() for one in records))

        yield Case(kafka(), kafka, held)


def test_each_key_is_delivered_once_however_often_it_is_sent(case: Case) -> None:
    assert case.sink.idempotent
    for key in ("a", "b", "a", "c", "b"):
        assert case.sink.send(row(key))
    assert case.held() == ["a", "b", "c"]


def test_a_key_sent_again_after_a_restart_is_still_the_same_publication(case: Case) -> None:
    case.sink.send(row("a"))
    again = case.reopen()
    again.send(row("a"))
    again.send(row("b"))
    assert case.held() == ["a", "b"]


def test_the_remote_id_is_the_same_for_the_same_key(case: Case) -> None:
    assert case.sink.send(row("a")) == case.sink.send(row("a"))


def test_strangers_text_of_any_kind_is_delivered(case: Case) -> None:
    case.sink.send(row("a", title="\x00\x1b[31m\u202e" + "x" * 100_000, why="\ud7ff\n\r"))
    assert case.held() == ["a"]


ANSWERS = {
    "500 is transient": (status(500), False, False, None),
    "503 is transient": (status(503), False, False, None),
    "504 is ambiguous: the gateway lost the answer": (status(504), False, True, None),
    "429 is transient and says when": (status(429, b"", Retry_After="7"), False, False, 7.0),
    "400 is permanent": (status(400), True, False, None),
    "401 is permanent": (status(401), True, False, None),
    "404 with a page of HTML is permanent": (status(404, b"<html>no</html>"), True, False, None),
    "302 is permanent": (status(302, b"", Location="http://127.0.0.1:1/"), True, False, None),
    "no answer is ambiguous": (hang(0.8), False, True, None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_webhook_says_what_became_of_a_publication(server: Receiver, name: str) -> None:
    behave, permanent, ambiguous, after = ANSWERS[name]
    server.behave = behave
    egress = Egress([Destination(server.url, allow_private=True)], timeout=0.3)
    sink = Webhook("hook", server.url, egress, lambda: 0, frozenset())
    with pytest.raises(SinkError) as failed:
        sink.send(row())
    error = failed.value
    assert (error.permanent, error.ambiguous, error.after) == (permanent, ambiguous, after)


def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    sink = Webhook("hook", url, Egress([Destination(url, allow_private=True)]), lambda: 0, frozenset())
    with pytest.raises(SinkError) as failed:
        sink.send(row())
    assert not failed.value.permanent
    assert not failed.value.ambiguous


def test_a_line_that_a_crash_cut_short_is_written_again_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    first = Log("log", path, frozenset())
    first.send(row("a"))
    first.close()
    with path.open("ab") as file:
        file.write(b'{"key":"b","created_at":17')
    second = Log("log", path, frozenset())
    second.send(row("a"))
    second.send(row("b"))
    second.close()
    lines = path.read_bytes().splitlines()
    assert [msgspec.json.decode(line)["key"] for line in (lines[0], lines[2])] == ["a", "b"]
    assert len(lines) == 3


@pytest.mark.real("kafka")
def test_publications_of_an_incident_lie_on_one_partition_with_its_id_as_key(small_kafka: str) -> None:
    topics = Places(made(small_kafka, 3), made(small_kafka, 3), made(small_kafka, 3))
    sink = Kafka("bus", opener(small_kafka), topics, frozenset({"engineers"}), 10.0)
    recovery = {"verdict": "restored", "why": [], "measured": "restored", "since": 1, "at": 2}
    for key in ("a", "b"):
        sink.send(row(key, recovery=recovery))
    sink.close()
    for topic, type in zip(topics, ("incident.open", "impact", "recovery"), strict=True):
        assert topic is not None
        found = consume(small_kafka, topic, 2)
        assert [(one.key, dict(one.headers)[KEY]) for one in found] == [(b"INC-1", b"a"), (b"INC-1", b"b")]
        assert len({one.partition for one in found}) == 1
        assert {msgspec.json.decode(one.value)["type"] for one in found} == {type}


@pytest.mark.real("kafka")
def test_a_topic_that_is_not_there_and_a_broker_that_is_away_are_transient_and_what_is_too_large_is_permanent(
    small_kafka: str,
) -> None:
    nowhere = opener(f"127.0.0.1:{free_port()}")
    away = Kafka("bus", nowhere, Places("t"), frozenset(), 1.0)
    large = Kafka("bus", opener(small_kafka), Places(made(small_kafka)), frozenset(), 10.0)
    for sink, one, permanent in ((away, row(), False), (large, row(title="x" * 2_000_000), True)):
        with pytest.raises(SinkError) as failed:
            sink.send(one)
        assert (failed.value.permanent, failed.value.ambiguous) == (permanent, False)
        sink.close()
