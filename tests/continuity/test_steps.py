"""Automated steps on a running server: real programs, a real HTTP receiver, and what happens when something breaks."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.restoring.runner import Runner
from tests.continuity.played import Played, outage
from tests.real.components import eventually

BOOK = """
allow: {commands: [promote, chatty, hang, wrong, gone], urls: ["http://127.0.0.1:%(port)d/"]}
playbooks:
  - id: auto
    title: The orders database is lost
    entities: [orders-db]
    reviewed: 2026-09-01
    proven: 2026-09-10
    gates:
      - {id: lag, check: replication_lag, entity: orders-db, at_most: 30s}
    tasks:
      - {id: promote, title: Promote, accountable: bo, takes: 5m, command: {run: promote, arguments: [replica-1]}}
      - {id: odd, title: Odd argument, accountable: bo, command: {run: promote, arguments: ["--force; rm"]}}
      - {id: chatty, title: Talks, accountable: bo, command: {run: chatty}}
      - {id: hang, title: Never ends, accountable: bo, command: {run: hang, timeout: 1s}}
      - {id: wrong, title: Fails, accountable: bo, command: {run: wrong}}
      - {id: gone, title: Not in the settings, accountable: bo, command: {run: gone}}
      - {id: gated, title: Behind, accountable: bo, gates: [lag], command: {run: promote, arguments: [replica-2]}}
      - {id: call, title: Switch, accountable: bo, http: {url: "http://127.0.0.1:%(port)d/ops/switch", expect: 202}}
      - {id: astray, title: Elsewhere, accountable: bo, http: {url: "http://127.0.0.1:%(port)d/ops/../admin"}}
      - {id: look, title: Look, accountable: bo}
"""
PROGRAM = """#!/bin/sh
echo "promoted $1 password=hunter2 $HOME"
echo "$1" >> %(folder)s/promoted
"""


class Receiver:
    """An HTTP server that keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                seen.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)})
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b"switched; your token was top-secret-token")

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def files(folder: Path, port: int) -> Mapping[str, str]:
    return {"playbooks/p.yaml": BOOK % {"port": port}}


def settings(folder: Path, port: int) -> str:
    program = folder / "promote.sh"
    program.write_text(PROGRAM % {"folder": folder}, encoding="utf-8")
    program.chmod(0o700)
    hang = folder / "hang.sh"
    hang.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {folder}/child\nwait\n", encoding="utf-8")
    hang.chmod(0o700)
    return f"""
restoring:
  steps:
    commands:
      - {{name: promote, argv: [{program}], arguments: "replica-[0-9]+"}}
      - {{name: chatty, argv: [/usr/bin/seq, "1", "20000"]}}
      - {{name: hang, argv: [{hang}]}}
      - {{name: wrong, argv: [/bin/ls, /nowhere/at/all]}}
    destinations:
      - {{url: "http://127.0.0.1:{port}/ops", allow_private: true, token_env: OPS_TOKEN}}
"""


@contextmanager
def served(folder: Path, port: int) -> Iterator[Played]:
    variables = {"OPS_TOKEN": "top-secret-token"}
    with outage(folder, files(folder, port), settings(folder, port), variables) as one:
        one.do("ada", "activate_playbook", reason="the database is gone", playbook="auto")
        yield one


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("steps")
    with served(folder, receiver.port) as one:
        yield one


def run(played: Played, task: str, who: str = "bo", what: str = "run", **facts: str) -> httpx.Response:
    path = f"/api/v1/incidents/{played.id}/steps/{task}/{what}"
    body = {"facts": facts} if what == "run" else None
    return played.served.client.post(path, json=body, headers={"authorization": f"Bearer {who}"})


def task_of(played: Played, task: str) -> dict[str, Any]:
    (found,) = [one for one in played.response()["execution"]["tasks"] if one["id"] == task]
    return dict(found)


def ended(played: Played, task: str) -> dict[str, Any]:
    """The task, once its run has ended."""

    def look() -> dict[str, Any]:
        found = task_of(played, task)
        return found if found["runs"] and found["runs"][-1]["state"] != "under_way" else {}

    return eventually(look, f"{task} has ended")


def lines(played: Played) -> list[dict[str, Any]]:
    return [one for one in played.get(f"incidents/{played.id}/timeline")["items"] if one["kind"] == "step"]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(played: Played) -> None:
    answer = run(played, "promote", what="dry-run")
    assert answer.status_code == 200, answer.text
    assert answer.json()["plan"].endswith("/promote.sh replica-1, for at most 60 s")
    assert not (played.served.folder / "promoted").exists()
    assert task_of(played, "promote")["state"] == "ready"
    assert [one["actor"] for one in lines(played) if "Dry run of step promote" in one["text"]] == ["bo"]


def test_a_command_of_both_lists_is_carried_out_for_somebody_and_its_output_is_masked_evidence(played: Played) -> None:
    assert run(played, "promote").status_code == 200
    found = ended(played, "promote")
    (made,) = found["runs"]
    assert (found["state"], made["state"], made["by"], made["code"]) == ("done", "passed", "bo", 0)
    assert made["output"] == "promoted replica-1 password=*** \n"  # and nothing of our environment
    assert (played.served.folder / "promoted").read_text() == "replica-1\n"
    (told,) = [one for one in lines(played) if one["facts"].get("run") == made["id"]]
    assert told["text"].startswith("Step promote carried out for bo (promote replica-1): passed, it returned 0")
    assert told["facts"]["sha256"] == made["sha256"]
    again = run(played, "promote")
    assert (again.status_code, again.json()["type"]) == (409, "urn:headwater:problem:conflict")
    assert (played.served.folder / "promoted").read_text() == "replica-1\n"


def test_what_either_list_does_not_cover_is_not_begun(played: Played) -> None:
    said = {one: run(played, one) for one in ("odd", "gone", "astray", "look")}
    assert {answer.status_code for answer in said.values()} == {409}
    assert "do not let 'promote' have the argument '--force; rm'" in said["odd"].json()["detail"]
    assert "the settings have no command 'gone'" in said["gone"].json()["detail"]
    assert "the settings do not let steps call" in said["astray"].json()["detail"]
    assert "it is done by people" in said["look"].json()["detail"]
    assert {task_of(played, one)["state"] for one in said} == {"ready"}


def test_a_step_that_fails_is_not_done_and_is_a_deviation(played: Played) -> None:
    assert run(played, "wrong").status_code == 200
    found = ended(played, "wrong")
    assert (found["state"], found["runs"][0]["state"], found["runs"][0]["code"]) == ("failed", "failed", 2)
    assert "/nowhere/at/all" in found["runs"][0]["output"]
    assert [one["task"] for one in played.response()["deviations"] if one["kind"] == "failed"][:1] == ["wrong"]


def test_what_does_not_end_in_time_is_killed_with_its_children(played: Played) -> None:
    assert run(played, "hang").status_code == 200
    assert played.ask("bo", "finish_task", task="hang").status_code == 409  # its result decides, nobody's word
    found = ended(played, "hang")
    assert found["state"] == "failed"
    assert found["runs"][0]["detail"].startswith("killed: it was not done within 1 s")
    child = int((played.served.folder / "child").read_text())
    eventually(lambda: not alive(child), "the child is gone")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_output_is_capped(played: Played) -> None:
    assert run(played, "chatty").status_code == 200
    made = ended(played, "chatty")["runs"][0]
    assert made["state"] == "passed"
    assert len(made["output"]) < 4100
    (told,) = [one for one in lines(played) if one["facts"].get("run") == made["id"]]
    assert 16_000 < len(told["facts"]["output"]) < 17_000
    assert told["facts"]["output"].endswith("(cut)")


def test_a_closed_gate_keeps_a_step_from_being_begun(played: Played) -> None:
    answer = run(played, "gated")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:headwater:problem:refused")
    assert "gate lag is closed: it cannot be checked: no replication lag" in answer.json()["detail"]
    assert task_of(played, "gated")["runs"] == []
    assert "replica-2" not in (played.served.folder / "promoted").read_text()


def test_an_http_step_goes_through_the_guard_with_its_token_and_what_comes_back_is_masked(
    played: Played, receiver: Receiver
) -> None:
    assert run(played, "call").status_code == 200
    made = ended(played, "call")["runs"][0]
    assert (made["state"], made["code"], made["output"]) == ("passed", 202, "switched; your token was ***")
    (seen,) = receiver.seen
    assert (seen["path"], seen["body"]["task"], seen["body"]["run"]) == ("/ops/switch", "call", made["id"])
    assert (seen["headers"]["Authorization"], seen["headers"]["Idempotency-Key"]) == (
        "Bearer top-secret-token",
        made["id"],
    )


def test_nobody_but_an_operator_runs_steps_and_nobody_says_what_came_of_them(played: Played) -> None:
    assert run(played, "look", "vic").status_code == 403
    assert run(played, "promote", "vic", "dry-run").status_code == 403
    forged = played.ask("root", "step_ended", run="x", outcome="passed")
    assert forged.status_code == 400
    assert "is not given here, but by nobody" in forged.text
    assert played.ask("bo", "run_task", task="look", run="x").status_code == 400


def test_a_step_whose_runner_died_is_unclear_and_is_not_run_again_unseen(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            Runner, "begin", lambda self, *asked: self.release(asked[-1]["run"])
        )  # as if killed right after its beginning was durable
        with served(tmp_path, receiver.port) as one:
            assert run(one, "promote").status_code == 200
            id = one.id
    with outage(
        tmp_path, files(tmp_path, receiver.port), settings(tmp_path, receiver.port), {"OPS_TOKEN": "t"}, id
    ) as one:
        assert task_of(one, "promote")["runs"][0]["state"] == "under_way"
        assert run(one, "promote").status_code == 409
        one.later(10 * 60_000)
        found = ended(one, "promote")
        assert (found["state"], found["runs"][0]["state"]) == ("failed", "unclear")
        assert "it may have been carried out or not" in found["note"]
        assert run(one, "promote").status_code == 409
        assert not (tmp_path / "promoted").exists()
        one.do("bo", "retry_task", reason="looked: it was not promoted", task="promote")
        assert run(one, "promote").status_code == 200
        assert [made["state"] for made in ended(one, "promote")["runs"]] == ["unclear", "passed"]


def test_a_server_that_stops_kills_what_is_under_way_and_says_so(tmp_path: Path, receiver: Receiver) -> None:
    book = BOOK.replace("timeout: 1s", "timeout: 5m") % {"port": receiver.port}
    extra = settings(tmp_path, receiver.port)
    with outage(tmp_path, {"playbooks/p.yaml": book}, extra, {"OPS_TOKEN": "t"}) as one:
        one.do("ada", "activate_playbook", reason="the database is gone", playbook="auto")
        assert run(one, "hang").status_code == 200
        eventually((tmp_path / "child").exists, "it has begun")
    child = int((tmp_path / "child").read_text() or 0)
    eventually(lambda: not alive(child), "the child is gone")
    with outage(tmp_path, {"playbooks/p.yaml": book}, extra, {"OPS_TOKEN": "t"}, one.id) as again:
        found = task_of(again, "hang")
        assert found["state"] == "failed"
        assert found["runs"][0]["detail"] == "killed: Headwater was stopped meanwhile"
