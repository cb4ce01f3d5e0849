"""Every list is paged: the same three words everywhere, and a walk over pages that meets every row once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.live import Live, alert, live
from tests.real.components import eventually

OF_ONE_THING = {
    "/api/v1/alerts/{id}", "/api/v1/alerts/{id}/why", "/api/v1/catalogue", "/api/v1/continuity/duty",
    "/api/v1/continuity/readiness", "/api/v1/continuity/tabletop/{entity}", "/api/v1/entities/{id}/logs/templates",
    "/api/v1/evidence/model", "/api/v1/governance", "/api/v1/incidents/{id}", "/api/v1/incidents/{id}/clocks",
    "/api/v1/incidents/{id}/bundles", "/api/v1/incidents/{id}/catalogue", "/api/v1/incidents/{id}/explanation",
    "/api/v1/incidents/{id}/proposals",
    "/api/v1/incidents/{id}/recovery", "/api/v1/incidents/{id}/undetected",
    "/api/v1/incidents/{id}/recovery/windows", "/api/v1/incidents/{id}/report", "/api/v1/incidents/{id}/response",
    "/api/v1/incidents/{id}/restoration", "/api/v1/incidents/{id}/severity", "/api/v1/load", "/api/v1/me",
    "/api/v1/playbooks/{id}", "/api/v1/readiness", "/api/v1/regimes/{regime}/together", "/api/v1/restoration",
    "/api/v1/risk/single-points", "/api/v1/rules/{id}/promotion", "/api/v1/topology/diff",
    "/api/v1/topology/observed", "/api/v1/topology/{entity}", "/readyz",
}  # fmt: skip
"""Answers about one thing that hold lists of its parts. A list of things is none of them: it is paged."""
RULES = """\
probes:
  - {id: front, entity: checkout, kind: sql, target: orders, query: select 1, every: 1h}
  - {id: back, entity: db, kind: sql, target: orders, query: select 1, every: 1h}
"""
SCENARIOS = """\
scenarios:
  - {id: db-lost, assume: {down: [db]}, expect: [{entities: {shop: down}}]}
  - {id: mail-lost, assume: {down: [mail]}, expect: [{entities: {shop: untouched}}]}
"""
SETTINGS = "sinks: {log: true}\nprobes: {databases: [{name: orders, driver: sqlite3, database: orders.db}]}\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("paged")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "shop.yaml").write_text(SCENARIOS, encoding="utf-8")
    sqlite3.connect(folder / "orders.db").close()
    with live(folder, SETTINGS) as served:
        (folder / "rules" / "probes.yaml").write_text(RULES, encoding="utf-8")
        assert served.client.post("/api/v1/reload").status_code == 200
        assert served.send(alert("Down", "db"), alert("Down", "lab"), alert("Slow", "checkout")).status_code == 200
        for name in ("a", "b", "c"):
            body = {"matchers": f'alertname="{name}"', "until": "2099-01-01T00:00:00Z", "reason": "noisy"}
            assert served.client.post("/api/v1/silences", json=body).status_code == 200
        served.incident_of("db")
        eventually(lambda: len(served.get("/api/v1/silences")["items"]) == 3, "the silences are in force")
        yield served


def lists(world: Live) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Of each route that answers with rows: its path, the schema of its answer, its parameters."""
    document = world.get("/openapi.json")
    schemas = document["components"]["schemas"]

    def resolved(schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    for path, item in document["paths"].items():
        content = item.get("get", {"responses": {}})["responses"].get("200", {}).get("content", {})
        schema = resolved(content.get("application/json", {}).get("schema", {}))
        fields = {name: resolved(one) for name, one in schema.get("properties", {}).items()}
        if any(one.get("type") == "array" for one in fields.values()) or schema.get("type") == "array":
            yield path, fields, {one["name"] for one in item["get"].get("parameters", [])}


def test_what_answers_with_rows_is_paged_or_the_head_of_a_ranking_or_the_parts_of_one_thing(world: Live):
    unpaged = set()
    for path, fields, parameters in lists(world):
        paged = {"items", "next"} <= set(fields) and {"cursor", "limit"} <= parameters
        ranking = {"items", "total"} <= set(fields)
        if not paged and not ranking:
            unpaged.add(path)
    assert unpaged == OF_ONE_THING


def test_every_answer_says_what_it_holds(world: Live):
    """A list whose schema nobody wrote down would pass by the test above."""
    paths = {path: item["get"] for path, item in world.get("/openapi.json")["paths"].items() if "get" in item}
    silent = {
        path
        for path, asked in paths.items()
        if not any(one.get("schema") for one in asked["responses"]["200"].get("content", {}).values())
    }
    assert silent == {"/api/v1/stream"}


def test_a_walk_in_steps_of_one_meets_every_row_once(world: Live):
    incident = world.incident_of("db")["id"]
    several = set()
    for path, fields, parameters in lists(world):
        if not ({"items", "next"} <= set(fields) and "cursor" in parameters):
            continue
        url = path.replace("{id}", incident)
        met, cursor = [], ""
        for _ in range(60):
            page = world.get(url, limit=1, cursor=cursor)
            met += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        whole = world.get(url, limit=500)["items"]
        assert [_named(row) for row in met] == [_named(row) for row in whole], path
        if len(whole) > 1:
            several.add(path)
    assert {
        "/api/v1/silences", "/api/v1/scenarios", "/api/v1/versions", "/api/v1/topology", "/api/v1/alerts",
        "/api/v1/incidents/{id}/timeline", "/api/v1/incidents/{id}/revisions", "/api/v1/evidence/promotions",
        "/api/v1/probes",
    } <= several  # fmt: skip


def _named(row: dict[str, Any]) -> Any:
    """What stays of a row between two looks."""
    return next((row[name] for name in ("id", "no", "number", "rule", "name") if name in row), row)


def test_what_ends_between_two_pages_hides_nothing(world: Live):
    first = world.get("/api/v1/silences", limit=2)
    assert len(first["items"]) == 2
    gone = first["items"][1]["id"]
    assert world.client.post(f"/api/v1/silences/{gone}/expire").status_code == 200
    rest = world.get("/api/v1/silences", limit=2, cursor=first["next"])
    left = world.get("/api/v1/silences")["items"]
    assert [first["items"][0], *rest["items"]] == left


@pytest.mark.parametrize("path", ["timeline", "revisions"])
def test_a_cursor_of_another_kind_is_refused(world: Live, path: str):
    incident = world.incident_of("db")["id"]
    answer = world.client.get(f"/api/v1/incidents/{incident}/{path}", params={"cursor": "x"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/cursor"
