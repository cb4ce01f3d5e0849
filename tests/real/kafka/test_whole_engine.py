"""A whole engine between topics of Apache Kafka: alerts in, incidents and their ends out, dead letters beside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import msgspec
import pytest

from api.commands import topics
from api.sinks.published import SCHEMAS
from tests.real.components import Headwater, eventually
from tests.real.kafka.brokers import Cluster
from tests.real.kafka.world import consume, fresh, produce

pytestmark = pytest.mark.real("apache-kafka")

CATALOGUE = "entities:\n  - {id: db, kind: database}\n  - {id: shop, kind: service, depends_on: [db]}\n"


class Wired:
    """A running engine and the names of its topics."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.names = {one: fresh() for one in ("alerts", "logs", "dead", "incidents", "impact", "recovery")}
        bootstrap = address.split(",")
        given = {
            "kafka": [{
                "name": "bus", "bootstrap": bootstrap, "group": self.names["alerts"], "most_lag": 50,
                "session_timeout": 6,
                "topics": [
                    {"name": self.names["alerts"], "partitions": 2},
                    {"name": self.names["logs"], "partitions": 1, "format": "otlp-logs-json"},
                ],
                "dead_letters": {"name": self.names["dead"], "partitions": 1},
            }],
            "sinks": {"kafka": [{
                "name": "out", "bootstrap": bootstrap, "compression": "zstd",
                **{one: self.names[one] for one in ("incidents", "impact", "recovery")},
            }]},
        }  # fmt: skip
        folder.mkdir()
        settings = "".join(f"{section}: {json.dumps(value)}\n" for section, value in given.items())
        (folder / "topics.yaml").write_text(settings, encoding="utf-8")
        assert topics.show(folder / "topics.yaml", as_json=True) == 1
        assert topics.create(folder / "topics.yaml", as_json=False) == 0
        assert topics.show(folder / "topics.yaml", as_json=False) == 0
        self.engine = Headwater(folder / "engine", CATALOGUE, settings, seconds=90)

    def alert(self, status: str, key: str) -> None:
        body = {"kind": "alert", "name": "Down", "service": "db", "severity": "critical", "status": status}
        headers = {"headwater-key": key.encode()}
        produce(self.address, self.names["alerts"], [msgspec.json.encode(body)], headers=headers)

    def out(self, topic: str, count: int) -> list[dict]:
        records = consume(self.address, self.names[topic], count)
        found = [msgspec.json.decode(one.value) for one in records]
        kind = "publication" if topic == "incidents" else topic
        for one in found:
            jsonschema.validate(one, SCHEMAS[kind](), jsonschema.Draft202012Validator)
        return found


@pytest.fixture(scope="module")
def wired(apache_kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    made = Wired(tmp_path_factory.mktemp("wired") / "all", apache_kafka.address)
    yield made
    made.engine.stop()


def test_alerts_of_a_topic_become_an_incident_in_a_topic_with_its_impact(wired: Wired) -> None:
    wired.alert("firing", "one")
    wired.alert("firing", "one")
    (opened,) = wired.out("incidents", 1)
    assert opened["type"] == "incident.open"
    (impact,) = wired.out("impact", 1)
    assert impact["data"]["incident_id"] == opened["data"]["incident_id"]
    assert impact["data"]["key"] == opened["data"]["key"]
    eventually(lambda: wired.engine.metric("headwater_alert_events_received_total", format="envelope-msgpack") == 2,
               "both were taken")  # fmt: skip
    (alert,) = wired.engine.alerts().values()
    history = wired.engine.get(f"/api/v1/alerts/{alert['fingerprint']}/why")
    assert "redelivered" in msgspec.json.encode(history).decode()  # the repeat is known by its key


def test_the_lag_of_each_partition_is_a_metric_and_the_readiness_tells_it(wired: Wired) -> None:
    name = wired.names["alerts"]
    for partition in ("0", "1"):
        labels = {"source": "kafka:bus", "topic": name, "partition": partition}
        line = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        eventually(
            lambda line=line: f"headwater_kafka_lag_records{{{line}}} 0.0" in _metrics(wired),  # type: ignore[misc]
            "the lag is told",
        )
    (check,) = [one for one in wired.engine.get("/readyz")["checks"] if one["name"] == "kafka:bus"]
    assert check == {"name": "kafka:bus", "ok": True, "detail": "0 records behind"}


def _metrics(wired: Wired) -> str:
    return httpx.get(f"{wired.engine.url}/metrics", timeout=5).text


def test_what_cannot_be_decoded_is_a_dead_letter_in_the_table_and_in_the_topic(wired: Wired) -> None:
    good = b'{"kind":"alert","name":"Slow","service":"shop"}'
    envelope = b'{"headwater":1,"key":"e-1","signals":[%b,{"kind":"alert"}]}' % good
    produce(wired.address, wired.names["alerts"], [envelope], headers={"headwater-format": b"envelope"})
    produce(wired.address, wired.names["logs"], [b"not json"])
    letters = eventually(lambda: found if len(found := _letters(wired)) == 2 else [], "both are in the table")
    assert {one["format"] for one in letters} == {"envelope", "otlp-logs-json"}
    copies = consume(wired.address, wired.names["dead"], 2)
    said = {dict(one.headers)["headwater-format"]: dict(one.headers) for one in copies}
    assert said[b"envelope"]["headwater-reason"] == b"expected a service, an entity or labels"
    assert said[b"envelope"]["headwater-source"] == f"kafka:bus/{wired.names['alerts']}".encode()
    assert [one.value for one in copies if dict(one.headers)["headwater-format"] != b"envelope"] == [b"not json"]

    id = next(one["id"] for one in letters if one["format"] == "envelope")
    refused = httpx.post(f"{wired.engine.url}/api/v1/dead-letters/{id}/redrive", timeout=5)
    assert refused.status_code == 409  # it is still what it was


def _letters(wired: Wired) -> list[dict]:
    found: list[dict] = wired.engine.get("/api/v1/dead-letters")["items"]
    return found
