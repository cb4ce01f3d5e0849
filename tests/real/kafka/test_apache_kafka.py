"""Apache Kafka itself: topics, log-in, membership, what expires, and what is produced in order."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.sinks.cluster import Cluster as Declared
from api.sinks.cluster import Topic as DeclaredTopic
from engine.ports import Record
from ingest.decoders import decode
from ingest.kafka.client import KafkaAdminClient, errors
from ingest.kafka.members import Member
from ingest.kafka.producer import OrderedProducer, Unsent
from ingest.kafka.security import Tls
from ingest.kafka.source import KafkaSource
from ingest.kafka.topics import Topics
from tests.real.components import eventually
from tests.real.kafka.brokers import PASSWORD, TLS, USER, Cluster
from tests.real.kafka.world import (
    SESSION,
    consume,
    forget,
    fresh,
    given,
    made,
    positions,
    produce,
    read,
)  # fmt: skip

pytestmark = pytest.mark.real("apache-kafka")

ALERT = b'{"kind":"alert","name":"Down","service":"db"}'


@pytest.fixture
def address(apache_kafka: Cluster) -> str:
    return apache_kafka.address


@contextmanager
def opened(address: str, topic: str, stored: dict[tuple[str, int], int] | None = None) -> Iterator[KafkaSource]:
    source = KafkaSource(given(address, **SESSION), [topic], f"group-{topic}")
    source.resume(stored or {})
    try:
        yield source
    finally:
        source.close()


# ------------------------------------------------------------------------------------------------------------- topics


def test_topics_are_made_once_as_declared_and_what_differs_is_told_and_left_alone(address: str) -> None:
    name = fresh()
    declared = DeclaredTopic(name=name, partitions=3, replication=1, retention=2, compacted=True)
    with closing(Topics(given(address))) as topics:
        assert [str(one) for one in topics.differences([declared.wanted()])] == [f"topic {name} does not exist"]
        assert topics.create([declared.wanted()]) == [name]
        assert topics.create([declared.wanted()]) == []
        assert topics.differences([declared.wanted()]) == []
        other = DeclaredTopic(name=name, partitions=6, replication=2, retention=0, compacted=True)
        assert topics.create([other.wanted()]) == []
        assert [(one.what, one.found) for one in topics.differences([other.wanted()])] == [
            ("partitions", "3"),
            ("replication", "1"),
            ("cleanup.policy", "compact,delete"),
            ("retention.ms", "172800000"),
        ]


# ------------------------------------------------------------------------------------------------------------- log-in


@pytest.fixture
def secure(apache_kafka: Cluster) -> str:
    if apache_kafka.secure is None:
        pytest.skip("the cluster that HEADWATER_KAFKA names has no listener with credentials of ours")
    return apache_kafka.secure


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_tls_and_log_in_from_settings_with_the_password_in_a_file(
    secure: str, address: str, tmp_path: Path, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    topic = made(address, 1)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    declared = Declared(
        bootstrap=(secure,), tls=True, authorities=TLS / "good.pem", sasl=mechanism, user=USER,  # type: ignore[arg-type]
        password_file=tmp_path / "password",
    )  # fmt: skip
    assert not list(declared.unsafe())
    producer = OrderedProducer(declared.given())
    assert producer.send(topic, 0, b"db", ALERT).result(30) == 0
    producer.close()
    source = KafkaSource({**declared.given(), **SESSION}, [topic], f"group-{topic}")
    source.resume({})
    assert [record.body for record in read(source, 1)] == [ALERT]
    source.close()
    with closing(Topics(declared.given())) as topics:
        assert topics.differences([]) == []
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(declared)


def test_with_a_wrong_password_nothing_is_read_and_the_trouble_is_told(secure: str, address: str) -> None:
    topic = made(address, 1)
    produce(address, topic, [ALERT])
    declared = Declared(
        bootstrap=(secure,), tls=True, authorities=TLS / "good.pem", sasl="SCRAM-SHA-512", user=USER,
        password="guessed", password_env="X",
    )  # fmt: skip
    source = KafkaSource({**declared.given(), **SESSION}, [topic], f"group-{topic}")
    source.resume({})
    eventually(source.trouble, "the trouble is told", 30)
    assert source.poll(1, 0) == []
    source.close()


@pytest.mark.parametrize("doubt", ["an unknown authority", "another name"])
def test_a_broker_that_cannot_prove_who_it_is_is_not_spoken_to(secure: str, doubt: str) -> None:
    trusted = "" if doubt == "an unknown authority" else str(TLS / "good.pem")
    name = "127.0.0.1" if doubt == "an unknown authority" else "kafka.example"
    host, _, port = secure.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as plain, pytest.raises(ssl.SSLCertVerificationError):
        Tls(trusted).context().wrap_socket(plain, server_hostname=name)


# -------------------------------------------------------------------------------------------------- formats, in a topic


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_compressed_records_in_every_form_are_read(address: str, codec: str) -> None:
    topic = made(address, 1)
    ce = {"ce_specversion": b"1.0", "ce_id": b"7", "ce_source": b"/shop", "ce_type": b"alert"}
    produce(address, topic, [ALERT], headers={"headwater-key": b"a-1"}, compression_type=codec)
    produce(address, topic, [ALERT], headers={**ce, "content-type": b"application/json"}, compression_type=codec)
    produce(address, topic, [b'{"headwater":1,"key":"e","signals":[%b,%b]}' % (ALERT, ALERT)],
            headers={"Headwater-Format": b"envelope"}, compression_type=codec)  # fmt: skip
    with opened(address, topic) as source:
        found = [decode(record.format, record.body) for record in read(source, 3)]
    assert [[one.key for one in decoded.signals] for decoded in found] == [["a-1"], ["/shop#7"], ["e/0", "e/1"]]  # type: ignore[union-attr]


# --------------------------------------------------------------------------------------------------- where to read from


def test_records_that_expired_before_they_were_read_are_counted_and_the_rest_is_read(address: str) -> None:
    topic = made(address, 1)
    produce(address, topic, [b"%d" % number for number in range(20)])
    forget(address, topic, 12)
    with opened(address, topic, {(f"kafka:{topic}", 0): 4}) as source:
        assert [int(record.body) for record in read(source, 8)] == list(range(12, 20))
        assert source.expired == 7
        assert source.trouble() == ""


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(address: str) -> None:
    topic = made(address, 1)
    produce(address, topic, [b"new"])
    with opened(address, topic, {(f"kafka:{topic}", 0): 99}) as source:
        eventually(lambda: "made anew" in source.trouble(), "it is told", 20)
        assert source.poll(1, 0.5) == []


# ----------------------------------------------------------------------------------------------------------- membership


def test_of_two_sources_one_is_killed_and_the_other_reads_on_from_the_stores_positions(
    address: str, tmp_path: Path
) -> None:
    topic = made(address, 4)
    group = f"group-{topic}"
    with (tmp_path / "other").open("wb") as output, opened(address, topic) as source:
        mine: list[Record] = []
        for partition in range(4):
            produce(address, topic, [b"%d" % number for number in range(10)], partition)
        mine += read(source, 40)
        source.committed(mine)
        command = [sys.executable, "-m", "tests.real.kafka.reader", address, topic, group]
        other = subprocess.Popen(command, stdout=output)
        try:
            eventually((tmp_path / "other").read_text, "the other has partitions", 30)
        finally:
            other.kill()
            other.wait()
        for partition in range(4):
            produce(address, topic, [b"%d" % number for number in range(10, 20)], partition)
        source.committed(found := read(source, 40))
        mine += found
    theirs = {line.partition(" ")[0] for line in (tmp_path / "other").read_text().splitlines()}
    assert 0 < len(theirs) < 4  # it had some of them, and this one kept the others all the while
    for partition in range(4):
        assert [int(one.body) for one in mine if one.partition == partition] == list(range(20))
    assert positions(mine) == {(f"kafka:{topic}", partition): 19 for partition in range(4)}


def test_the_lag_of_partitions_that_came_back_is_told_though_nothing_comes_in(address: str) -> None:
    topic = made(address, 2)
    with opened(address, topic) as first:
        eventually(lambda: len(first.lag()) == 2, "it reads both", 60)
        with opened(address, topic) as second:
            eventually(lambda: len(second.lag()) == 1 and len(first.lag()) == 1, "they share them", 60)
        eventually(lambda: first.lag() == {(topic, 0): 0, (topic, 1): 0}, "both are back", 60)


class Heard:
    """An owner that notes down what it hears."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []
        self.threads: set[str] = set()

    def assigned(self, partitions: frozenset[tuple[str, int]]) -> None:
        self._note("assigned", partitions)

    def revoked(self, partitions: frozenset[tuple[str, int]]) -> None:
        self._note("revoked", partitions)

    def lost(self, partitions: frozenset[tuple[str, int]]) -> None:
        self._note("lost", partitions)

    def _note(self, what: str, partitions: frozenset[tuple[str, int]]) -> None:
        self.said.append((what, len(partitions)))
        self.threads.add(threading.current_thread().name)


def test_who_is_silent_too_long_has_lost_its_partitions_and_who_leaves_gave_them_up(address: str) -> None:
    topic = made(address, 2)
    heard = Heard()
    short = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, "max_poll_interval_ms": 8000}
    member = Member(given(address, **short), [topic], f"group-{topic}", heard)
    eventually(lambda: member.poll(0.2) or member.assignment(), "it is assigned", 40)
    with closing(KafkaAdminClient(**given(address))) as admin:
        eventually(lambda: _members(admin, f"group-{topic}") == 0, "the group has given up on it", 60)
    eventually(lambda: member.poll(0.2) or len(heard.said) > 2, "it hears of it", 60)
    member.close()
    assert heard.said == [("assigned", 2), ("lost", 2), ("assigned", 2), ("revoked", 2)]
    assert "MainThread" not in heard.threads


def _members(admin: KafkaAdminClient, group: str) -> int:
    described = admin.describe_groups([group])
    return len(next(iter(described.values() if isinstance(described, dict) else described))["members"])


# ------------------------------------------------------------------------------------------------------------ producing


def test_behind_a_record_that_failed_nothing_of_its_partition_is_sent_until_reopened(address: str) -> None:
    topic = made(address, 2, max_message_bytes="2000")
    producer = OrderedProducer(given(address), linger=0.5)
    before = producer.send(topic, 0, b"k", b"before")
    assert before.result(20) == 0
    sent = [producer.send(topic, 0, b"k", value) for value in (b"x" * 5000, b"behind")]
    elsewhere = producer.send(topic, 1, b"k", b"elsewhere")
    failed = [one.exception(30) for one in sent]
    assert [isinstance(one, Unsent) and one.first for one in failed] == [True, False]
    late = producer.send(topic, 0, b"k", b"late").exception(20)
    assert isinstance(late, Unsent)
    assert not late.first
    producer.reopen(topic, 0)
    assert producer.send(topic, 0, b"k", b"again").result(20) == 1
    assert isinstance(elsewhere.exception(20), errors.KafkaError | Unsent | None)
    producer.close()
    assert [one.value for one in consume(address, topic, 2) if one.partition == 0] == [b"before", b"again"]
