"""Where the service takes records from: sources side by side, redeliveries, and the engine's own signals."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import StoreUnavailable
from engine.ports import Version
from engine.signals import Command
from engine.submissions import Submissions
from tests.service import toy
from tests.service.world import START, ListSource, World


def test_a_redelivered_record_is_skipped_and_acknowledged_again(world: World) -> None:
    first = [toy.record("db", offset=0), toy.record("web", offset=1)]
    world.source.waiting.extend(first)
    world.service.step(0)
    world.restart()
    assert world.source.positions == {("list", 0): 1}
    world.source.waiting.extend([*first, toy.record("api", offset=2)])
    world.service.step(0)
    assert len(world.source.durable) == 5
    assert world.service.core.counts["received"] == 3


def test_a_redelivery_within_one_group_is_skipped_too(world: World) -> None:
    world.source.waiting.extend([toy.record("db", offset=0), toy.record("db", offset=0)])
    world.service.step(0)
    assert world.service.core.counts["received"] == 1


def test_one_busy_source_does_not_starve_the_others(tmp_path: Path) -> None:
    world = World(tmp_path / "db")
    quiet = ListSource("quiet")
    world.sources = [world.source, quiet]
    world.restart()
    world.source.push(*["busy"] * 2000)
    quiet.push("quiet")
    world.service.step(0)
    assert len(quiet.durable) == 1
    assert len(world.source.durable) == world.service.settings.group_records - 1
    world.store.close()


def test_a_source_that_fails_to_listen_does_not_disturb_the_others(world: World) -> None:
    deaf = ListSource("deaf").push("db")

    def fail(records: object) -> None:
        raise RuntimeError("deaf")

    deaf.committed = fail  # type: ignore[method-assign]
    world.sources = [deaf, world.source]
    world.restart()
    world.take("web")
    assert [record.body for record in world.source.durable] == [b"web"]
    assert world.service.health().ready


def test_own_downtime_is_the_first_signal_after_a_long_absence(world: World) -> None:
    world.take("db")
    world.restart(after=600_000)
    assert world.service.core.gaps == [(START, START + 600_000)]  # type: ignore[attr-defined]
    entries = list(world.store.entries(0))
    assert [entry.format for entry in entries] == ["toy", "own"]
    assert entries[1].arrival == START


def test_a_short_absence_is_no_downtime(world: World) -> None:
    world.take("db")
    world.restart(after=14_000)
    assert world.service.core.gaps == []  # type: ignore[attr-defined]


def test_a_command_is_answered_when_it_is_durable(world: World) -> None:
    own_source = Submissions()
    world.sources = [world.source, own_source]
    world.restart()
    promise = own_source.command(Command("ann", "acknowledge", "INC-1"))
    assert not promise.done()
    world.service.step(0)
    assert promise.result(0) is None
    assert list(world.store.entries(0))[-1].source == "command"


def test_a_version_is_stored_in_the_transaction_that_brings_it_into_force(world: World) -> None:
    own_source = Submissions()
    world.sources = [own_source]
    world.restart()
    world.store.before = StoreUnavailable("no")
    refused = own_source.activate(Version("rules", "abc", START, b"content"))
    world.service.step(0)
    with pytest.raises(StoreUnavailable):
        refused.result(0)
    assert world.store.version("rules", "abc") is None
    world.store.before = None
    for _ in range(100):
        world.service.step(0.01)
        if world.service.health().ready:
            break
    own_source.activate(Version("rules", "abc", START, b"content"))
    world.service.step(0)
    stored = world.store.version("rules", "abc")
    assert stored is not None
    assert stored.content == b"content"
