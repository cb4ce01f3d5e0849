"""The metrics follow the conventions, and a stranger's text never becomes a label."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from engine.metrics import EngineMetrics
from tests.service.world import World


def test_names_follow_the_conventions_of_prometheus(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    EngineMetrics(registry, "1.0")
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert re.fullmatch(r"headwater_[a-z0-9_]+", family.name)
        assert family.documentation.endswith((".", "0", "1")), family.name
        assert not family.name.endswith(("_ms", "_millis", "_count")), family.name


def test_what_strangers_write_is_in_no_label(tmp_path: Path) -> None:
    world = World(tmp_path / "db")
    world.take("canary-7f3 ? poison", "canary-7f3")
    world.service._metrics.sample_store(world.store, world.store, world.now)
    text = generate_latest(world.registry).decode()
    assert "canary-7f3" not in text
    assert "poison_records_total 1.0" in text
    world.store.close()


def test_the_gauges_of_the_store_are_counted_from_the_store(tmp_path: Path) -> None:
    world = World(tmp_path / "db")
    world.take("db web", "?")
    world.service._metrics.sample_store(world.store, world.store, world.now)
    assert world.metric("headwater_incidents_open", severity="SEV3") == 2
    assert world.metric("headwater_incidents_open", severity="SEV1") == 0
    assert world.metric("headwater_outbox_rows", sink="log", state="new") == 2
    assert world.metric("headwater_dead_letters_open") == 1
    assert world.metric("headwater_input_position") == 0  # sampled once a second
    world.pass_time(1000)
    assert world.metric("headwater_input_position") == 2
    world.store.close()


def test_two_engines_in_one_process_do_not_share_counters() -> None:
    first, second = EngineMetrics(CollectorRegistry()), EngineMetrics(CollectorRegistry())
    first.poison.inc()
    assert second.registry.get_sample_value("headwater_poison_records_total") == 0
