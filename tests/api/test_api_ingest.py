"""Signals in: what is good becomes durable before the 2xx, what is bad is named, nothing good is lost beside it."""

from __future__ import annotations

import gzip
import json
import socket
import sqlite3
import struct

import cramjam
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api import bootstrap
from api.kept import Kept
from api.routes.ingest import ROWS
from tests.api.live import Live, alert, live
from tests.real.components import eventually

JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}


def stored(world: Live) -> list[tuple[str, bytes]]:
    """The input log as another process would find it on disk."""
    with bootstrap.stored(Kept(world.folder / "headwater-data")) as reader:
        return [(entry.format, entry.body) for entry in reader.entries(0)]  # type: ignore[attr-defined]


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def write_request(name: str, value: float, at: int) -> bytes:
    label = field(1, field(1, b"__name__") + field(2, name.encode()))
    service = field(1, field(1, b"service") + field(2, b"db"))
    sample = field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at))
    return bytes(cramjam.snappy.compress_raw(field(1, label + service + sample)))


def logs(service: str, text: str) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    attribute = resource.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    record = resource.scope_logs.add().log_records.add(time_unix_nano=1_700_000_000_000_000_000, severity_number=17)
    record.body.string_value = text
    return request


# --------------------------------------------------------------------------------------------- what is accepted


def test_an_alert_of_api_v2_is_on_disk_when_200_is_answered(world: Live):
    body = json.dumps([alert("Durable", "db")]).encode()
    answer = world.client.post("/api/v2/alerts", content=body, headers=JSON)
    assert (answer.status_code, answer.content) == (200, b"")
    assert ("alertmanager-v2", body) in stored(world)


def test_alertmanagers_webhook_is_taken(world: Live):
    body = {
        "version": "4", "groupKey": "{}", "status": "firing", "receiver": "r", "truncatedAlerts": 0,
        "alerts": [{"status": "firing", **alert("Hooked", "mail"), "startsAt": "2026-01-01T00:00:00Z"}],
    }  # fmt: skip
    assert world.client.post("/api/v1/webhook/alertmanager", json=body).status_code == 200
    assert any(one["name"] == "Hooked" for one in world.get("/api/v1/alerts", entity="mail")["items"])


def test_remote_write_is_taken_with_204(world: Live):
    body = write_request("connections", 5.0, 1_767_225_600_000)
    headers = {**PROTOBUF, "content-encoding": "snappy", "x-prometheus-remote-write-version": "0.1.0"}
    answer = world.client.post("/api/v1/write", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert ("remote-write", body) in stored(world)


def test_remote_write_2_is_refused_with_415(world: Live):
    headers = {"content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
    answer = world.client.post("/api/v1/write", content=b"", headers=headers)
    assert answer.status_code == 415


def test_gzipped_otlp_logs_are_taken_and_answered_in_protobuf(world: Live):
    body = logs("db", "timeout").SerializeToString()
    headers = {**PROTOBUF, "content-encoding": "gzip"}
    answer = world.client.post("/v1/logs", content=gzip.compress(body), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert not ExportLogsServiceResponse.FromString(answer.content).HasField("partial_success")
    assert ("otlp-logs", body) in stored(world)


def test_otlp_json_is_answered_in_json(world: Live):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "db"}}]}
    record = {"timeUnixNano": "1700000000000000000", "severityNumber": 17, "body": {"stringValue": "timeout"}}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    answer = world.client.post("/v1/logs", json=body)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    ("path", "request_type"),
    [("/v1/metrics", ExportMetricsServiceRequest), ("/v1/traces", ExportTraceServiceRequest)],
)
def test_an_empty_otlp_request_is_a_success(world: Live, path: str, request_type: type):
    answer = world.client.post(path, content=request_type().SerializeToString(), headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")


def test_plain_json_lines_are_counted(world: Live):
    lines = [{"kind": "metric", "t": 1767225600 + i, "service": "db", "metric": "m", "value": i} for i in range(3)]
    content = "\n".join(map(json.dumps, lines)).encode()
    answer = world.client.post("/api/v1/signals", content=content, headers={"content-type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 3})


def test_what_a_program_asks_an_alertmanager_is_answered(world: Live):
    assert world.client.get("/-/ready").status_code == world.client.get("/-/healthy").status_code == 200
    assert "versionInfo" in world.get("/api/v2/status")


def test_alerts_are_taken_under_a_path_prefix_too(tmp_path):
    with live(tmp_path, server="port: 0, prefix: /hw") as world:
        assert world.client.post("/hw/api/v2/alerts", json=[alert("X", "db")]).status_code == 200
        assert world.client.get("/hw/-/ready").status_code == 200


# ------------------------------------------------------------------------------------------------ what is refused


def test_good_alerts_beside_bad_ones_are_kept_and_the_bad_ones_are_named(world: Live):
    bad = {"labels": {"alertname": 5, "service": "db"}}
    answer = world.send(alert("Good1", "shop"), bad, alert("Good2", "shop"))
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert problem["accepted"] == 2
    assert [error["pointer"] for error in problem["errors"]] == ["/1/labels/alertname"]
    names = {one["name"] for one in world.get("/api/v1/alerts", entity="shop")["items"]}
    assert {"Good1", "Good2"} <= names
    letters = world.get("/api/v1/dead-letters")["items"]
    assert any(letter["pointer"] == "/1/labels/alertname" for letter in letters)


HOSTILE = {
    "truncated": b'[{"labels":{"alertname":"X"',
    "no JSON": b"\xff\xfe\x00",
    "a number": b"5",
    "NaN": b'[{"labels":{"alertname":"X"},"startsAt":NaN}]',
    "deep": b"[" * 100_000,
    "a huge number": b'[{"labels":{"alertname":' + b"9" * 10_000 + b"}}]",
    "duplicate keys": b'[{"labels":{"alertname":"X","alertname":"Y"}}]',
    "10,000 labels": json.dumps([{"labels": {f"l{i}": "v" for i in range(10_000)}}]).encode(),
    "an absurd time": b'[{"labels":{"alertname":"X"},"startsAt":"9999-99-99T00:00:00Z"}]',
    "no labels": b"[{}]",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_alerts_are_a_400_with_pointers_and_a_dead_letter(world: Live, case: str):
    before = len(world.get("/api/v1/dead-letters", limit=500)["items"])
    answer = world.client.post("/api/v2/alerts", content=HOSTILE[case], headers=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"]
    assert answer.json()["accepted"] == 0
    assert len(world.get("/api/v1/dead-letters", limit=500)["items"]) > before


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_rubbish_is_the_senders_error_at_every_endpoint(world: Live, row):
    answer = world.client.post(row.path, content=b"\x07rubbish{", headers={"content-type": next(iter(row.kinds))})
    assert answer.status_code == 400, answer.content
    assert world.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_another_content_type_is_a_415_that_names_the_right_one(world: Live, row):
    answer = world.client.post(row.path, content=b"x", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert next(iter(row.kinds)) in answer.json()["detail"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_another_method_is_a_405(world: Live, row):
    assert world.client.get(row.path, headers={"content-type": next(iter(row.kinds))}).status_code == 405


def test_too_large_a_body_is_a_413_by_its_declared_length(world: Live):
    answer = world.client.post("/api/v2/alerts", content=b" " * (5 << 20), headers=JSON)
    assert answer.status_code == 413
    assert "limits.body" in answer.json()["detail"]


def test_too_large_a_body_without_a_length_is_cut_off_while_it_streams(world: Live):
    answer = world.client.post("/api/v2/alerts", content=(b" " * 65536 for _ in range(100)), headers=JSON)
    assert answer.status_code == 413


def test_a_gzip_bomb_is_a_413(world: Live):
    bomb = gzip.compress(b" " * (50 << 20))
    assert len(bomb) < 100_000
    answer = world.client.post("/api/v2/alerts", content=bomb, headers={**JSON, "content-encoding": "gzip"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("encoding", "content"), [("gzip", b"no gzip"), ("br", b"x"), ("gzip", gzip.compress(b"[]", mtime=0)[:9])]
)
def test_a_broken_or_unknown_content_encoding_is_a_400(world: Live, encoding: str, content: bytes):
    answer = world.client.post("/api/v2/alerts", content=content, headers={**JSON, "content-encoding": encoding})
    assert answer.status_code == 400


def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing_behind(world: Live):
    before = len(stored(world))
    host, port = world.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n")
        half.sendall(b"Content-Length: 1000\r\n\r\n[{")
    eventually(lambda: world.client.get("/healthz").status_code == 200, "it still serves")
    assert len(stored(world)) == before


def test_while_the_disk_cannot_be_written_senders_are_told_to_try_again(tmp_path):
    with live(tmp_path) as world:
        world.send(alert("Before", "db"))
        database = sqlite3.connect(tmp_path / "headwater-data" / "headwater.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # somebody else holds the only lock for writing
        refused = world.send(alert("During", "db"))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert world.client.get("/readyz").status_code == 503
        assert world.client.get("/healthz").status_code == 200
        assert world.get("/api/v1/alerts", name="Before")["items"], "what is stored can still be read"
        database.execute("ROLLBACK")
        database.close()
        eventually(lambda: world.send(alert("After", "db")).status_code == 200, "inputs are accepted again", 30)
        assert world.get("/api/v1/totals")["unaccounted"] == 0


def test_a_dead_letter_can_be_dropped_and_one_that_is_still_bad_cannot_be_redriven(world: Live):
    world.client.post("/api/v1/signals", content=b'{"kind":"nonsense"}', headers=JSON)
    letter = world.get("/api/v1/dead-letters")["items"][0]
    still = world.client.post(f"/api/v1/dead-letters/{letter['id']}/redrive")
    assert (still.status_code, still.json()["type"]) == (409, "urn:headwater:problem:still-undecodable")
    assert world.client.post(f"/api/v1/dead-letters/{letter['id']}/drop").json()["state"] == "dropped"
    assert world.client.post(f"/api/v1/dead-letters/{letter['id']}/drop").status_code == 404


def test_a_request_that_is_not_on_disk_in_time_is_a_503(tmp_path):
    with live(tmp_path, "limits: {wait: 0.05}\n") as world:
        database = sqlite3.connect(tmp_path / "headwater-data" / "headwater.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # somebody else holds the only lock for writing
        answers = {world.send(alert(f"B{i}", "db")).status_code for i in range(5)}
        database.execute("ROLLBACK")
        database.close()
    assert answers == {503}


def test_headers_that_protect_a_browser_are_on_every_answer(world: Live):
    for answer in (
        world.client.get("/"),
        world.send(),
        world.client.get("/nowhere"),
        httpx.get(world.url + "/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
