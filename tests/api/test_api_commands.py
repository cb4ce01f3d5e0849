"""Commands, silences, reload and the live stream, against a running engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import CATALOGUE, Live, alert
from tests.real.components import eventually


@pytest.fixture(scope="module")
def incident(world: Live) -> str:
    world.send(alert("DbDown", "db"))
    return str(world.incident_of("db")["id"])


def command(world: Live, action: str, target: str, **more: object) -> httpx.Response:
    return world.client.post("/api/v1/commands", json={"action": action, "target": target, **more})


def test_a_command_is_answered_with_the_revision_it_led_to(world: Live, incident: str):
    answer = command(world, "acknowledge", incident)
    assert answer.status_code == 200, answer.text
    assert answer.json()["incident"]["acknowledged_by"] == "local"
    timeline = world.get(f"/api/v1/incidents/{incident}/timeline")["items"]
    assert [line["actor"] for line in timeline if line["kind"] == "acknowledged"] == ["local"]


def test_the_short_form_does_the_same(world: Live, incident: str):
    answer = world.client.post(f"/api/v1/incidents/{incident}/assign", json={"facts": {"assignee": "team-data"}})
    assert answer.json()["incident"]["assigned"] == "team-data"
    assert world.client.post(f"/api/v1/incidents/{incident}/restore").json()["incident"]["state"] == "restoring"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"action": "explode", "target": "x"}, ["/action"]),
        ({"action": "close", "target": "x"}, ["/reason"]),
        ({"action": "override_severity", "target": "x"}, ["/reason", "/facts/level"]),
        ({"action": "note"}, ["/target"]),
        ({"action": 5, "target": "x", "extra": 1}, ["/action", "/extra"]),
        ({}, ["/action", "/target"]),
    ],
)
def test_an_incomplete_command_names_everything_that_is_missing(world: Live, body: dict, pointers: list[str]):
    answer = world.client.post("/api/v1/commands", json=body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_a_body_that_is_no_json_is_a_400(world: Live):
    answer = world.client.post("/api/v1/commands", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_what_the_life_cycle_does_not_allow_is_a_409_that_says_what_it_does(world: Live, incident: str):
    answer = command(world, "reopen", incident, reason="again")
    assert answer.status_code == 409
    assert "close" in answer.json()["detail"]


def test_what_the_engine_refuses_is_a_409_with_its_words(world: Live, incident: str):
    answer = command(world, "override_severity", incident, reason="worse", facts={"level": "SEV9"})
    assert (answer.status_code, "SEV9" in answer.json()["detail"]) == (409, True)


def test_an_unknown_incident_is_a_404(world: Live):
    assert command(world, "acknowledge", "INC-999").status_code == 404


def test_a_silence_mutes_is_listed_and_can_be_ended(world: Live):
    body = {"matchers": 'alertname="Muted"', "until": "2099-01-01T00:00:00Z", "reason": "known"}
    made = world.client.post("/api/v1/silences", json=body)
    assert made.status_code == 200, made.text
    world.send(alert("Muted", "mail"))
    muted = world.get("/api/v1/alerts", name="Muted")["items"][0]
    assert (muted["disposition"], muted["reason"]) == ("suppressed", "silenced")
    silence = world.get("/api/v1/silences")["items"][0]
    assert (silence["id"], silence["created_by"], silence["comment"]) == (made.json()["target"], "local", "known")
    assert world.client.post(f"/api/v1/silences/{silence['id']}/expire").status_code == 200
    assert world.get("/api/v1/silences")["items"] == []
    again = world.client.post(f"/api/v1/silences/{silence['id']}/expire")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"matchers": ""}, ["/matchers"]),
        ({"matchers": "alertname=~("}, ["/matchers"]),
        ({"until": "2001-01-01T00:00:00Z"}, ["/until"]),
        ({"until": "soon", "matchers": "="}, ["/until", "/matchers"]),
    ],
)
def test_a_silence_that_is_none_names_what_is_wrong(world: Live, change: dict, pointers: list[str]):
    body = {"matchers": "a=b", "until": "2099-01-01T00:00:00Z", "reason": "r", **change}
    answer = world.client.post("/api/v1/silences", json=body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_reload_brings_new_files_into_force_without_a_restart(world: Live):
    file = world.folder / "catalogue" / "shop.yaml"
    before = world.get("/api/v1/topology")["version"]
    file.write_text(CATALOGUE + "  - {id: queue, kind: queue}\n", encoding="utf-8")
    answer = world.client.post("/api/v1/reload").json()
    assert answer["changed"] == ["topology"]
    assert world.get("/api/v1/topology/queue")["entity"]["kind"] == "queue"
    difference = world.get("/api/v1/topology/diff", before=before)
    assert difference["entities_added"] == ["queue"]
    file.write_text(CATALOGUE, encoding="utf-8")
    world.client.post("/api/v1/reload")
    assert world.get("/api/v1/topology")["version"] == before
    assert world.client.post("/api/v1/reload").json()["changed"] == []


def test_reload_of_wrong_files_lists_all_mistakes_and_changes_nothing(world: Live):
    before = world.get("/api/v1/topology")["version"]
    wrong = world.folder / "catalogue" / "wrong.yaml"
    wrong.write_text("entities:\n  - {id: x, tier: high}\n  - {id: y, depends_on: [nobody]}\n", encoding="utf-8")
    answer = world.client.post("/api/v1/reload")
    wrong.unlink()
    assert answer.status_code == 422
    reasons = [error["reason"] for error in answer.json()["errors"]]
    assert any("wrong.yaml:2" in reason for reason in reasons)
    assert world.get("/api/v1/topology")["version"] == before


# ------------------------------------------------------------------------------------------------- the live stream


def events(lines: Iterator[str]) -> Iterator[tuple[int, str, dict]]:
    """Events of the stream, until it ends."""
    number, name = 0, ""
    for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield number, name, json.loads(line[6:])


def some(world: Live, count: int, **headers: str) -> list[tuple[int, str, dict]]:
    with httpx.stream("GET", f"{world.url}/api/v1/stream", headers=headers, timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer.iter_lines())
        return [next(found) for _ in range(count)]


def test_a_client_that_comes_back_misses_nothing(world: Live, incident: str):
    whole = some(world, 6, **{"last-event-id": "0"})
    numbers = [number for number, _, _ in whole]
    assert numbers == sorted(set(numbers))
    assert some(world, 3, **{"last-event-id": str(numbers[2])}) == whole[3:6]


def test_news_reach_a_client_that_waits(world: Live, incident: str):
    with httpx.stream("GET", f"{world.url}/api/v1/stream", timeout=20) as answer:
        found = events(answer.iter_lines())
        time.sleep(0.3)  # without Last-Event-ID a stream begins when the server has taken it up
        command(world, "note", incident, facts={"text": "hello, stream"})
        assert any(name == "timeline" and data["text"] == "hello, stream" for _, name, data in found)


def test_a_last_event_id_that_is_none_is_a_400(world: Live):
    answer = world.client.get("/api/v1/stream", headers={"last-event-id": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/Last-Event-ID")


def test_publications_can_be_read(world: Live, incident: str):
    found = eventually(lambda: world.get("/api/v1/outbox", incident=incident)["items"], "something was told", 60)
    assert {row["sink"] for row in found} == {"log"}
