"""An outage worked on in a real Chromium, by two people who logged in, and what is kept ready between incidents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.api.live import alert
from tests.console.browser import HAND, MARKUP, PASSWORD, Open, Screen, browser, grave, screens
from tests.console.stage import MARKED, labels
from tests.continuity.played import BOOKS, Played, outage
from tests.real.components import eventually

pytestmark = pytest.mark.real("chromium")
BOOK = "orders-db-lost"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with outage(tmp_path_factory.mktemp("response")) as one:
        admit(one, "ada", "cy")
        yield one


def admit(played: Played, *names: str) -> None:
    """They can log in."""
    for name in names:
        body = {"name": name, "role": "operator", "password": PASSWORD}
        root = {"authorization": "Bearer root"}
        played.served.client.post("/api/v1/access/users", json=body, headers=root).raise_for_status()


@pytest.fixture
def show(chrome: Browser, played: Played) -> Iterator[Open]:
    with screens(chrome, played.served.url) as opened:
        yield opened


def press(page: Page, button: str, dialog: str, **fields: str) -> None:
    """Open a dialog by its button, fill it in, send it, and wait until it is done."""
    page.locator(f"[data-open='{dialog}']").first.click()
    assert page.locator(f"#{dialog} [type=submit]").inner_text() == button
    for name, value in fields.items():
        field = page.locator(f"#{dialog} [name='{name if name == 'reason' else f'facts.{name}'}']")
        if field.evaluate("one => one.nodeName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator(f"#{dialog} [type=submit]").click()
    expect(page.locator(f"#{dialog}[open]")).to_have_count(0)


def refused(screen: Screen, dialog: str) -> str:
    """Send a dialog that is open, and read why it is refused."""
    screen.page.locator(f"#{dialog} [type=submit]").click()
    problem = screen.page.locator(f"#{dialog} .problem")
    expect(problem).to_be_visible()
    assert all("409" in text for text in screen.complaints)
    screen.complaints.clear()
    return problem.inner_text()


class Two:
    """Ada and Cy, each at a page of their own."""

    def __init__(self, ada: Screen, cy: Screen) -> None:
        self.ada, self.cy = ada, cy
        self.one, self.two = ada.page, cy.page


def test_an_outage_is_worked_on_by_two_people_from_activation_to_the_accepted_review(show: Open, played: Played):
    path = f"/incidents/{played.id}/restoration"
    both = Two(show(path, who="ada"), show(path, who="cy"))
    for page in (both.one, both.two):
        page.goto(path)
    activated(both)
    begun_by_both(both)
    decided(both)
    gates_hold(both)
    access_is_allowed_by_another(both)
    told_and_handed_over(both)
    nothing_is_left(both)
    played.do("ada", "close", reason="back in service")
    reviewed(both)
    lines = played.get(f"incidents/{played.id}/timeline")["items"]
    by = {kind: {line["actor"] for line in lines if line["kind"] == kind} for kind in ("grant", "handover", "gate")}
    assert by == {"grant": {"ada", "cy"}, "handover": {"ada", "cy"}, "gate": {"ada"}}


def activated(both: Two) -> None:
    one, two = both.one, both.two
    expect(one.locator("#playbook")).to_contain_text("No playbook is under way")
    expect(two.locator("#together")).to_contain_text("cy judges the impact, on duty in on-call (+49 30 1)")
    press(two, "I have access", "do-confirm_assessor")
    press(one, "Activate a playbook", "do-activate_playbook", playbook=BOOK, reason="the database is gone")
    expect(two.locator("#playbook")).to_contain_text("look → choose → repair → serve")
    expect(two.locator("#playbook dl")).to_contain_text("too late")
    expect(two.locator("svg.tasks .tk-node")).to_have_count(5)
    expect(two.locator("svg.tasks .tk-node.tk-critical")).to_have_count(4)


def begun_by_both(both: Two) -> None:
    """Two people reach for the same step: the second is told before and after."""
    one, two = both.one, both.two
    for page in (one, two):
        page.locator("[data-open='do-start_task-t0']").click()
    one.locator("#do-start_task-t0 [type=submit]").click()
    expect(two.locator("#do-start_task-t0 .meanwhile")).to_contain_text("somebody has changed this")
    assert "it is running by ada, version 1" in refused(both.cy, "do-start_task-t0")
    expect(two.locator("#do-start_task-t0 [type=submit]")).to_be_hidden()
    expect(two.locator("#do-start_task-t0 .meanwhile")).to_contain_text("Somebody else was first")
    both.cy.shot("restoration-conflict-dark")
    two.locator("#do-start_task-t0 [data-close]").click()
    expect(two.locator("#step-1")).to_contain_text("under way")
    press(two, "Done", "do-finish_task-t0", output="the volume is gone")
    expect(one.locator("#step-1")).to_contain_text("the volume is gone")


def decided(both: Two) -> None:
    """A decision that only its authority settles."""
    both.two.locator("[data-open='do-decide-t1']").click()
    both.two.locator("#do-decide-t1 [name=reason]").fill("quicker")
    assert "cy does not hold the authority 'crisis_lead'; it is ada" in refused(both.cy, "do-decide-t1")
    both.two.locator("#do-decide-t1 [data-close]").click()
    press(both.one, "Decide", "do-decide-t1", option="failover", reason="quicker than repair")
    expect(both.two.locator("#step-4")).to_contain_text("not needed")


def gates_hold(both: Two) -> None:
    one, two = both.one, both.two
    expect(one.locator("#gates")).to_contain_text("no change window of orders-db is open")
    one.locator("[data-open='do-start_task-t2']").click()
    said = refused(both.ada, "do-start_task-t2")
    assert "gate lag is closed: it cannot be checked: no replication lag of orders-db is known" in said
    one.locator("#do-start_task-t2 [data-close]").click()
    press(one, "Leave out", "do-skip_task-t2", reason="the replica is gone as well")
    expect(two.locator("#step-3")).to_contain_text("left out")
    press(one, "Emergency", "do-override_gate-g1", reason="customers cannot pay")
    expect(two.locator("#gates")).to_contain_text("! overridden")
    expect(two.locator("#deviations")).to_contain_text("taken on as an emergency by ada: customers cannot pay")


def access_is_allowed_by_another(both: Two) -> None:
    one, two = both.one, both.two
    press(one, "Ask for access", "do-request_grant", person="ada", system="orders-db", minutes="30", reason="the disk")
    one.locator("[data-open='do-approve_grant-grant-1']").click()
    assert "has to be allowed by somebody else" in refused(both.ada, "do-approve_grant-grant-1")
    one.locator("#do-approve_grant-grant-1 [data-close]").click()
    press(two, "Allow", "do-approve_grant-grant-1")
    press(one, "Temporary measure", "do-register_measure", kind="route", text="reads go to the archive")
    press(one, "Call a vendor", "do-call_vendor", vendor="cloud-support", text="a new volume")
    press(two, "They answered", "do-vendor_answered-call-1", text="is there")


def told_and_handed_over(both: Two) -> None:
    one, two = both.one, both.two
    press(one, "Briefing held", "do-brief", text="repairing", teams="database; network")
    expect(two.locator("#situation")).to_contain_text("2 of 3 steps done")
    press(one, "Hand over", "do-hand_over", to="cy", text="read only", risks="one copy only; no backup")
    expect(two.locator("#handover")).to_contain_text("no backup")
    both.ada.shot("restoration-dark", whole=True)
    assert grave(Axe().run(one)) == []
    one.emulate_media(color_scheme="light")
    assert grave(Axe().run(one, options={"runOnly": ["color-contrast"]})) == []
    press(two, "Accept", "do-accept_handover")


def nothing_is_left(both: Two) -> None:
    held = both.one.locator(".held")
    expect(held).to_contain_text("temporary measure measure-1 (route: reads go to the archive)")
    expect(held).to_contain_text("access grant-1 of ada to orders-db is not revoked")
    press(both.two, "Take back", "do-revoke_grant-grant-1")
    press(both.two, "Undone", "do-revert_measure-measure-1")
    press(both.one, "Give up the playbook", "do-abandon_playbook", reason="repaired by hand")
    expect(both.two.locator("#playbook")).to_contain_text("repaired by hand")


def reviewed(both: Two) -> None:
    one = both.one
    expect(one.locator("#report")).to_contain_text("orders-db RTO")
    people = {"technical": "bo; cy", "business": "sales"}
    press(one, "Review held", "do-hold_review", **people, findings="no second replica")
    press(one, "Add an action", "do-add_action", text="a second replica", owner="team-data", kind="gap")
    press(one, "Accept the review", "do-review")
    expect(one.locator(".facts")).to_contain_text("reviewed")


PAGES = ("/incidents/{id}/restoration", "/continuity", f"/continuity/playbooks/{BOOK}")


def test_the_pages_are_for_everybody_and_fit_a_small_screen(show: Open, played: Played):
    page = show("/", who="cy", size=HAND).page
    for path in PAGES:
        page.goto(path.format(id=played.id))
        page.wait_for_selector("#main > *")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert "restoration" in path or grave(Axe().run(page)) == [], path
    page.goto("/continuity")
    page.emulate_media(color_scheme="light")
    assert grave(Axe().run(page, options={"runOnly": ["color-contrast"]})) == []


def test_between_incidents_one_sees_what_is_due_and_records_it(show: Open, played: Played):
    screen = show("/", who="ada")
    page = screen.page
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/continuity")
    expect(page.locator("#duty")).to_contain_text("cy (+49 30 1)")
    exercise = page.locator("#exercises .register li").first
    expect(exercise).to_contain_text("✕ overdue tabletop Loss of orders-db")
    press(page, "Record", "do-record_exercise-db-tabletop", passed="partly", people="lead=ada, scribe=bo")
    expect(exercise).to_contain_text("✓ in time")
    expect(exercise).to_contain_text("lead ada, scribe bo")
    page.locator("[data-open='do-record_exercise-db-tabletop']").click()
    page.locator("#do-record_exercise-db-tabletop [name='facts.people']").fill("lead=ada, scribe=cy")
    assert "ada was lead the last time too" in refused(screen, "do-record_exercise-db-tabletop")
    page.locator("#do-record_exercise-db-tabletop [data-close]").click()
    expect(page.locator("#duty")).to_contain_text("! to be reached cloud-support")
    press(page, "Tried", "do-confirm_contact-cloud-support", reached="yes")
    expect(page.locator("#duty")).to_contain_text("✓ reached cloud-support")
    press(page, "Reviewed", "do-review_contract-cloud", capacity="yes", separation="unknown", access="yes")
    expect(page.locator("#contracts")).to_contain_text("not as promised, or not known: separation")
    press(page, "orders-db", "do-record_restore_test-0", seconds="900", integrity="yes", age="30")
    expect(page.locator("#contracts")).to_contain_text("orders-db back after 15 min, RTO 30 min: ✓ met")
    expect(page.locator("#priorities")).to_contain_text("✓ No conflict is open")
    screen.shot("continuity-dark", whole=True)
    page.locator("#playbooks a[data-row]").click()
    page.wait_for_url(f"**/continuity/playbooks/{BOOK}")
    expect(page.locator("svg.tasks .tk-node")).to_have_count(5)
    screen.shot("playbook-dark")


def test_a_drill_is_marked_in_lists_and_on_the_wall_only_when_asked_for(show: Open, played: Played):
    marked = alert("DbDown", "orders-db", headwater_drill="q3")
    played.served.client.post("/api/v2/alerts", json=[marked], headers={"authorization": "Bearer feed"})
    (drill,) = eventually(
        lambda: [one["id"] for one in played.get("incidents", drill=True)["items"]], "the drill is an incident"
    )
    screen = show("/", who="ada")
    page = screen.page
    expect(page.locator(".now")).to_contain_text("DRILL 1 under way, not shown here")
    expect(page.locator(f"#card-{drill}")).to_have_count(0)
    page.get_by_role("link", name="show").click()
    expect(page.locator(f"#card-{drill} .drill")).to_have_text("DRILL")
    screen.shot("overview-drill-dark")
    page.goto("/incidents")
    row = page.locator("tbody tr", has_text=drill)
    expect(row.locator(".drill")).to_have_text("DRILL")
    page.locator("select[name=drill]").select_option("false")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**drill=false**")
    expect(row).to_have_count(0)
    page.goto("/continuity")
    expect(page.locator("#exercises")).to_contain_text(drill)
    page.goto(f"/incidents/{drill}/restoration")
    expect(page.locator("h1 .drill")).to_have_text("DRILL")


def test_who_may_only_read_is_offered_nothing_to_press(played: Played):
    for path in PAGES:
        text = played.served.client.get(path.format(id=played.id)).text
        assert 'data-post="/api/v1/commands"' not in text
        assert 'data-open="do-' not in text or 'title="needs the role operator"' in text


@pytest.mark.timeout(300)
def test_hostile_playbooks_rosters_and_registers_are_only_ever_text(
    chrome: Browser, tmp_path_factory: pytest.TempPathFactory
):
    words = [one for one in labels() if one.strip() and one.isprintable() and len(one) < 150]
    assert len(words) > 40
    quoted = ["'" + one.replace("'", "''") + "'" for one in words]
    changed = {
        "title: Look at the database": f"title: {quoted[0]}",
        "title: Promote the replica, accountable: dba": f"title: {quoted[1]}, accountable: {quoted[2]}",
        "title: The orders database is lost": f"title: {quoted[3]}",
        "owner: team-data": f"owner: {quoted[4]}",
        "title: Loss of orders-db": f"title: {quoted[5]}",
        "name: Desk, reach: \"+1 555\"": f"name: {quoted[6]}, reach: {quoted[8]}",
        "text: a test purchase went through": f"text: {quoted[9]}",
        "contacts: {cy: \"+49 30 1\"}": f"contacts: {{cy: {quoted[7]}}}",
    }  # fmt: skip
    books = BOOKS
    for before, after in changed.items():
        assert before in books, before
        books = books.replace(before, after)
    with outage(tmp_path_factory.mktemp("hostile"), {"playbooks/p.yaml": books}) as one:
        one.do("ada", "activate_playbook", reason=words[10], playbook=BOOK, despite=words[11])
        for word in words[::2]:
            one.do("ada", "register_measure", kind=word[:60], text=word, entity=word)
        for word in words[1::2]:
            one.do("ada", "request_grant", reason=word, person=word, system=word, minutes="5")
        one.do("ada", "call_vendor", vendor="cloud-support", text=words[12])
        one.do("ada", "brief", text=words[13], teams=words[14])
        one.do("ada", "hand_over", to=words[15], text=words[0], risks=words[1], actions=words[2])
        one.do("ada", "note_deviation", text=words[3])
        one.do("ada", "add_action", text=words[4], owner=words[5], kind=words[6])
        admit(one, "ada")
        with screens(chrome, one.served.url) as show:
            page = show("/", who="ada").page
            for path in (*PAGES, "/", "/incidents", "/incidents/{id}", "/incidents/{id}/print"):
                page.goto(path.format(id=one.id))
                page.wait_for_selector("#main > *")
                assert page.title() != MARKED
                found = page.evaluate(MARKUP)
                assert found["foreign"] == [], (path, found)
                assert (found["base"], found["unseen"]) == (0, 0), path
            page.goto(f"/incidents/{one.id}/restoration")
            assert page.locator("svg.tasks").text_content().count("<script>") >= 1  # type: ignore[union-attr]
