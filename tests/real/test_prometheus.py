"""A real Prometheus with real alerting rules: straight to Headwater, and through a real Alertmanager's webhook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.real.components import Exporter, Headwater, alertmanager, eventually, prometheus

pytestmark = pytest.mark.real("prometheus", "alertmanager")

EVIDENCE = 120.0
"""Seconds: an alert of a measured entity may be held for a minute, and its domain be looked at half a minute later."""

TARGETS = ("db-1", "cart", "shop", "mail")
CATALOGUE = """
entities:
  - id: shop
    tier: 1
    depends_on: [{on: cart}]
  - id: cart
    depends_on: [{on: db-1}, {on: mail, semantics: soft}]
  - {id: db-1, kind: database}
  - {id: mail}
"""
RULES = """
groups:
  - name: itest
    interval: 1s
    rules:
      - alert: TargetDown
        expr: up == 0
        for: 2s
        labels: {severity: critical}
        annotations: {summary: '{{ $labels.service }} cannot be scraped'}
      - alert: HighErrorRate
        expr: error_ratio > 0.05
        for: 2s
        labels: {severity: warning}
        annotations: {summary: 'errors on {{ $labels.service }}: {{ $value }}'}
      - alert: Watchdog
        expr: vector(1)
        labels: {severity: none}
"""


@dataclass
class Setting:
    """Two engines that one Prometheus alerts: ``direct`` as its Alertmanager, ``behind`` through a real one."""

    exporter: Exporter
    direct: Headwater
    behind: Headwater

    @property
    def both(self) -> tuple[Headwater, Headwater]:
        return self.direct, self.behind


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder: Path = tmp_path_factory.mktemp("real")
    with ExitStack() as stack:
        exporter = Exporter(TARGETS)
        stack.callback(exporter.stop)
        engines: list[Headwater] = []
        for name in ("direct", "behind"):
            engines.append(Headwater(folder / name, CATALOGUE))
            stack.callback(engines[-1].stop)
        manager, port = alertmanager(folder / "alertmanager", engines[1])
        stack.callback(manager.stop)
        server = prometheus(folder / "prometheus", exporter, RULES, engines[0], port)
        stack.callback(server.stop)  # before what it writes to: else it waits a minute for its queue
        yield Setting(exporter, engines[0], engines[1])


@pytest.fixture(scope="module")
def outage(setting: Setting) -> Setting:
    """The database goes down, its consumers fail; both engines have heard of all of it."""
    for engine in setting.both:
        eventually(partial(_watchdog, engine), "the watchdog comes through")
    setting.exporter.down.add("db-1")
    setting.exporter.errors |= {"cart": 0.4, "shop": 0.3}
    for engine in setting.both:
        eventually(partial(_one_of_three, engine), "one incident with three alerts")
    return setting


def _troubled(engine: Headwater) -> dict[str, dict[str, Any]]:
    return {key: alert for key, alert in engine.alerts().items() if alert["name"] != "Watchdog"}


def _watchdog(engine: Headwater) -> dict[str, Any]:
    return next((alert for alert in engine.alerts().values() if alert["name"] == "Watchdog"), {})


def _one_of_three(engine: Headwater) -> dict[str, Any]:
    incidents = engine.incidents()
    return incidents[0] if len(incidents) == 1 and incidents[0]["alerts"] == 3 else {}


def _partition(engine: Headwater) -> set[frozenset[str]]:
    """Fingerprints by incident."""
    groups: dict[str, set[str]] = {}
    for fingerprint, alert in _troubled(engine).items():
        groups.setdefault(alert["incident"], set()).add(fingerprint)
    return {frozenset(group) for group in groups.values()}


def test_one_outage_is_one_incident_with_its_cause_on_both_ways(outage: Setting) -> None:
    for engine in outage.both:
        found = _one_of_three(engine)
        assert found["cause"] == "db-1", found
        assert set(found["entities"]) >= {"db-1", "cart", "shop"}
        assert {hit["entity"] for hit in found["impact"]} >= {"cart", "shop"}


def test_both_ways_give_the_same_fingerprints_partition_and_severity(outage: Setting) -> None:
    direct, behind = outage.both
    assert _troubled(direct).keys() == _troubled(behind).keys()
    assert _partition(direct) == _partition(behind)
    for key in ("cause", "severity", "entities"):
        assert _one_of_three(direct)[key] == _one_of_three(behind)[key], key


def test_the_watchdog_is_a_heartbeat_and_no_trouble(outage: Setting) -> None:
    for engine in outage.both:
        alert = _watchdog(engine)
        assert (alert["disposition"], alert["reason"], alert["incident"]) == ("suppressed", "heartbeat", "")


def test_samples_come_in_by_remote_write_in_the_same_run(outage: Setting) -> None:
    counted = partial(outage.direct.metric, "headwater_signals_total", kind="samples")
    eventually(lambda: counted() > 20, "samples are counted")
    assert outage.direct.get("/api/v1/dead-letters")["items"] == []


def test_every_alert_event_is_accounted_for(outage: Setting) -> None:
    for engine in outage.both:
        totals = engine.get("/api/v1/totals")
        assert totals["unaccounted"] == 0
        assert totals["received"] == sum(totals["dispositions"].values()) >= 4


def test_what_is_mended_recovers_on_both_ways(outage: Setting) -> None:
    for engine in outage.both:
        eventually(
            partial(_in_state, engine, "declared"), "evidence was waited for, and the incident is declared", EVIDENCE
        )
    outage.exporter.down.clear()
    outage.exporter.errors |= {"cart": 0.0, "shop": 0.0}
    for engine in outage.both:
        eventually(partial(_resolved, engine), "all alerts are resolved")
        eventually(partial(_in_state, engine, "recovering"), "the incident recovers")
        assert len(_partition(engine)) == 1


def _resolved(engine: Headwater) -> bool:
    return {alert["state"] for alert in _troubled(engine).values()} == {"resolved"}


def _in_state(engine: Headwater, state: str) -> bool:
    return [found["state"] for found in engine.incidents()] == [state]
