"""Automated steps, what an incident leaves behind, what was agreed before, playbooks from Git, in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import MARKUP, Open, browser, grave, screens
from tests.console.stage import MARKED, SCRIPTS
from tests.console.test_continuity_browser import admit, press, refused
from tests.continuity import played as stage
from tests.continuity.played import Played, outage
from tests.continuity.upstream import Upstream

pytestmark = pytest.mark.real("chromium")
QUOTED = SCRIPTS[0].replace("'", "''")
CATALOGUE = f"""
entities:
  - {{id: checkout, name: Checkout, kind: business_service, owner: sales, tier: 1, rto: 30m, users: 900, unit: retail,
     priority: 1, depends_on: [orders-db], assumptions: [
       {{id: a-holds, on: cloud, text: '{QUOTED}', agreed_by: ann, reviewed: 2026-01-01}},
       {{id: db-stays, on: orders-db, text: the database is never away, agreed_by: ann, reviewed: 2026-01-01}}]}}
  - {{id: loans, kind: business_service, owner: lenders, unit: lending, priority: 1, depends_on: [orders-db]}}
  - {{id: orders-db, kind: database, owner: team-data, rpo: 60s, rto: 30m}}
  - {{id: cloud, kind: third_party, contract: {{reference: C-7, response: 15m, expires: 2099-01-01}}}}
  - {{id: lab, scope: false, facts: {{scope_reason: '{QUOTED}', scope_review: 2020-01-01}}}}
"""
BOOK = """
allow: {commands: [promote, slow]}
exercises:
  - {id: tabletop, kind: tabletop, title: Loss of orders-db, entity: orders-db, every: 90d}
playbooks:
  - id: auto
    title: The orders database is lost
    owner: team-data
    entities: [orders-db]
    reviewed: 2026-09-01
    proven: 2026-09-10
    tasks:
      - {id: promote, title: Promote, accountable: bo, takes: 5m, command: {run: promote, arguments: [replica-1]}}
      - {id: slow, title: Rebuild, accountable: bo, takes: 5m, command: {run: slow, timeout: 30s}}
      - {id: look, title: Look, accountable: bo, takes: 5m}
"""
PATH = "ops/playbooks/orders.yaml"
APPROVED = "Write it\n\nReviewed-by: Dana <dana@example.com>"
SETTINGS = """
sinks:
  access: [{{name: doorman, url: "http://127.0.0.1:9/access", secret_env: DOORMAN, allow_private: true}}]
restoring:
  repository: {{url: {url}, folder: ops/playbooks}}
  steps:
    commands:
      - {{name: promote, argv: [{folder}/promote.sh], arguments: "replica-[0-9]+"}}
      - {{name: slow, argv: [{folder}/slow.sh]}}
"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the programs: one that says what nobody should see or run, and one that ends when there is a file ``go``."""
    made = tmp_path_factory.mktemp("programs")
    programs = {
        "promote.sh": f'printf \'\\033[31mpromoted %s password=hunter2\\n\' "$1"\necho "{SCRIPTS[0]}"\n',
        "slow.sh": f"while [ ! -e {made}/go ]; do sleep 0.1; done\n",
    }
    for name, text in programs.items():
        (made / name).write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        (made / name).chmod(0o700)
    return made


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Upstream:
    made = Upstream(folder / "git")
    made.commit("Ann", APPROVED, PATH, BOOK)
    return made


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, folder: Path, upstream: Upstream) -> Iterator[Played]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "CATALOGUE", CATALOGUE)
        patched.setattr(stage, "RULES", stage.RULES.replace("roles: {", "roles: {priority_authority: [ada], "))
        settings = SETTINGS.format(url=upstream.url, folder=folder)
        variables = {"DOORMAN": "long enough a secret"}
        with outage(tmp_path_factory.mktemp("left"), settings=settings, variables=variables) as one:
            one.do("ada", "activate_playbook", reason="the database is gone", playbook="auto")
            admit(one, "ada", "bo")
            yield one
            (folder / "go").touch()


@pytest.fixture
def show(chrome: Browser, played: Played) -> Iterator[Open]:
    with screens(chrome, played.served.url) as opened:
        yield opened


def only_text(page: Page) -> None:
    """Nothing that a stranger wrote became a part of the page."""
    assert page.title() != MARKED
    found = page.evaluate(MARKUP)
    assert (found["foreign"], found["base"], found["unseen"]) == ([], 0, 0)


def test_a_program_carries_out_a_step_and_one_of_which_nothing_is_heard_is_unclear(
    show: Open, played: Played, folder: Path
):
    path = f"/incidents/{played.id}/restoration"
    for word in ("Carry out: promote: Promote", "Dry run: promote: Promote"):
        button = played.served.client.get(path).text.partition(f'aria-label="{word}"')[2]
        assert button.startswith(' disabled title="needs the role operator"')
    screen = show(path, who="bo")
    page = screen.page
    page.goto(path)
    page.locator("[data-open='do-dry_run-t0']").click()
    page.locator("#do-dry_run-t0 [type=submit]").click()
    expect(page.locator("#do-dry_run-t0 [data-field=plan]")).to_contain_text("promote.sh replica-1")
    page.locator("#do-dry_run-t0 [data-close]").click()
    press(page, "Carry out", "do-run_task-t0")
    expect(page.locator("#step-1")).to_contain_text("✓ carried out")
    expect(page.locator("#step-1 pre")).to_contain_text("<script>document.title=")
    expect(page.locator("#step-1 pre")).to_contain_text("\ufffd[31mpromoted replica-1")
    expect(page.locator("#step-1 pre")).not_to_contain_text("hunter2")
    press(page, "Carry out", "do-run_task-t1")
    expect(page.locator("#step-2")).to_contain_text("▶ is being carried out")
    expect(page.locator("#step-2 [data-open]")).to_have_count(0)
    played.later(100_000)
    expect(page.locator("#step-2")).to_contain_text("? unclear whether it was carried out")
    expect(page.locator("#playbook .unclear")).to_contain_text("nobody knows whether slow was carried out")
    expect(page.locator("[data-open='do-run_task-t1']")).to_have_count(0)
    only_text(page)
    assert grave(Axe().run(page)) == []
    screen.shot("steps-dark", whole=True)


def test_what_an_incident_leaves_behind_is_settled_on_its_page(show: Open, played: Played):
    played.do("ada", "note_deviation", text=SCRIPTS[1], task="look")
    played.do("ada", "register_measure", kind="scaling", text="two more replicas", entity="orders-db")
    played.do("ada", "accept_measure", reason=SCRIPTS[0], measure="measure-1")
    played.do("ada", "propose_change", reason="it was slower", entity="orders-db", field="rto", value="1h")
    played.do("ada", "request_grant", reason="the disk", person="bo", system="orders-db", minutes="30")
    played.do("cy", "approve_grant", grant="grant-1")
    played.do("bo", "revoke_grant", grant="grant-1")
    played.do("ada", "abandon_playbook", reason="repaired by hand")
    played.do("ada", "hand_over", to="cy", text="stable")
    played.do("cy", "accept_handover")
    played.do("ada", "close", reason="back in service")
    screen = show("/", who="ada")
    page = screen.page
    page.goto(f"/incidents/{played.id}/restoration")
    part = page.locator("#afterwards")
    expect(page.locator("#registers")).to_contain_text("✕ not confirmed")
    expect(part).to_contain_text("Review the capacity of orders-db")
    expect(part).to_contain_text("the review is not accepted before it is done")
    row = part.locator("li", has_text="it was slower")
    row.get_by_role("button", name="Accept").click()
    page.locator("dialog[open] [type=submit]").click()
    expect(row).to_contain_text("✓ accepted")
    expect(row).to_contain_text("ada")
    patch = page.request.get(part.get_by_role("link", name="as a patch").get_attribute("href") or "")
    assert "rto: 1h" in patch.text()
    page.locator("[data-open='do-export_bundle']").click()
    page.locator("#do-export_bundle [name=reason]").fill("for the regulator")
    with page.expect_download() as download:
        page.locator("#do-export_bundle [type=submit]").click()
    seal = part.locator(".seal").inner_text()
    assert download.value.suggested_filename == f"{seal[:16]}.zip"
    page.locator("[data-open='do-propose_playbook-auto']").click()
    page.locator("#do-propose_playbook-auto [type=submit]").click()
    expect(page.locator("#do-propose_playbook-auto [data-field=branch]")).to_contain_text("headwater/")
    expect(page.locator("#do-propose_playbook-auto [data-field=diff]")).to_contain_text("+++ b/ops/playbooks")
    page.locator("#do-propose_playbook-auto [data-close]").click()
    expect(part).to_contain_text("nobody else has approved it")
    only_text(page)
    assert grave(Axe().run(page)) == []
    screen.shot("afterwards-dark", whole=True)


def test_what_is_agreed_before_anything_happens_is_open_until_the_authority_signs_it(show: Open, played: Played):
    played.do("ada", "record_exercise", "tabletop", passed="partly", broke="checkout/db-stays", findings=SCRIPTS[3])
    viewers = played.served.client.get("/continuity").text
    assert 'formaction="/api/v1/governance.pdf" disabled title="needs the role operator"' in viewers
    screen = show("/", who="bo")
    page = screen.page
    page.goto("/continuity")
    first = page.locator("#priorities li").first
    expect(first).to_contain_text("✕ open conflict over orders-db: lending and retail each want it back first")
    page.locator("[data-open='do-sign_order-0']").click()
    page.locator("#do-sign_order-0 [name='facts.order']").fill("retail; lending")
    page.locator("#do-sign_order-0 [name=reason]").fill("mine")
    assert "bo does not hold the authority" in refused(screen, "do-sign_order-0")
    played.do("ada", "sign_order", "orders-db", reason="card payments first", order="retail; lending")
    page.locator("#do-sign_order-0 [data-close]").click()
    expect(first).to_contain_text("✓ signed over orders-db")
    expect(first).to_contain_text("restored for retail, then lending, signed by ada")
    expect(page.locator("#assumptions li").first).to_contain_text("✕ broken the database is never away")
    expect(page.locator("#scope li").first).to_contain_text("✕ review overdue lab")
    with page.expect_download() as download:
        page.locator(".period").get_by_role("button", name="PDF").click()
    assert download.value.suggested_filename.startswith("headwater-governance-")
    only_text(page)
    assert grave(Axe().run(page)) == []
    screen.shot("agreed-dark", whole=True)


def test_a_playbook_says_who_wrote_and_approved_it_and_when_that_is_in_doubt(
    show: Open, played: Played, upstream: Upstream
):
    screen = show("/", who="ada")
    page = screen.page
    page.goto("/continuity/playbooks/auto")
    part = page.locator("#source")
    expect(part).to_contain_text("written by Ann; ✓ approved by Dana")
    made = upstream.commit("Bob", "Faster", PATH, BOOK.replace("takes: 5m", "takes: 4m", 1))
    look = page.locator("#do-fetch_playbooks")
    page.locator("[data-open='do-fetch_playbooks']").click()
    look.locator("[type=submit]").click()
    expect(look.locator("[data-field=changed]")).to_have_text("yes")
    look.locator("[data-close]").click()
    expect(part).to_contain_text(made)
    expect(part).to_contain_text("written by Bob; ! nobody else has approved it")
    only_text(page)
    assert grave(Axe().run(page)) == []
    screen.shot("playbook-source-dark")
    shutil.move(upstream.url, upstream.url.with_suffix(".away"))
    page.locator("[data-open='do-fetch_playbooks']").click()
    look.locator("[type=submit]").click()
    expect(look.locator("[data-field=findings]")).to_contain_text("cannot be reached")
    look.locator("[data-close]").click()
    shutil.move(upstream.url.with_suffix(".away"), upstream.url)
    expect(part).to_contain_text("? The repository could not be reached")
