"""What can be read: every route, its paging, its errors, and that the document says what is sent."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from fastapi.routing import APIRoute

from api import examples
from api.app import ROUTERS
from api.routes.ingest import ROWS
from tests.api.live import Live, alert


@pytest.fixture(scope="module")
def outage(world: Live) -> Live:
    """The database fails, and what needs it."""
    for name, service in (("DbDown", "db"), ("Slow", "checkout"), ("Errors", "shop")):
        assert world.send(alert(name, service)).status_code == 200
    assert world.incident_of("db")["cause"] == "db"
    return world


def document(world: Live) -> dict[str, Any]:
    found: dict[str, Any] = world.get("/openapi.json")
    return found


def validator(world: Live, schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    whole = {**schema, "components": document(world)["components"]}
    return jsonschema.Draft202012Validator(whole)


def test_an_incident_comes_with_cause_impact_timeline_and_alerts(outage: Live):
    incident = outage.incident_of("db")
    whole = outage.get(f"/api/v1/incidents/{incident['id']}")
    assert whole["incident"]["cause"] == "db"
    assert {hit["entity"] for hit in whole["incident"]["impact"]} >= {"checkout", "shop"}
    assert {one["name"] for one in whole["alerts"]} == {"DbDown", "Slow", "Errors"}
    assert whole["timeline"][0]["kind"] == "opened"
    for part in ("timeline", "revisions", "impact", "alerts"):
        assert outage.get(f"/api/v1/incidents/{incident['id']}/{part}")["items"]


def test_incidents_are_filtered(outage: Live):
    assert outage.get("/api/v1/incidents", entity="db")["items"]
    assert outage.get("/api/v1/incidents", entity="mail")["items"] == []
    assert outage.get("/api/v1/incidents", state="reviewed")["items"] == []
    assert outage.get("/api/v1/incidents", text="db")["items"]


def test_pages_follow_each_other_without_gap_or_repeat(outage: Live):
    seen, cursor = [], ""
    while True:
        page = outage.get("/api/v1/alerts", limit=1, cursor=cursor)
        seen += [one["no"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 3


def test_why_is_answered_for_event_number_and_fingerprint(outage: Live):
    one = outage.get("/api/v1/alerts", name="Slow")["items"][0]
    answers = [outage.get(f"/api/v1/alerts/{id}/why") for id in (one["first_event"], one["no"], one["fingerprint"])]
    assert {answer["event"] for answer in answers} == {one["first_event"]}
    assert answers[0]["current"] == answers[0]["history"][-1]
    assert answers[0]["current"]["reason"] == one["reason"]


def test_impact_of_an_entity_now(outage: Live):
    reached = outage.get("/api/v1/impact/db")
    assert [hit["entity"] for hit in reached["items"]] == ["checkout", "shop"]
    assert reached["items"][1]["path"] == ["db", "checkout", "shop"]
    later = outage.get("/api/v1/impact/mail")["items"]
    assert {hit["after"] for hit in later} == {1800.0}
    assert outage.get("/api/v1/impact/checkout-api")["entity"] == "checkout"


def test_the_topology_is_paged_and_an_entity_shows_its_neighbours(outage: Live):
    first = outage.get("/api/v1/topology", limit=2)
    assert (first["total"], [one["id"] for one in first["items"]], first["next"]) == (5, ["checkout", "db"], "db")
    rest = outage.get("/api/v1/topology", limit=500, cursor=first["next"])
    assert [one["id"] for one in rest["items"]] == ["lab", "mail", "shop"]
    one = outage.get("/api/v1/topology/checkout")
    assert {needed["provider"] for needed in one["providers"]} == {"db", "mail"}
    assert {user["consumer"] for user in one["consumers"]} == {"shop"}
    assert len(outage.get("/api/v1/catalogue")["entities"]) == 5
    assert [one["id"] for one in outage.get("/api/v1/topology", kind="database")["items"]] == ["db"]


def test_versions_say_which_is_in_force_and_differences_can_be_asked(outage: Live):
    current = {row["kind"]: row["id"] for row in outage.get("/api/v1/versions")["items"] if row["current"]}
    assert current["topology"] == outage.get("/api/v1/topology")["version"]
    assert outage.get("/api/v1/topology/diff", before=current["topology"])["entities_added"] == []


def test_totals_account_for_everything(outage: Live):
    totals = outage.get("/api/v1/totals")
    assert totals["received"] == sum(totals["dispositions"].values()) == 3
    assert totals["unaccounted"] == 0


@pytest.mark.parametrize(
    ("path", "status", "pointer"),
    [
        ("/api/v1/incidents/INC-999", 404, None),
        ("/api/v1/incidents/INC-999/timeline", 404, None),
        ("/api/v1/alerts/999", 404, None),
        ("/api/v1/alerts/%00/why", 404, None),
        ("/api/v1/impact/nothing", 404, None),
        ("/api/v1/topology/nothing", 404, None),
        ("/api/v1/topology/diff?before=x", 404, None),
        ("/nowhere", 404, None),
        ("/api/v1/incidents?limit=501", 400, "/limit"),
        ("/api/v1/incidents?limit=x", 400, "/limit"),
        ("/api/v1/incidents?cursor=x", 400, "/cursor"),
        ("/api/v1/alerts?cursor=-1", 400, "/cursor"),
        ("/api/v1/topology/diff", 400, "/before"),
        ("/api/v1/stream?after=-1", 400, "/after"),
        ("/api/v1/versions?kind=x", 400, "/kind"),
    ],
)
def test_a_wrong_question_is_a_problem_with_a_pointer(outage: Live, path: str, status: int, pointer: str | None):
    answer = outage.client.get(path)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert [error["pointer"] for error in problem.get("errors", [])] == ([pointer] if pointer else [])


def test_open_incidents_are_counted_at_each_scrape(outage: Live):
    opened = outage.get("/api/v1/incidents", state="declared")["items"]
    lines = outage.client.get("/metrics").text.splitlines()
    counted = {
        line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("headwater_incidents_open{")
    }
    assert len(opened) > 0
    assert sum(counted.values()) >= len(opened)
    assert counted[f'headwater_incidents_open{{severity="{opened[0]["severity"]["level"]}"}}'] >= 1


def test_metrics_are_in_the_text_format_and_name_no_stranger(outage: Live):
    text = outage.client.get("/metrics").text
    assert 'headwater_alert_events_received_total{format="alertmanager-v2"} 3.0' in text
    assert "headwater_alerts_unaccounted 0.0" in text
    assert "checkout" not in text


def test_the_front_page_says_where_to_look(outage: Live):
    page = outage.client.get("/").text
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    for link in links:
        if link != "/api/v1/stream":
            assert outage.client.get(link).status_code == 200, link


def test_openapi_names_every_route_and_nothing_else(outage: Live):
    served = {
        (method.lower(), route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in (route.methods or ())
    }
    served |= {("post", row.path) for row in ROWS}
    documented = {(method, path) for path, item in document(outage)["paths"].items() for method in item}
    assert documented == served


def test_the_examples_of_the_document_fit_their_schemas(outage: Live):
    checked = 0
    for path, item in document(outage)["paths"].items():
        for operation in item.values():
            for content in (operation["responses"].get("200") or {}).get("content", {}).values():
                if "example" in content and "schema" in content:
                    validator(outage, content["schema"]).validate(content["example"])
                    checked += 1
        assert path
    assert checked >= 8
    reference = {"$ref": "#/components/schemas/IncidentView"}
    validator(outage, reference).validate(examples.INCIDENT)


def test_what_is_sent_fits_the_documented_schema(outage: Live):
    incident = outage.incident_of("db")["id"]
    fillings = {"{id}": incident, "{entity}": "checkout"}
    looked_at = []
    for path, item in document(outage)["paths"].items():
        schema = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json")
        asked = [
            one for one in item.get("get", {}).get("parameters", ()) if one["in"] == "query" and one.get("required")
        ]
        if schema is None or asked or path.endswith(("/recovery", "/recovery/windows")):
            continue  # questions that need an answer of their own have tests of their own
        filled = path.replace("/alerts/{id}", "/alerts/1").replace("/rules/{id}", "/rules/catalogue-scope")
        filled = filled.replace("/entities/{id}", "/entities/checkout")
        for name, value in fillings.items():
            filled = filled.replace(name, value)
        validator(outage, schema["schema"]).validate(outage.get(filled))
        looked_at.append(filled)
    assert len(looked_at) >= 17


def test_a_generator_url_is_data_and_never_markup(outage: Live):
    hostile = {**alert("Hostile<script>", "lab"), "generatorURL": "javascript:alert(1)"}
    assert outage.send(hostile).status_code == 200
    found = outage.client.get("/api/v1/alerts", params={"entity": "lab"})
    assert found.headers["content-type"] == "application/json"
    assert found.json()["items"][0]["url"] in ("", "javascript:alert(1)")
