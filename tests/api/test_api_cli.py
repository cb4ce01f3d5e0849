"""The command line as a user runs it: real processes, exit codes, one line per error."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.api.live import CATALOGUE
from tests.real.components import Headwater
from tests.zygote import program

ROOT = Path(__file__).resolve().parents[2]
BARE = {"PATH": "/usr/bin:/bin"}


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return program.run(*arguments, cwd=cwd, env=BARE | environment)


@pytest.mark.parametrize(
    "arguments", [("init",), ("schema", "rules"), ("token", "create", "x"), ("serve", "--port", "x")]
)
def test_a_fresh_interpreter_says_the_same(tmp_path, arguments: tuple[str, ...]):
    outputs = []
    for name, runs in (("fresh", program.run_fresh), ("forked", program.run)):
        (tmp_path / name).mkdir()
        done = runs(*arguments, cwd=tmp_path / name, env=BARE)
        outputs.append((done.returncode, re.sub(r"hw_\S+|[0-9a-f]{64}", "", done.stdout), done.stderr))
    assert outputs[0] == outputs[1]


COMMANDS = (
    "init",
    "serve",
    "demo",
    "replay",
    "explain",
    "check",
    "impact",
    "restoration",
    "catalogue audit",
    "schema",
    "token create",
    "audit verify",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_begins_with_the_command(command: str):
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert re.search(rf"Examples?:\s+headwater\s+{command}", " ".join(done.stdout.split()))


def test_help_is_quick_and_says_what_the_exit_codes_mean():
    times = []
    for _ in range(3):
        started = time.perf_counter()
        done = program.run_fresh("--help", env=BARE)
        times.append(time.perf_counter() - started)
    assert "Exit codes" in done.stdout
    assert min(times) < 2.0


def test_help_and_impact_do_not_import_the_server():
    probe = (
        "import sys; from api import cli; cli.app(['--help'], standalone_mode=False); print('fastapi' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("False")


def test_what_init_writes_passes_check_and_is_never_overwritten(tmp_path):
    assert run("init", cwd=tmp_path).returncode == 0
    checked = run("check", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    (tmp_path / "headwater.yaml").write_text("mine", encoding="utf-8")
    again = run("init", cwd=tmp_path)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert (tmp_path / "headwater.yaml").read_text(encoding="utf-8") == "mine"


def test_check_names_every_mistake_of_catalogue_and_rules_with_its_line(tmp_path):
    run("init", cwd=tmp_path)
    (tmp_path / "catalogue" / "bad.yaml").write_text(
        "entities:\n  - id: a\n    tier: x\n  - {id: b, depends_on: [c]}\n"
    )
    (tmp_path / "rules" / "bad.yaml").write_text("gates:\n  thresholds:\n    - id: t\n      for: soon\n")
    done = run("check", cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"catalogue/bad\.yaml:3: ", done.stderr)
    assert re.search(r"catalogue/bad\.yaml:4: ", done.stderr)
    assert re.search(r"rules/bad\.yaml:[34]: ", done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("impact", "nobody", "--catalogue", "catalogue"), 1, "knows no entity"),
        (("impact", "x", "--catalogue", "nowhere"), 1, "no such catalogue"),
        (("replay", "nowhere.jsonl"), 1, "nowhere.jsonl"),
        (("replay", "headwater.yaml", "--suppression", "maybe"), 1, "enforce or shadow"),
        (("explain",), 3, "headwater serve"),
        (("explain", "--url", "http://127.0.0.1:1"), 3, "does not answer"),
        (("audit", "verify"), 1, "--data"),
        (("schema", "cars"), 1, "settings, catalogue, rules"),
        (("token", "create", "x", "--role", "king"), 1, "viewer"),
        (("serve", "--config", "nowhere.yaml"), 1, "headwater init"),
        (("serve", "--port", "123456"), 1, "--port"),
        (("serve", "--nonsense"), 2, "--nonsense"),
    ],
)
def test_an_error_is_one_line_with_the_mend(tmp_path, arguments: tuple[str, ...], code: int, words: str):
    run("init", cwd=tmp_path)
    done = run(*arguments, cwd=tmp_path, HEADWATER_PORT="1")
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("serve", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert (done.returncode, "choose another" in done.stderr) == (3, True)
    assert not (tmp_path / "headwater-data").exists()


def test_impact_is_told_in_words_and_as_json(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    words = run("impact", "db", "--catalogue", "c", cwd=tmp_path).stdout
    assert "checkout: down" in words
    assert "db → checkout → shop" in words
    assert "after 30 min" in run("impact", "mail", "--catalogue", "c", cwd=tmp_path).stdout
    found = json.loads(run("impact", "db", "--catalogue", "c", "--json", cwd=tmp_path).stdout)
    assert [hit["entity"] for hit in found["items"]] == ["checkout", "shop"]


@pytest.mark.parametrize("what", ["settings", "catalogue", "rules"])
def test_schemas_are_published(what: str):
    schema = json.loads(run("schema", what).stdout)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]


def test_a_token_is_shown_once_with_the_hash_that_belongs_to_it():
    done = run("token", "create", "prometheus", "--role", "ingest")
    token = done.stdout.splitlines()[0]
    assert token.startswith("hw_")
    assert hashlib.sha256(token.encode()).hexdigest() in done.stdout
    assert token not in done.stderr


def test_a_server_is_explained_while_it_runs_and_audited_when_it_has_ended(tmp_path):
    engine = Headwater(tmp_path / "hw", CATALOGUE)
    try:
        body = [{"labels": {"alertname": "DbDown\x1b[31m", "service": "db", "severity": "critical"}}]
        assert httpx.post(f"{engine.url}/api/v2/alerts", json=body).status_code == 200
        time.sleep(0.5)
        said = run("explain", "--url", engine.url)
        assert (said.returncode, said.stdout[:4]) == (0, "INC-")
        assert "Cause: db" in said.stdout
        assert "\x1b" not in said.stdout
        event = engine.get("/api/v1/alerts")["items"][0]["first_event"]
        alert = run("explain", event, "--url", engine.url)
        assert "on db: critical, firing" in alert.stdout
        assert run("explain", "nobody", "--url", engine.url).returncode == 1
    finally:
        engine.stop()
    data = tmp_path / "hw" / "data"
    title = said.stdout.splitlines()[0]  # what follows may have gone on since: declared, told
    assert run("explain", "--data", str(data)).stdout.splitlines()[0] == title
    heads = tmp_path / "heads.json"
    heads.write_text(run("audit", "heads", "--data", str(data)).stdout, encoding="utf-8")
    verified = run("audit", "verify", "--data", str(data), "--anchors", str(heads))
    assert (verified.returncode, "ok" in verified.stdout) == (0, True)
    cut = json.loads(heads.read_text())
    heads.write_text(json.dumps([{**head, "seq": head["seq"] + 1} for head in cut]), encoding="utf-8")
    broken = run("audit", "verify", "--data", str(data), "--anchors", str(heads))
    assert (broken.returncode, "BROKEN" in broken.stdout) == (1, True)


def test_serve_ends_with_sigterm_though_a_client_follows_the_stream(tmp_path):
    engine = Headwater(tmp_path / "hw", CATALOGUE)
    with httpx.stream("GET", f"{engine.url}/api/v1/stream", timeout=10) as answer:
        lines = answer.iter_lines()
        next(lines)
        engine._process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert engine._process.wait(15) == 0, "the engine has stored what it holds"
        assert time.monotonic() - started < 8
    engine.stop()


@pytest.mark.slow
def test_the_demo_opens_an_incident_with_its_cause(tmp_path):
    done = run("demo", "--pace", "600", "--port", "0", "--exit-after", "--data", str(tmp_path), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "cause: inventoryservice" in done.stdout
    assert "0 unaccounted" in done.stdout
