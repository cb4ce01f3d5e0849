"""docs/walkthrough.md: every output is what its command prints, and every number of the text is shown or computed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from api import bootstrap, files
from api.replay import Replay
from api.replay_result import Collected
from engine.outcomes import IncidentView
from tests.api.live import live
from tests.zygote.program import zygote
from topology.model import Topology

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "payments"
PAGE = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
VERSION = re.compile(r"\b[0-9a-f]{16}\b")
NUMBER = re.compile(r"\d[\d,.:]*\d|\d")


def shell(command: str) -> str:
    """What a command of the page prints in the company's folder."""
    environment = dict(os.environ, PATH=f"{zygote().folder}{os.pathsep}{os.environ['PATH']}")
    environment = {name: value for name, value in environment.items() if not name.startswith("HEADWATER_")}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],  # a failing command behind a pipe is a failure too
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def steps() -> list[tuple[str, str]]:
    """(command, what the page shows of its output)."""
    found = []
    for language, text in BLOCK.findall(PAGE):
        if language == "console":
            for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = step.partition("\n")
                found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "shown"), steps(), ids=lambda text: text[:60])
def test_a_command_prints_what_the_page_shows(command: str, shown: str):
    printed = shell(command)
    assert printed.strip(), "a command of the page shows something"
    assert VERSION.sub("<version>", printed.rstrip("\n")) == VERSION.sub("<version>", shown.rstrip("\n"))


# ------------------------------------------------------------------------------------------- the numbers of the text


@lru_cache
def catalogue() -> Topology:
    found, findings = files.topology_of(FOLDER / "catalogue")
    assert found is not None, findings
    assert findings == []
    return found


@lru_cache
def replayed(stream: str, lines: int = 1000) -> IncidentView:
    rules, _ = files.rules_of(FOLDER / "rules")
    collected = Collected()
    recorded = (FOLDER / "streams" / stream).read_bytes().splitlines()[:lines]
    bad: list[str] = []
    replay = Replay(bootstrap.in_memory, bootstrap.decode, catalogue(), rules)
    replay.run(stream, recorded, lambda _, reason: bad.append(reason), collected=collected)
    assert bad == []
    return collected.told()[-1]


def users(entity: str) -> str:
    return f"{catalogue().entities[entity].users:,}"


def criterion(lines: int, id: str) -> str:
    """Why a criterion of DORA is met after so many lines of the recorded incident."""
    (dora,) = [one for one in replayed("dora-major.jsonl", lines).regimes if one.regime == "dora"]
    (found,) = [one for one in dora.criteria if one.id == id]
    assert found.answer == "yes"
    return "; ".join(found.because)


def number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found[1]


def share_of_clients() -> str:
    return f"{float(number(r'~([0-9.]+) % is > 10', criterion(2, 'clients_and_transactions'))):.1f}"


def resolved() -> str:
    view = replayed("dora-major.jsonl")
    assert view.state == "resolved"
    assert view.resolved_at is not None
    return f"{datetime.fromtimestamp(view.resolved_at / 1000, UTC):%H:%M}"


def replicas(fate: str = "") -> str:
    """How many replicas of the ledger there are, or how many a shared fate takes."""
    members = [catalogue().entities[one.provider] for one in catalogue().providers("ledger")]
    return str(sum(not fate or fate in one.continuity.fates for one in members))


def clients_total() -> str:
    rules, _ = files.rules_of(FOLDER / "rules")
    assert rules is not None
    return f"{rules.content.severity.users_total:,}"


def recorded(stream: str, line: int) -> str:
    """The time of day (UTC) of a line of a recording, counted from 1."""
    t = json.loads((FOLDER / "streams" / stream).read_text(encoding="utf-8").splitlines()[line - 1])["t"]
    return f"{t // 3600 % 24:02}:{t // 60 % 60:02}"


def minutes(stream: str, first: int, last: int) -> str:
    """From one line of a recording to another."""
    lines = (FOLDER / "streams" / stream).read_text(encoding="utf-8").splitlines()
    return str((json.loads(lines[last - 1])["t"] - json.loads(lines[first - 1])["t"]) // 60)


FACTS: dict[str, dict[str, Any]] = {
    "What alone would take business down?": {
        "2": lambda: replicas("frankfurt-power"),
        "3": replicas,
    },
    "One of three replicas lost: the margin is gone": {"3": replicas},
    "Two lost: the one that is left cannot carry the load": {
        "310,000": lambda: users("instant-payments"),
        "18,400": lambda: {users("card-acquiring"), users("merchant-payouts")},
        "420,000": clients_total,
    },
    "Lost one after the other": {"15": lambda: minutes("two-replicas-lost.jsonl", 1, 3)},
    "A queue buffers a dead consumer: a countdown": {
        "13:47": lambda: recorded("booking-queue.jsonl", 2),
        "13:50": lambda: recorded("booking-queue.jsonl", 3),
        "18,400": lambda: f"{(replayed('booking-queue.jsonl').users or (0, 0))[0]:,}",
    },
    "A third party is down: an assumption breaks": {
        "17:05": lambda: recorded("card-scheme-down.jsonl", 1),
        "17:30": lambda: recorded("card-scheme-down.jsonl", 4),
    },
    "A major incident under DORA, and its clocks": {
        "10:45": lambda: recorded("dora-major.jsonl", 6),
        "10:50": resolved,
        "73.8": share_of_clients,
        "10": lambda: number(r"% is > (\d+)", criterion(2, "clients_and_transactions")),
        "2": lambda: number(r"at least (\d) Member States", criterion(2, "geographical_spread")),
        "310,000": lambda: f"{(replayed('dora-major.jsonl', 2).users or (0, 0))[0]:,}",
        "420,000": clients_total,
    },
}
"""By section: what its text says beyond its outputs, and where that comes from."""


def prose(section: str) -> str:
    """A section's text without blocks, code and links."""
    text = BLOCK.sub("", section)
    text = re.sub(r"`[^`]*`", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


@pytest.mark.parametrize("title", SECTIONS)
def test_every_number_of_the_text_is_shown_by_a_command_or_computed(title: str):
    shown = set(NUMBER.findall(" ".join(text for _, text in BLOCK.findall(SECTIONS[title]))))
    shown |= {part for number in shown for part in (number.removesuffix(":00"), *number.split(":00"))}
    known = FACTS.get(title, {})
    said = set(NUMBER.findall(prose(SECTIONS[title]).split("\n", 1)[-1]))
    assert known.keys() <= said, "a fact that the text no longer says"
    for number in said:
        if number in known:
            found = known[number]()
            assert found in (number, {number}), number
        else:
            assert number in shown, f"{number} is neither shown nor computed"


# ------------------------------------------------------------------------------------------------------------ live


def test_the_live_commands_open_the_incident_and_explain_it(tmp_path: Path):
    blocks = [text for language, text in BLOCK.findall(SECTIONS["Live"]) if language == "sh"]
    serve, send, explain, press, clocks = (line for text in blocks for line in text.splitlines())
    assert serve == "headwater serve"
    with live(tmp_path) as served:
        for part in ("catalogue", "rules"):
            shutil.rmtree(tmp_path / part)
            shutil.copytree(FOLDER / part, tmp_path / part)
        assert served.client.post("/api/v1/reload").status_code == 200
        shell(send.replace("http://127.0.0.1:8666", served.url))
        incident = served.incident_of("card-scheme")
        told = shell(f"{explain} --url {served.url}")
        pressed = json.loads(shell(press.replace("http://127.0.0.1:8666", served.url).replace("INC-3", incident["id"])))
        deadlines = shell(f"{clocks} --url {served.url}")
        reached = served.get("/api/v1/impact/card-scheme")
    assert told.startswith(f"{incident['id']}: card-scheme in trouble\n  SEV1")
    assert "at stake: card-acquiring takes for granted" in told
    assert incident["harm"]["assumptions"][0]["state"] == "at_stake"
    assert incident["users"] == [18400, 18400]
    (initial,) = [one for one in pressed["incident"]["clocks"] if (one["regime"], one["clock"]) == ("dora", "initial")]
    assert initial["state"] == "running"
    assert initial["reasons"][0].startswith("5(1)(a): 4 hours from classified_major")
    assert "dora: Initial notification to competent authority (Article 5(1)(a)): due" in deadlines
    assert [one["id"] for one in reached["assumptions"]] == ["scheme-is-back"]
