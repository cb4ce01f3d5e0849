"""Raw topics of a real Kafka through `headwater ingest`, which dies where it hurts: all is there once, none is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import bootstrap
from api.access_settings import Role
from api.auth import keys
from api.auth.postgres import PostgresAccess
from engine import envelope
from engine.shards import Shard
from engine.signals import AlertEvent, Change, LogRecord, Samples, SampleTable
from engine.storage.postgres import PostgresStore
from ingest.kafka.client import KafkaAdminClient, KafkaConsumer, TopicPartition
from tests.real.components import eventually
from tests.real.kafka.brokers import Cluster
from tests.real.kafka.world import fresh, given, made, produce
from tests.roles.stage import Process, Stage

pytestmark = [pytest.mark.real("postgres", "apache-kafka"), pytest.mark.timeout(400)]

DOMAINS = 6
ENTITIES = [f"svc-{number}" for number in range(DOMAINS)]
SHARDS = 4
SOURCE = "raw"
AT = 1_790_000_000


class Raw:
    """Four topics, what was sent to them, and the processes that take it in."""

    def __init__(self, folder: Path, dsn: str, address: str) -> None:
        self.address, self.dsn, self.group = address, dsn, fresh()
        self.topics = {
            "alerts": made(address, 2), "telemetry": made(address, 1), "logs": made(address, 1),
            "changes": made(address, 1),
        }  # fmt: skip
        formats = {"alerts": "json", "telemetry": "json", "logs": "otlp-logs-json", "changes": "json"}
        source = {
            "name": SOURCE, "bootstrap": address.split(","), "group": self.group, "instance": "one",
            "session_timeout": 6,
            "topics": [{"name": self.topics[one], "format": formats[one]} for one in formats],
        }  # fmt: skip
        self.stage = Stage(folder, dsn, address, None, shards=SHARDS, name=self.group, more={"kafka": [source]})
        self.stage.catalogue({"entities": [{"id": name, "domain": f"d-{name}"} for name in ENTITIES]})
        self.sent = 0
        self.poison: list[bytes] = []

    def produce(self, alerts: int, others: int) -> None:
        """So many more of each kind, each of them unlike any other, with something unusable in between."""
        first, self.sent = self.sent, self.sent + alerts
        for partition in range(2):
            bodies = [
                msg("alert", number, name=f"Alert{number}", severity="warning", id=f"a-{number}")
                for number in range(first, self.sent) if number % 2 == partition
            ]  # fmt: skip
            produce(self.address, self.topics["alerts"], bodies, partition)
        told = range(first, first + others)
        bodies = [msg("metric", number, metric=f"m_{number}", value=number, t=AT) for number in told]
        produce(self.address, self.topics["telemetry"], bodies)
        produce(self.address, self.topics["changes"], [msg("change", number, change=f"c-{number}") for number in told])
        unusable = [b"{", b'{"kind":"alert"}', b"\xff\xfe"][len(self.poison) % 3]
        self.poison += [unusable, b"no logs"]
        produce(self.address, self.topics["alerts"], [unusable])
        produce(self.address, self.topics["logs"], [*(log(number) for number in told), b"no logs"])

    def ends(self) -> dict[tuple[str, int], int]:
        """By raw partition, the offset behind its last record."""
        with closing(KafkaConsumer(**given(self.address))) as consumer:
            asked = [TopicPartition(one, number) for one in self.topics.values() for number in self._partitions(one)]
            return {(one.topic, one.partition): end for one, end in consumer.end_offsets(asked).items() if end}

    def _partitions(self, topic: str) -> range:
        return range(2 if topic == self.topics["alerts"] else 1)

    def in_shards(self) -> int:
        """Records in the topic of shards."""
        with closing(KafkaConsumer(**given(self.address))) as consumer:
            asked = [TopicPartition(self.stage.topic, number) for number in range(SHARDS)]
            return sum(consumer.end_offsets(asked).values())

    def committed(self) -> dict[tuple[str, int], int]:
        """By raw partition, where the group would go on."""
        with closing(KafkaAdminClient(**given(self.address))) as admin:
            found = admin.list_group_offsets(self.group)[self.group]
        return {(one.topic, one.partition): at.offset for one, at in found.items() if at.offset > 0}

    def stored(self) -> Counter[tuple[str, str]]:
        """How often each signal is in the input log of any shard, by kind and name."""
        found: Counter[tuple[str, str]] = Counter()
        for shard in range(SHARDS):
            with closing(PostgresStore(self.dsn, {}, shard)) as store:
                for entry in store.entries(Shard(shard).base):
                    found.update(filter(None, map(named, envelope.decode(entry.body).signals)))
        return found

    def expected(self, others: Sequence[int]) -> Counter[tuple[str, str]]:
        """Each once."""
        kinds: dict[str, tuple[str, Sequence[int]]] = {
            "alert": ("a-", range(self.sent)),
            "metric": ("m_", others),
            "log": ("l-", others),
            "change": ("c-", others),
        }
        return Counter((kind, f"{name}{number}") for kind, (name, numbers) in kinds.items() for number in numbers)


def msg(kind: str, number: int, **more: object) -> bytes:
    return json.dumps({"kind": kind, "service": ENTITIES[number % DOMAINS], **more}).encode()


def log(number: int) -> bytes:
    record = {"timeUnixNano": f"{AT}000000000", "severityNumber": 9, "body": {"stringValue": f"l-{number}"}}
    name = {"key": "service.name", "value": {"stringValue": ENTITIES[number % DOMAINS]}}
    scope = {"resource": {"attributes": [name]}, "scopeLogs": [{"logRecords": [record]}]}
    return json.dumps({"resourceLogs": [scope]}).encode()


def named(signal: object) -> tuple[str, str] | None:
    if isinstance(signal, AlertEvent):
        return "alert", signal.key
    if isinstance(signal, Samples):
        return "metric", signal.labels.as_dict()["__name__"]
    if isinstance(signal, LogRecord):
        return "log", signal.message
    if isinstance(signal, Change):
        return "change", signal.what
    assert not isinstance(signal, SampleTable)
    return None


@pytest.fixture
def raw(tmp_path: Path, postgres_dsn: str, apache_kafka: Cluster) -> Iterator[Raw]:
    found = Raw(tmp_path, postgres_dsn, apache_kafka.address)
    with found.stage:
        yield found


def test_what_was_produced_raw_is_in_the_shards_once_though_ingest_is_killed(raw: Raw) -> None:
    stage = raw.stage
    api, work = stage.start("api"), stage.start("work")
    api.ready()
    idle = raw.in_shards()
    raw.produce(200, 30)

    dies = stage.start("ingest", "stage1.after_send")
    eventually(lambda: dies.gone, "it is killed when it has sent and not committed", 60)
    assert raw.in_shards() > idle
    assert raw.committed() == {}, "offsets are committed after what came of them is acknowledged"

    work.ready()
    ingest = stage.start("ingest")
    eventually(lambda: total(api)["received"] > 50, "it takes in what the dead ones left", 60)
    raw.produce(300, 30)
    ingest.kill()
    ingest = stage.start("ingest").ready()
    eventually(lambda: total(api)["received"] >= raw.sent, "all is taken", 60)
    eventually(lambda: raw.committed() == raw.ends(), "all is committed", 30)
    everything = raw.expected([*range(30), *range(200, 230)])
    eventually(lambda: raw.stored().total() >= everything.total(), "all is stored", 30)
    assert raw.stored() == everything
    assert total(api)["received"] == raw.sent
    assert total(api)["unaccounted"] == 0
    buried(raw, api)
    a_key_holds_everywhere(raw, [api, ingest, work])
    for one in (ingest, work, api):
        assert one.end() == 0


def buried(raw: Raw, api: Process) -> None:
    """What cannot be used is a dead letter, once, under the name of its topic."""
    letters = httpx.get(f"{api.url}/api/v1/dead-letters", timeout=20).json()["items"]
    assert len(letters) == len(raw.poison)
    assert {one["source"] for one in letters} == {f"kafka:{SOURCE}/{raw.topics[one]}" for one in ("alerts", "logs")}
    assert Counter(one["format"] for one in letters) == {"json": 2, "otlp-logs-json": 2}
    assert all(one["reason"] for one in letters)


def a_key_holds_everywhere(raw: Raw, processes: list[Process]) -> None:
    """Made once it opens every process, and revoked in one it opens none."""
    with closing(PostgresAccess(raw.dsn)) as store:
        made = keys.create(store, "test", Role.ADMIN, bootstrap.now(), "test")
        keys.create(store, "stays", Role.VIEWER, bootstrap.now(), "test")
    headers = {"authorization": f"Bearer {made.secret}"}

    def answers(headers: dict[str, str]) -> set[int]:
        return {httpx.get(f"{one.url}/metrics", headers=headers, timeout=20).status_code for one in processes}

    eventually(lambda: answers({}) == {401}, "nothing is open any more", 20)
    assert answers(headers) == {200}
    api = processes[0]
    revoke = f"{api.url}/api/v1/access/keys/{made.key.id}/revoke"
    assert httpx.post(revoke, headers=headers, timeout=20).status_code == 200
    eventually(lambda: answers(headers) == {401}, "it opens nothing anywhere", 20)


def total(api: Process) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{api.url}/api/v1/totals", timeout=20).json()
    return found
