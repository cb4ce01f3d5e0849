"""What is shipped for Prometheus and Grafana, on a real Prometheus that scrapes a real engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.components import Child, Headwater, eventually, free_port

pytestmark = pytest.mark.real("prometheus")

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: headwater
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
CATALOGUE = """
entities:
  - {id: shop, kind: business_service, tier: 1, owner: team-shop, rto: 1h, depends_on: [{on: db-1}]}
  - {id: db-1, kind: database, rpo: 5m}
"""
MUST_SHOW = {
    "Open incidents", "Ready", "Alert events unaccounted", "Storm", "Silent sources", "Deadlines over",
    "Current dispositions", "Age of what waits", "Detection", "Coverage", "Topology age", "Duplicate tickets",
    "Findings of the audit", "Acknowledgement", "Restoration initiation", "Objectives at stake", "Objectives met",
}  # fmt: skip
"""Panels that have something to show of an engine with one incident that is over."""


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program is not None
    return subprocess.run([program, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "headwater.rules.yml"),
        ("test", "rules", "headwater.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    found = promtool(*arguments)
    assert found.returncode == 0, found.stdout + found.stderr


def test_promtool_finds_nothing_to_say_of_the_metrics_themselves(scraped: tuple[Headwater, str]) -> None:
    engine, _ = scraped
    program = shutil.which("promtool")
    assert program is not None
    text = httpx.get(f"{engine.url}/metrics").text
    found = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Headwater, str]]:
    """An engine with one incident that was acknowledged, restored and closed; and the address of its Prometheus."""
    folder = tmp_path_factory.mktemp("shipped")
    program = shutil.which("prometheus")
    assert program is not None
    with ExitStack() as stack:
        engine = Headwater(folder / "engine", CATALOGUE)
        stack.callback(engine.stop)
        close_one(engine)
        port = free_port()
        config = folder / "prometheus.yml"
        rules = folder / "rules.yml"
        shipped = (DEPLOY / "prometheus" / "headwater.rules.yml").read_text(encoding="utf-8")
        rules.write_text(shipped.replace("interval: 1m", "interval: 1s"), encoding="utf-8")
        config.write_text(CONFIG.format(rules=rules, port=engine.port), encoding="utf-8")
        command = [
            program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        server = Child(command, f"http://127.0.0.1:{port}/-/ready", folder / "log")
        stack.callback(server.stop)
        url = f"http://127.0.0.1:{port}"
        eventually(partial(asked, url, "headwater:coverage:ratio"), "recorded", 90)
        yield engine, url


def close_one(engine: Headwater) -> None:
    alert = {"labels": {"alertname": "Down", "service": "shop", "severity": "critical"}}
    assert httpx.post(f"{engine.url}/api/v2/alerts", json=[alert]).is_success
    (found,) = eventually(engine.incidents, "an incident")
    eventually(lambda: engine.incidents()[0]["objectives"], "its recovery objective runs")
    for action in ("declare", "acknowledge", "restore", "close"):
        body = {"reason": "as it is"}
        done = httpx.post(f"{engine.url}/api/v1/incidents/{found['id']}/{action}", json=body)
        assert done.is_success or action == "declare", done.text


def asked(url: str, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", f"{expression}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def panels() -> list[tuple[str, str]]:
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((DEPLOY / "grafana").rglob("*.json"))]
    return [
        (panel["title"], target["expr"])
        for board in boards
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]


def test_every_panel_asks_what_prometheus_understands_and_shows_what_is_there(scraped: tuple[Headwater, str]) -> None:
    _, url = scraped
    shown = {title for title, expression in panels() if asked(url, expression)}
    assert shown >= MUST_SHOW, MUST_SHOW - shown


def test_every_metric_that_rules_and_panels_name_is_one_that_the_engine_has(scraped: tuple[Headwater, str]) -> None:
    engine, url = scraped
    rules = httpx.get(f"{url}/api/v1/rules").json()["data"]["groups"]
    asked_for = [rule["query"] for group in rules for rule in group["rules"]] + [one for _, one in panels()]
    names = {word for text in asked_for for word in metric_names(text)}
    text = httpx.get(f"{engine.url}/metrics").text
    known = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    suffixes = ("_bucket", "_sum", "_count")
    missing = {
        name for name in names if name not in known and not any(name.removesuffix(end) in known for end in suffixes)
    }
    assert missing <= {"headwater_false_alarm_ratio", "headwater_false_suppression_ratio"}, "nothing was judged yet"


def metric_names(expression: str) -> set[str]:
    words = "".join(letter if letter.isalnum() or letter in "_:" else " " for letter in expression).split()
    return {word for word in words if word.startswith("headwater_")}


def test_the_rules_are_loaded_and_none_of_them_fails(scraped: tuple[Headwater, str]) -> None:
    _, url = scraped
    groups = eventually(lambda: loaded(url), "every rule was evaluated", 90)
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 28
    assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]


def loaded(url: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/rules").json()["data"]["groups"]
    done = all(rule["health"] != "unknown" for group in groups for rule in group["rules"])
    return groups if done else []
