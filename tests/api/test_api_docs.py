"""The documents are true: a new user's first hour is run as it is written, and every command and route exists."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.routes.commands import ABOUT_OTHER_THINGS
from api.settings import ENVIRONMENT
from engine.policy import ACTIONS
from tests.api.live import Live
from tests.real.components import eventually, free_port
from tests.zygote.program import zygote

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MINE = ("first-hour.md", "api.md", "cli.md", "README.md")


def blocks(document: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (DOCS / document).read_text(encoding="utf-8"), re.DOTALL)


def test_the_first_hour_leads_to_an_incident_as_it_is_written(tmp_path):
    port = str(free_port())
    bin = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "HEADWATER_PORT": port}
    said, server = {}, None
    try:
        for block in blocks("first-hour.md")[1:]:  # the first prepares the checkout
            script = block.replace("8666", port)
            folder = tmp_path if "init" in block else tmp_path / "myshop"
            if block.strip() == "headwater serve":
                server = subprocess.Popen(["sh", "-c", f"exec {script}"], cwd=folder, env=env)
                ready = f"http://127.0.0.1:{port}/readyz"
                eventually(partial(_ready, ready), "the engine is ready")
                continue
            if block.startswith("headwater explain"):
                incidents = f"http://127.0.0.1:{port}/api/v1/incidents"
                eventually(partial(_names_the_cause, incidents), "the cause is named")
            command = ["sh", "-e", "-c", script]
            quick = {**env, "PATH": f"{zygote().folder}:{env['PATH']}"}
            done = subprocess.run(command, cwd=folder, env=quick, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (script, done.stdout, done.stderr)
            said[block.splitlines()[0]] = done.stdout
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
    impact = next(text for text in said.values() if text.startswith("ok: "))
    shown = re.search(r"```\n(If orders-db fails.*?)```", (DOCS / "first-hour.md").read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] in impact
    assert "Cause: orders-db" in said["headwater explain"]
    assert any('"acknowledged_by":"local"' in text for text in said.values())


def _ready(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _names_the_cause(url: str) -> bool:
    return '"cause":"orders-db"' in httpx.get(url).text


@pytest.mark.parametrize("document", MINE)
def test_links_lead_somewhere(document: str):
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / document).read_text(encoding="utf-8"))
    assert links or document in ("api.md", "cli.md")
    assert [link for link in links if "://" not in link and not (DOCS / link).exists()] == []


def test_the_index_names_every_document():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert {name for name in there if f"]({name})" not in index} == set()


def test_every_route_that_api_md_names_exists_and_none_is_left_out(world: Live):
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for path in world.get("/openapi.json")["paths"]:
        parts = [part for part in path.removeprefix("/api/v1").split("/") if part and not part.startswith("{")]
        assert all(f"/{part}" in text for part in parts), path


def test_every_command_action_and_variable_is_described():
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    actions = {name for name, action in ACTIONS.items() if action.command} - ABOUT_OTHER_THINGS
    assert {name for name in actions if f"`{name}`" not in text} == set()
    cli = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert {name for name in ENVIRONMENT if f"`{name}`" not in cli} == set()
