"""Trying sinks out and seeing what would be sent: by `headwater publish` and by the API, past the same guard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from tests.api.live import Live, alert, live, write_files
from tests.publish.mailbox import Mailbox, mailbox
from tests.publish.receiver import Receiver, receiver, status
from tests.real.components import eventually


def declared(box: Mailbox, hook: Receiver) -> str:
    return f"""\
sinks:
  mail:
    - name: noc-mail
      host: 127.0.0.1
      port: {box.port}
      tls: none
      allow_private: true
      sender: headwater@example.com
      to: [noc@example.com]
      audiences: [engineers, stakeholders]
      templates:
        - {{audience: stakeholders, title: "For you: $summary"}}
  webhooks:
    - {{name: hook, url: "{hook.url}", allow_private: true}}
    - {{name: inside, url: "{hook.url}"}}
    - {{name: quiet, url: "{hook.url}", allow_private: true, mode: shadow}}
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, box: Mailbox, hook: Receiver) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("publish"), declared(box, hook)) as world:
        world.send(alert("DbDown", "db"))
        world.incident_of("db")
        eventually(lambda: box.got, "the mail of the incident")
        eventually(lambda: not _underway(world), "all that is told of it")
        yield world


def _underway(world: Live) -> list[object]:
    return list(world.get("/api/v1/outbox", state=["new", "claimed", "sent"])["items"])


def run(served: Live, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["publish", *arguments, "--config", str(served.folder / "headwater.yaml")])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_a_test_says_that_it_is_one_and_what_came_of_it(served: Live, box: Mailbox):
    code, said, _ = run(served, "test", "noc-mail")
    assert (code, len(said.splitlines())) == (0, 1)
    assert said.startswith("ok: noc-mail, mail: taken as <headwater.TEST-")
    recipients, mail = box.got[-1]
    assert recipients == ["noc@example.com"]
    assert "TEST" in mail["Subject"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "nothing is wrong, and nothing is to be done" in text.get_content()


def test_a_test_passes_the_same_guard(served: Live, hook: Receiver):
    before = len(hook.got)
    code, said, _ = run(served, "test", "inside")
    assert (code, len(hook.got), len(said.splitlines())) == (1, before, 1)
    assert "a private, loopback or reserved address" in said
    assert "(permanent)" in said
    assert served.client.post("/api/v1/sinks/inside/test").json()["ok"] is False


def test_a_receiver_that_redirects_to_a_private_address_is_reported_in_one_line(served: Live, hook: Receiver):
    hook.behave, before = status(302, b"", Location="http://169.254.169.254/latest/"), len(hook.got)
    try:
        code, said, _ = run(served, "test", "hook")
    finally:
        hook.behave = status(200)
    assert (code, len(hook.got), len(said.splitlines())) == (1, before + 1, 1)
    assert "redirects to http://169.254.169.254/latest/, and redirects are not followed" in said


def test_a_sink_in_shadow_sends_no_test(served: Live, hook: Receiver):
    before = len(hook.got)
    code, said, _ = run(served, "test", "quiet")
    assert (code, len(hook.got)) == (0, before)
    assert "nothing was sent" in said


def test_a_dry_run_prints_the_test_and_sends_nothing(served: Live, box: Mailbox):
    before = len(box.got)
    code, said, _ = run(served, "test", "noc-mail", "--dry-run")
    assert (code, len(box.got)) == (0, before)
    assert "Subject: [SEV5] TEST: test of the sink noc-mail" in said


def test_an_unknown_sink_is_told_with_those_there_are(served: Live):
    failed = CliRunner().invoke(app, ["publish", "test", "nobody", "--config", str(served.folder / "headwater.yaml")])
    assert "the settings declare log, webhooks" in str(failed.exception) or "log, hook" in str(failed.exception)
    assert served.client.post("/api/v1/sinks/nobody/test").status_code == 404


def test_show_prints_what_each_sink_gets_of_an_incident(served: Live, box: Mailbox):
    incident = served.incident_of("db")["id"]
    before = len(box.got)
    code, said, _ = run(served, "show", incident, "--sink", "noc-mail")
    assert (code, len(box.got)) == (0, before)
    subjects = [line for line in said.splitlines() if line.startswith("Subject: ")]
    assert len(subjects) == 2
    assert any(one.startswith("Subject: For you: shop is ") for one in subjects)
    _, everything, _ = run(served, "show", incident, "--json")
    shown = json.loads(everything)
    assert {one["sink"] for one in shown} == {"log", "noc-mail", "hook", "inside", "quiet"}
    posted = next(one["text"] for one in shown if one["sink"] == "hook")
    assert json.loads(posted)["data"]["incident_id"] == incident


def test_what_waits_is_printed_and_not_sent(served: Live, tmp_path: Path, box: Mailbox, hook: Receiver):
    code, said, _ = run(served, "--dry-run")
    assert code == 0
    assert "noc-mail" not in said
    write_files(tmp_path, declared(box, hook))
    failed = CliRunner().invoke(app, ["publish", "--dry-run", "--config", str(tmp_path / "headwater.yaml")])
    assert "holds no data" in str(failed.exception)


def test_the_list_says_how_each_sink_fares(served: Live):
    def look() -> dict[str, dict[str, object]]:
        items = {one["name"]: one for one in served.get("/api/v1/sinks")["items"]}
        return items if items["inside"]["dead"] and items["noc-mail"]["last_success"] else {}

    items = eventually(look, "the sinks' states")
    assert list(items) == ["hook", "inside", "log", "noc-mail", "quiet"]
    assert items["noc-mail"]["kind"] == "mail"
    assert items["noc-mail"]["audiences"] == ["engineers", "stakeholders"]
    assert (items["noc-mail"]["state"], items["inside"]["state"], items["quiet"]["state"]) == (
        "ok",
        "failing",
        "shadow",
    )
    assert "private" in str(items["inside"]["error"])


def test_a_dead_publication_is_sent_again_and_one_that_is_not_dead_is_not(served: Live):
    def dead() -> dict[str, int]:
        items = served.get("/api/v1/outbox", state="dead", limit=500)["items"]
        return {one["id"]: one["changed_at"] for one in items}

    id, before = next(iter(eventually(dead, "a dead row").items()))
    url = str(served.client.base_url)
    assert run(served, "redrive", str(id), "--url", url)[:2] == (0, f"{id}: is sent again.\n")
    eventually(lambda: dead().get(id, before) > before, "it was tried, and is dead again")
    done = CliRunner().invoke(app, ["publish", "redrive", "99999", "--url", url])
    assert "99999" in str(done.exception)
    assert "state=dead" in str(done.exception)


WRONG = {
    "a field that there is not": ("templates: [{title: '$titel'}]", "there is no field 'titel'; did you mean title?"),
    "a $ that begins no field": ("templates: [{body: '5 $'}]", "write $$ for a dollar sign"),
    "an action that there is not": ("templates: [{action: explode}]", "action"),
    "no recipient": ("to: []", "at least 1 item"),
    "a recipient that is none": ("to: ['x@y\\nBcc: z@y']", "should match pattern"),
    "a login in the clear": ("user: hw", "no password travels in the clear"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_mail_sink_is_told_with_file_and_line(tmp_path: Path, name: str):
    line, words = WRONG[name]
    given = {"sender": "sender: a@b.example", "to": "to: [c@d.example]", line.partition(":")[0]: line}
    config = write_files(
        tmp_path, "sinks:\n  mail:\n    - name: m\n      host: x\n      " + "\n      ".join(given.values())
    )
    done = CliRunner().invoke(app, ["check", "--config", str(config)])
    assert done.exit_code == 1
    assert words in done.stderr
    assert "headwater.yaml:" in done.stderr


@pytest.mark.parametrize(
    ("slack", "words"),
    [
        ("{name: s, channel: C123}", "give either token_env and channel, or url_env"),
        ("{name: s, token_env: A, url_env: B, channel: C123}", "give either"),
        ("{name: s, token_env: A, channel: C123, audiences: [engineers, tickets]}", "one audience"),
        ("{name: s, token_env: A, channel: '#general'}", "pattern"),
    ],
)
def test_what_is_wrong_with_a_slack_sink_is_told(tmp_path: Path, slack: str, words: str):
    done = CliRunner().invoke(
        app, ["check", "--config", str(write_files(tmp_path, f"sinks:\n  slack:\n    - {slack}"))]
    )
    assert (done.exit_code, words in done.stderr) == (1, True)
