"""The console in a real Chromium: what people do with it, what it must not do, and pictures of every page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.api.live import Live
from tests.console.browser import HAND, MARKUP, Open, browser, grave, screens
from tests.console.stage import MARKED, declared, desk, labels, lesser, plant, post, sinks, trouble
from tests.real.components import eventually

pytestmark = pytest.mark.real("chromium")


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with plant(tmp_path_factory.mktemp("console") / "plant") as served:
        yield served


@pytest.fixture(scope="module")
def incident(world: Live) -> str:
    found = trouble(world, time.time())
    declared(world, found)
    return found


@pytest.fixture
def show(chrome: Browser, world: Live, incident: str) -> Iterator[Open]:
    with screens(chrome, world.url) as opened:
        yield opened


PAGES = {
    "overview": "/",
    "incidents": "/incidents",
    "incident": "/incidents/{incident}",
    "print": "/incidents/{incident}/print",
    "alerts": "/alerts",
    "alert": "/alerts/1",
    "topology": "/topology",
    "single-points": "/topology?show=points",
    "objectives": "/topology?show=audit",
    "edges": "/topology?show=edges",
    "entity": "/topology/entity/ledger-db",
    "readiness": "/readiness",
    "absent": "/incidents/INC-none",
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole_in_dark_and_light_and_for_everybody(show: Open, incident: str, name: str):
    path = PAGES[name].format(incident=incident)
    screen = show(path)
    screen.shot(f"{name}-dark", whole=name in ("incident", "print"))
    assert grave(Axe().run(screen.page)) == []
    screen.page.emulate_media(color_scheme="light")
    screen.shot(f"{name}-light")
    assert grave(Axe().run(screen.page, options={"runOnly": ["color-contrast"]})) == []
    if name == "absent":  # the browser itself complains of an answer that is 404
        assert all("404" in text for text in screen.complaints)
        screen.complaints.clear()


@pytest.mark.parametrize("name", ["overview", "incident", "alerts", "entity"])
def test_on_a_small_screen_nothing_is_wider_than_the_screen(show: Open, incident: str, name: str):
    screen = show(PAGES[name].format(incident=incident), size=HAND)
    screen.shot(f"{name}-small", whole=True)
    assert screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_newcomer_reads_what_is_wrong_without_pressing_anything(show: Open, incident: str):
    page = show("/").page
    expect(page.locator(".card").first).to_contain_text("Ledger database")
    expect(page.locator(".card").first).to_contain_text("nobody is on it")
    expect(page.locator(".strip")).to_contain_text("0 unaccounted for")
    page.locator(".card .cover").first.click()
    page.wait_for_url(f"**/{incident}")
    answers = page.locator(".answers")
    for said in ("Online banking", "Ledger database", "release 42", "Nobody has acknowledged it"):
        expect(answers).to_contain_text(said)
    expect(page.locator("#evidence svg")).to_contain_text("pool_wait_seconds")
    expect(page.locator("#clocks")).to_contain_text("RTO")


def test_an_alert_appears_on_open_screens_without_reloading(show: Open, world: Live, incident: str):
    wall, ledger = show("/"), show("/alerts")
    wall.page.evaluate("window.kept = true")
    id = lesser(world, time.time())
    expect(wall.page.locator(f"#card-{id}")).to_contain_text("Mail")
    expect(ledger.page.locator("table")).to_contain_text("QueueLong")
    assert wall.page.evaluate("window.kept")


def test_actions_are_pressed_and_each_leaves_a_line_with_a_name(show: Open, world: Live, incident: str):
    page = show(f"/incidents/{incident}").page
    page.get_by_role("button", name="Acknowledge").click()
    page.locator("#do-acknowledge [type=submit]").click()
    expect(page.locator(".answers")).to_contain_text("local is on it")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.keyboard.press("s")
    page.locator("#do-assign input[name='facts.assignee']").fill("Ada Byron")
    page.keyboard.press("Enter")
    expect(page.locator(".answers")).to_contain_text("assigned to Ada Byron")
    page.get_by_role("button", name="Set severity").click()
    page.locator("#do-override_severity select").select_option("SEV3")
    page.locator("#do-override_severity [type=submit]").click()
    assert page.locator("#do-override_severity").is_visible()  # it asks for a reason first
    page.locator("#do-override_severity input[name=reason]").fill("only a test system")
    page.locator("#do-override_severity [type=submit]").click()
    expect(page.locator(".head .sev")).to_have_text("SEV3")
    expect(page.locator("#severity")).to_contain_text("Set to SEV3 by local: only a test system")
    page.get_by_role("button", name="Restoration began").click()
    page.locator("#do-restore [type=submit]").click()
    expect(page.locator(".facts").first).to_contain_text("restoring")
    timeline = world.get(f"/api/v1/incidents/{incident}/timeline")["items"]
    assert {"acknowledged", "assigned"} <= {line["kind"] for line in timeline if line["actor"] == "local"}


def test_a_clock_is_pressed(show: Open, incident: str):
    page = show(f"/incidents/{incident}").page
    button = page.locator("#clocks .marks button").first
    mark = button.get_attribute("data-open")
    button.click()
    page.locator(f"#{mark} [type=submit]").click()
    expect(page.locator("#clocks .marks b").first).to_contain_text("✓")
    expect(page.locator("#clocks .marks li").first).to_contain_text("local")


def test_what_is_refused_is_told_in_the_dialog(show: Open, world: Live, incident: str):
    screen = show(f"/incidents/{incident}")
    page = screen.page
    page.get_by_role("button", name="Split").click()
    for box in page.locator("#do-split [type=checkbox]").all():
        box.check()
    page.locator("#do-split input[name=reason]").fill("all of it")
    page.locator("#do-split [type=submit]").click()
    expect(page.locator("#do-split .problem")).to_contain_text("some, but not all")
    assert all("409" in text for text in screen.complaints)
    screen.complaints.clear()


def test_a_silence_shows_what_it_would_hide_before_it_does(show: Open, world: Live, incident: str):
    screen = show("/alerts")
    page = screen.page
    page.get_by_role("button", name="Silence …").click()
    page.locator("[data-preview]").fill('service=~"led.*"')
    expect(page.locator(".preview")).to_contain_text("It would hide 1 firing alert")
    expect(page.locator(".preview")).to_contain_text("PoolExhausted on ledger-db")
    screen.shot("silence-dark")
    assert world.get("/api/v1/silences")["items"] == []
    page.locator("[data-preview]").fill('alertname="Nothing"')
    expect(page.locator(".preview")).to_contain_text("It would hide 0 firing alerts")
    page.locator("#silence input[name=reason]").fill("a rehearsal")
    page.locator("#silence [type=submit]").click()
    expect(page.locator(".silences")).to_contain_text("a rehearsal")
    page.get_by_role("button", name="End it").click()
    expect(page.locator(".silences")).to_have_count(0)


def test_filters_stand_in_the_url_and_keys_lead_around(show: Open, incident: str):
    page = show("/alerts").page
    page.keyboard.press("/")
    page.keyboard.type("accounts")
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts?entity=accounts**")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/*")
    expect(page.locator("h1")).to_contain_text("HighLatency")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_selector(".wall")
    expect(page.locator("#link")).to_have_text("live")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_the_theme_is_kept(show: Open, incident: str):
    page = show("/").page
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.keyboard.press("t")
    after = page.evaluate(ground)
    page.reload()
    assert before != after == page.evaluate(ground)


def drawn(page: Page) -> None:
    """Wait until its map is."""
    eventually(lambda: page.evaluate("performance.getEntriesByName('map-frame').length"), "the map is drawn")


def test_failures_are_tried_on_the_map_by_keys(show: Open, incident: str):
    screen = show("/topology/entity/ledger-db")
    page = screen.page
    drawn(page)
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#whatif")).to_contain_text("If Ledger database failed: SEV")
    expect(page.locator("#whatif")).to_contain_text("Web front: down at once")
    expect(page.locator("#whatif")).to_contain_text("Card payments: down after 30 min")
    screen.shot("whatif-dark")
    page.get_by_role("button", name="All well again").click()
    expect(page.locator("#whatif")).to_contain_text("Nothing is assumed")


def test_a_map_of_two_thousand_nodes_is_drawn_within_a_frame_or_few(show: Open, incident: str):
    page = show(f"/incidents/{incident}").page
    nodes: list[dict[str, Any]] = [
        {
            "id": f"n{n}",
            "name": f"service {n}",
            "kind": "service",
            "state": "down",
            "x": n % 40 * 250,
            "y": n // 40 * 76,
        }
        for n in range(2000)
    ]
    edges = [{"a": n - 40, "b": n} for n in range(40, 2000)] + [{"a": n - 1, "b": n} for n in range(1, 2000, 2)]
    page.route(
        "**/map", lambda route: route.fulfill(json={"nodes": nodes, "edges": edges, "total": 2000, "drawn": 2000})
    )
    page.reload()
    drawn(page)
    spent = page.evaluate(
        """async () => {
            performance.clearMeasures('map-frame');
            const canvas = document.querySelector('canvas');
            canvas.focus();
            for (let n = 0; n < 30; n += 1) {
                canvas.dispatchEvent(new KeyboardEvent('keydown', { key: n % 2 ? '-' : '+' }));
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            }
            return performance.getEntriesByName('map-frame').map((one) => one.duration).sort((a, b) => a - b);
        }"""
    )
    print(f"2,000 nodes: median {spent[len(spent) // 2]:.1f} ms, worst {spent[-1]:.1f} ms of {len(spent)} frames")
    assert len(spent) >= 25


def test_the_stream_that_breaks_is_told_and_taken_up_again(show: Open, world: Live, incident: str):
    screen = show("/")
    page = screen.page
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    page.context.set_offline(False)
    expect(page.locator("#link")).to_have_text("live")
    screen.complaints.clear()  # of the network


@pytest.mark.timeout(300)
def test_a_hundred_hostile_texts_are_only_ever_text(chrome: Browser, tmp_path_factory: pytest.TempPathFactory):
    """As labels, annotations, names of entities, logs, notes, assignees, and in what a ticketing system answers."""
    words = labels()
    assert len(words) >= 90
    names = [word for word in words if word.strip() and len(word) < 190 and word.isprintable()][:40]
    catalogue = "entities:\n" + "".join(
        f"  - {{id: e{n}, name: {_yaml(word)}, owner: {_yaml(word)}{', depends_on: [e0]' if n else ''}}}\n"
        for n, word in enumerate(names)
    )
    with desk() as url, plant(tmp_path_factory.mktemp("hostile") / "plant", sinks(url), catalogue) as world:
        now = time.time()
        events: list[dict[str, Any]] = [
            {"t": now - 30, "kind": "log", "service": "e0", "level": "error", "message": f"failed: {word}"}
            for word in words
        ]
        post(world, *events)
        world.send(*[
            {
                "labels": {"alertname": word, "service": f"e{n % len(names)}", "severity": "critical", "note": word},
                "annotations": {"summary": word},
            }
            for n, word in enumerate(words)
        ])  # fmt: skip
        found = eventually(lambda: world.get("/api/v1/incidents", entity="e0")["items"], "an incident")
        id = str(found[0]["id"])
        declared(world, id)
        for word in words[:30]:
            body = {"facts": {"text": word}, "reason": word[:1000]}
            world.client.post(f"/api/v1/incidents/{id}/note", json=body)
        world.client.post(f"/api/v1/incidents/{id}/assign", json={"facts": {"assignee": words[0]}}).raise_for_status()
        eventually(lambda: any(one["error"] for one in world.get("/api/v1/sinks")["items"]), "the desk was asked")
        paths = ["/", "/incidents", f"/incidents/{id}", f"/incidents/{id}/print", "/alerts", "/topology", "/readiness",
                 "/topology/entity/e0", "/topology?show=audit", "/topology?show=points"]  # fmt: skip
        numbers = [one["no"] for one in world.get("/api/v1/alerts", limit=500)["items"]]
        assert len(numbers) > 80  # what no sender may send at all was refused
        with screens(chrome, world.url) as show:
            page = show("/").page
            own = page.evaluate(MARKUP)
            for path in [*paths, *(f"/alerts/{no}" for no in numbers[::6])]:
                page.goto(path)
                page.wait_for_selector("#main > *")
                assert page.title() != MARKED
                found = page.evaluate(MARKUP)
                assert found["foreign"] == [], (path, found)
                assert found["base"] == own["base"] == 0
                assert found["unseen"] == 0, path
            page.goto(f"/incidents/{id}")
            drawn(page)
            page.locator("canvas").focus()
            for _ in range(5):
                page.keyboard.press("ArrowRight")
            eventually(lambda: "<img src=x" in tickets(page), "the page says what the desk answered")
        rows = world.client.get("/alerts.csv").text
        assert not [line for line in rows.splitlines() for cell in line.split(",") if cell.startswith(("=", "+", "@"))]


def tickets(page: Page) -> str:
    """What the page says of them now."""
    page.reload()
    return page.locator("#tickets").inner_text()


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
