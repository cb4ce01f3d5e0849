"""Every route of the OpenAPI document has an example that its schema allows.

`HEADWATER_RENEW=1 pytest tests/api/test_api_examples.py` records anew, in one outage, what `api/recorded.json` holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.api.live import live
from tests.continuity.played import BOOKS, Played, outage, play, review
from tests.continuity.upstream import Upstream

FILE = Path(__file__).parents[2] / "api" / "recorded.json"
STEPS = "  steps: {commands: [{name: promote-replica, argv: [/bin/true], arguments: '.*'}]}\n"
TOLD = {
    "GET /api/v1/regimes/{regime}/together": {
        "regime": "gdpr",
        "since": "2026-11-21T09:14:00Z",
        "incidents": ["INC-42", "INC-57"],
        "causes": ["orders-db"],
        "classification": "notifiable personal data breach",
        "answer": "cannot_exclude",
        "because": ["personal data of 1200 people may have been lost"],
        "criteria": [],
        "facts": [],
        "versions": {"topology": "067d1c20fa7cc1af", "catalogue": "067d1c20fa7cc1af", "rules": "88ede81b1dadb36a"},
    },
    "POST /api/v1/dead-letters/{id}/redrive": {"id": 2, "state": "redriven", "accepted": 1},
    "POST /api/v1/incidents/{id}/steps/{task}/dry-run": {
        "incident": "INC-42",
        "task": "failover",
        "plan": "would run /opt/ops/promote replica-1, for at most 300 s",
        "state": "ready",
        "waits_for": [],
    },
    "POST /api/v1/incidents/{id}/steps/{task}/run": {
        "incident": "INC-42",
        "task": "failover",
        "run": "run-1",
        "plan": "would run /opt/ops/promote replica-1, for at most 300 s",
    },
    "POST /api/v1/outbox/{id}/redrive": {"id": 7, "state": "new"},
}
"""Examples of what does not happen in the outage."""
AT_MOST = 2
"""Rows of a list, as an example."""


def json_answers(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Method and path of each route that answers with JSON, and what is said of the answer."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if status.startswith("2") and "application/json" in response.get("content", {}):
                    yield f"{method.upper()} {path}", response["content"]["application/json"]


def test_every_route_has_an_example_that_its_schema_allows(tmp_path: Path):
    if os.environ.get("HEADWATER_RENEW"):
        FILE.write_text("{}\n", encoding="utf-8")
        FILE.write_text(json.dumps(recorded(tmp_path), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with live(tmp_path / "documented") as served:
        document = served.get("/openapi.json")
    wrong = []
    for name, said in json_answers(document):
        if "example" not in said:
            wrong.append(f"{name}: no example")
            continue
        schema = {**said["schema"], "components": document["components"]}
        wrong += [
            f"{name}: {one.json_path}: {one.message}"
            for one in Draft202012Validator(schema).iter_errors(said["example"])
        ]
    assert wrong == []


def recorded(folder: Path) -> dict[str, Any]:
    """What the routes that name no example answer in an outage that is played to its review."""
    upstream = Upstream(folder / "git")
    upstream.commit("Ann", "Write it\n\nReviewed-by: Dana <dana@example.com>", "ops/playbooks/orders.yaml", BOOKS)
    settings = f"restoring:\n  repository: {{url: {upstream.url}, folder: ops/playbooks}}\n{STEPS}"
    with outage(folder / "noc", settings=settings) as one:
        recorder = Recorder(one)
        recorder.act_in_time()
        play(one)
        recorder.act_later()
        review(one)
        recorder.look_around()
        return {name: shortened(recorder.answers[name]) for name in sorted(recorder.answers)}


def shortened(value: Any) -> Any:
    """With lists of a few rows; other lists may have to be as long as they are."""
    if isinstance(value, dict):
        return {name: shortened(one) for name, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [shortened(one) for one in value[:AT_MOST]]
    return value


class Recorder:
    """Asks as a person who may do everything."""

    def __init__(self, one: Played) -> None:
        self.one, self.answers = one, dict[str, Any](TOLD)

    def ask(self, name: str, *ids: str, **asked: Any) -> Any:
        """The answer of the route of this name, also kept under it; ``ids`` fill its path in order."""
        method, path = name.split(" ")
        for id in ids:
            before, _, rest = path.partition("{")
            path = before + id + rest.partition("}")[2]
        headers = {"authorization": "Bearer root"}
        answer = self.one.served.client.request(method, path, headers=headers, **asked)
        assert answer.status_code == 200, (name, answer.text)
        self.answers[name] = answer.json()
        return self.answers[name]

    def act_in_time(self) -> None:
        """While the incident is new."""
        text = {"facts": {"text": "the replica is healthy"}}
        self.ask("POST /api/v1/incidents/{id}/{action}", self.one.id, "note", json=text)
        made = self.ask(
            "POST /api/v1/silences",
            json={"matchers": 'alertname="Backup"', "until": "2099-01-01T00:00:00Z", "reason": "known"},
        )
        self.ask("GET /api/v1/silences")
        self.ask("POST /api/v1/silences/{id}/expire", made["target"], json={"reason": "over"})
        self.one.served.client.post(
            "/api/v2/alerts", json=[{"labels": {}}] * 2, headers={"authorization": "Bearer feed"}
        )
        letter, *_ = self.ask("GET /api/v1/dead-letters")["items"]
        self.ask("POST /api/v1/dead-letters/{id}/drop", str(letter["id"]), json={})

    def act_later(self) -> None:
        """When it was worked on."""
        self.ask("POST /api/v1/playbooks/fetch")
        self.ask("POST /api/v1/reload")
        self.ask(
            "POST /api/v1/incidents/{id}/proposals/{playbook}", self.one.id, "orders-db-lost", json={"reason": "faster"}
        )

    def look_around(self) -> None:
        """At everything else that can be read."""
        version = self.one.get("topology")["version"]
        self.ask("GET /api/v1/topology/diff", params={"before": version, "after": version})
        self.ask("POST /api/v1/whatif", json={"assume": {"down": ["orders-db"]}})
        document = self.one.served.client.get("/openapi.json").json()
        known = {
            "/incidents/{id}": f"/incidents/{self.one.id}",
            "{entity}": "orders-db",
            "/playbooks/{id}": "/playbooks/orders-db-lost",
        }
        for name, said in json_answers(document):
            method, path = name.split(" ")
            if method == "GET" and "example" not in said and name not in self.answers:
                for before, after in known.items():
                    path = path.replace(before, after)
                answer = self.one.served.client.get(path, headers={"authorization": "Bearer root"})
                assert answer.status_code == 200, (name, answer.text)
                self.answers[name] = answer.json()
