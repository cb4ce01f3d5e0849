"""The console's pages without a browser: strict headers, one rendering for all, permissions, spreadsheets."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files

import httpx
import pytest

from api.console.rendering import render
from api.console.sharing import Shared
from api.plain import SIGN, cell, plain
from tests.api.live import Live, live
from tests.console.stage import CATALOGUE, labels, lesser, plant, trouble

PATHS = ("/", "/incidents", "/alerts", "/topology", "/topology?show=points", "/topology?show=audit",
         "/topology?show=edges", "/topology/entity/ledger-db", "/readiness")  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with plant(tmp_path_factory.mktemp("pages") / "plant") as served:
        yield served


@pytest.fixture(scope="module")
def incident(world: Live) -> str:
    return trouble(world, time.time())


class Inline(HTMLParser):
    """Collects what a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self._script = tag == "script"
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(tag)

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.found.append("script text")


@pytest.mark.parametrize("path", [*PATHS, "/incidents/{incident}", "/incidents/{incident}/print", "/alerts/1"])
def test_a_page_has_nothing_inline_and_says_so(world: Live, incident: str, path: str):
    answer = world.client.get(path.format(incident=incident))
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    for directive in ("default-src 'none'", "script-src 'self'", "object-src 'none'", "base-uri 'none'",
                      "frame-ancestors 'none'", "require-trusted-types-for 'script'"):  # fmt: skip
        assert directive in policy
    parser = Inline()
    parser.feed(answer.text)
    assert parser.found == []


def test_what_is_absent_is_told_on_a_page(world: Live):
    answer = world.client.get("/incidents/INC-none")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no incident INC-none" in answer.text
    assert world.client.get("/topology/entity/nowhere").status_code == 404
    assert world.client.get("/console/..%2fpages.py").status_code == 404


def test_an_empty_console_says_what_to_do(tmp_path):
    with live(tmp_path, catalogue="entities: []\n") as world:
        assert "No open incidents" in world.client.get("/").text
        assert "Point a sender at" in world.client.get("/alerts").text
        assert "The catalogue is empty" in world.client.get("/topology").text
        assert "names no business service" in world.client.get("/topology?show=points").text
        assert "too few to say" in world.client.get("/readiness").text


def test_a_part_that_has_not_changed_is_not_sent_again(world: Live, incident: str):
    first = world.client.get("/readiness", headers={"X-Part": "main"})
    assert "<!doctype" not in first.text
    again = world.client.get("/readiness", headers={"X-Part": "main", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")


def test_the_brief_stream_says_which_incident_and_no_more(world: Live, incident: str):
    with world.client.stream("GET", "/api/v1/stream", params={"brief": True, "after": 0}) as answer:
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    assert data == f'data: {{"incident":"{incident}"}}'


def test_the_map_draws_those_that_stand_alike_as_one_or_all(tmp_path):
    catalogue = "entities:\n  - {id: switch}\n" + "".join(
        f"  - {{id: s{n:02}, depends_on: [switch]}}\n" for n in range(40)
    )
    with plant(tmp_path / "plant", catalogue=catalogue) as world:
        world.client.post("/api/v1/signals", json=[
            {"t": time.time(), "kind": "alert", "name": "Down", "service": name, "severity": "critical"}
            for name in ["switch", *(f"s{n:02}" for n in range(40))]
        ]).raise_for_status()  # fmt: skip
        id = world.incident_of("switch")["id"]
        few, all_ = world.get(f"/incidents/{id}/map"), world.get(f"/incidents/{id}/map", whole=True)
    assert [(one["id"], one.get("count", 1)) for one in few["nodes"]] == [("s00", 40), ("switch", 1)]
    assert (few["drawn"], len(all_["nodes"]), len(all_["edges"])) == (41, 41, 40)
    places = {one["id"]: one.get("x", 0) for one in all_["nodes"]}
    assert places["switch"] < min(x for id, x in places.items() if id != "switch")


def test_who_may_only_read_is_offered_nothing_to_press(tmp_path):
    tokens = "tokens:\n" + "".join(
        f"  - {{name: {role}, role: {role}, sha256: {_digest(role)}}}\n" for role in ("viewer", "operator", "ingest")
    )
    with live(tmp_path, tokens, catalogue=CATALOGUE) as world:
        sender = {"Authorization": f"Bearer {_secret('ingest')}"}
        alert = {"t": time.time(), "kind": "alert", "name": "Down", "service": "mail", "severity": "critical"}
        world.client.post("/api/v1/signals", json=[alert], headers=sender).raise_for_status()
        world.client.headers["Authorization"] = f"Bearer {_secret('operator')}"
        id = world.incident_of("mail")["id"]
        operator = world.client.get(f"/incidents/{id}").text
        world.client.headers["Authorization"] = f"Bearer {_secret('viewer')}"
        viewer = world.client.get(f"/incidents/{id}").text
        alerts = world.client.get("/alerts").text
        assert httpx.get(f"{world.url}/", headers={"Authorization": "Bearer no"}).status_code == 401
        assert world.client.post(f"/api/v1/incidents/{id}/acknowledge", json={}).status_code == 403
    assert 'data-open="do-acknowledge"' in viewer
    assert '<dialog id="do-acknowledge"' in operator
    assert '<dialog id="do-acknowledge"' not in viewer
    assert re.search(r'data-open="do-acknowledge"[^>]* disabled title="needs the role', viewer)
    assert "data-preview" not in alerts


def test_tables_for_spreadsheets_hold_no_formula(world: Live, incident: str):
    lesser(world, time.time())
    world.send({"labels": {"alertname": "=1+1", "service": "batch", "severity": "info"}}).raise_for_status()
    for name in ("alerts", "incidents"):
        answer = world.client.get(f"/{name}.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert f'filename="{name}.csv"' in answer.headers["content-disposition"]
        for line in answer.text.splitlines():
            assert not any(one.strip('"').startswith(("=", "+", "@")) for one in line.split(","))


def test_the_preview_names_what_a_silence_would_hide_and_what_is_wrong_with_it(world: Live, incident: str):
    found = world.get("/alerts/preview", matchers='service="ledger-db"')
    assert (found["matching"], found["entities"], found["incidents"]) == (1, 1, [incident])
    wrong = world.client.get("/alerts/preview", params={"matchers": 'service=~"("'})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/matchers")
    assert world.client.get("/alerts/preview", params={"matchers": ""}).status_code == 400


@pytest.mark.parametrize("text", labels(), ids=lambda text: ascii(text[:20]))
def test_no_text_becomes_markup_or_disappears(text: str):
    shown = render("wrong.html", title=text, status=404, detail=text)
    assert shown.count("<") == render("wrong.html", title="", status=404, detail="").count("<")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert not cell(text).lstrip().startswith(("=", "+", "@", "\t", "\r"))


def test_what_cannot_be_seen_is_shown_as_a_sign():
    assert plain("a\u202eb\x1b[0m") == f"a{SIGN}b{SIGN}[0m"
    assert len(plain("x" * 10_000)) == 600


def test_templates_and_scripts_never_step_around_escaping():
    for one in files("api.console").joinpath("templates").iterdir():
        text = one.read_text("utf-8")
        assert "|safe" not in text.replace(" ", ""), one.name
        assert "autoescape" not in text, one.name
    for one in files("api.console").joinpath("static").iterdir():
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", "http:"):
            assert one.name == "icon.svg" or word not in one.read_text("utf-8"), (one.name, word)


def test_one_rendering_does_for_all_and_is_never_older_than_what_was_seen():
    made: list[int] = []
    position = 5

    def make() -> str:
        made.append(position)
        return f"page {len(made)} {threading.get_ident()}"

    async def ask() -> None:
        nonlocal position
        shared = Shared(lambda: position)
        first = await asyncio.gather(*(shared.page("/", 0, make) for _ in range(50)))
        assert len({one.body for one in first}) == len(made) == 1
        position = 6
        later = await asyncio.gather(*(shared.page("/", 6, make) for _ in range(50)))
        assert made == [5, 6]
        assert {one.seq for one in later} == {6}
        await shared.page("/other", 0, make)
        assert made == [5, 6, 6]

    asyncio.run(ask())


def _secret(role: str) -> str:
    return f"{role}-{'x' * 30}"


def _digest(role: str) -> str:
    return hashlib.sha256(_secret(role).encode()).hexdigest()
