"""Plain ingest requests go a short way; nobody can tell from the answers."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time

import pytest

from api.commands import serve
from tests.api.live import Live, alert, live

OK = b"HTTP/1.1 200 OK"


def request(body: bytes, *headers: str, path: str = "/api/v2/alerts", host: str = "localhost") -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def exchange(world: Live, *parts: bytes, answers: int = 1, pause: float = 0.0) -> list[int]:
    """Send the parts on one connection; returns the status codes of so many answers."""
    url = world.client.base_url
    data = b""
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        while data.count(b"HTTP/1.1 ") < answers and (more := connection.recv(65536)):
            data += more
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def known(world: Live, name: str) -> bool:
    return any(one["name"] == name for one in world.get("/api/v1/alerts", limit=200)["items"])


def test_both_ways_give_the_same_answer(world: Live):
    body = json.dumps([alert("Both", "db")]).encode()
    plain = {"content-type": "application/json"}
    short = world.client.post("/api/v2/alerts", content=body, headers=plain)
    parameter = {"content-type": "application/json; charset=utf-8"}
    usual = world.client.post("/api/v2/alerts", content=body, headers=parameter)
    assert (short.status_code, short.content) == (usual.status_code, usual.content) == (200, b"")
    assert short.headers == usual.headers


def test_a_body_in_pieces_is_one_request(world: Live):
    whole = request(json.dumps([alert("Pieces", "db")]).encode())
    assert exchange(world, whole[:40], whole[40:150], whole[150:], pause=0.05) == [200]
    assert known(world, "Pieces")


def test_requests_sent_without_waiting_are_answered_in_their_order(world: Live):
    good = request(json.dumps([alert("Pipelined", "db")]).encode())
    bad = request(b"[{]")
    found = exchange(world, good + bad + good + good, answers=4)
    assert found == [200, 400, 200, 200]


def test_what_is_wrong_gets_the_usual_answer(world: Live):
    answer = world.client.post(
        "/api/v2/alerts", content=b'[{"labels":{"a":1}}]', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/0/labels/a"


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        (("Origin: http://evil.example",), "localhost", 403),
        ((), "evil.example", 421),
        (("Connection: close",), "localhost", 200),
        (("Content-Encoding: rot13",), "localhost", 400),
    ],
)
def test_the_guard_stands_before_the_short_way_too(world: Live, headers, host, status):
    body = json.dumps([alert("Guarded", "db")]).encode()
    assert exchange(world, request(body, *headers, host=host)) == [status]


def test_tokens_are_asked_for_on_the_short_way_too(tmp_path):
    token = "hw_" + "a" * 32
    digest = hashlib.sha256(token.encode()).hexdigest()
    extra = f"tokens:\n  - {{name: prometheus, role: ingest, sha256: {digest}}}\n"
    with live(tmp_path, extra) as served:
        body = request(json.dumps([alert("Token", "db")]).encode())
        assert exchange(served, body) == [401]
        with_token = request(json.dumps([alert("Token", "db")]).encode(), f"Authorization: Bearer {token}")
        assert exchange(served, with_token) == [200]


def test_an_idle_connection_is_closed_after_a_while_and_a_used_one_is_not(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve, "KEEP_ALIVE", 2)
    body = request(json.dumps([alert("Idle", "db")]).encode())
    with live(tmp_path) as served:
        url = served.client.base_url
        with socket.create_connection((url.host, url.port), timeout=20) as connection:
            for _ in range(4):
                connection.sendall(body)
                assert connection.recv(65536).startswith(OK)
                time.sleep(0.8)
            assert connection.recv(65536) == b""


def test_senders_end_their_idle_connections_before_the_server_does():
    assert serve.KEEP_ALIVE > 300  # as long as Prometheus keeps one


def test_who_waits_too_long_hears_that_it_is_not_known_to_be_stored(tmp_path):
    with live(tmp_path, "limits: {wait: 0.0001}\n") as served:
        answers = [served.send(alert("Late", "db")) for _ in range(20)]
    late = [answer for answer in answers if answer.status_code == 503]
    assert late
    assert "could not be stored within" in late[0].json()["detail"]
    assert "retry-after" in late[0].headers
