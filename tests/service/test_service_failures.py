"""Poison, a lost store, failures half way: nothing that was accepted is lost, and neighbours are not touched."""

from __future__ import annotations

import pytest

from engine import failpoints
from engine.errors import StoreUnavailable
from engine.ports import Commit
from engine.storage.sqlite.store import SqliteStore
from tests.service import toy
from tests.service.world import FlakyStore, World


def test_a_record_the_core_cannot_bear_is_kept_and_its_neighbours_are_not_touched(world: World) -> None:
    world.take("db", "poison", "web")
    assert [record.body for record in world.source.durable] == [b"db", b"poison", b"web"]
    assert not world.source.refused
    assert [entry.poison for entry in world.store.entries(0)] == [False, True, False]
    letter = world.store.dead_letters().items[0]
    assert b"poison" in letter.raw  # type: ignore[attr-defined]
    assert world.service.core.counts["received"] == 2
    assert world.store.totals()["unaccounted"] == 0
    assert world.service.health().ready
    assert world.metric("headwater_poison_records_total") == 1


def test_poison_is_skipped_by_a_restart(world: World) -> None:
    world.take("db", "poison", "web poison", "api")
    decisions = world.decisions()
    world.restart()
    assert world.decisions() == decisions
    assert world.service.core.counts["received"] == 2
    assert world.revived.differing == 0


def test_only_poison_is_survived_too(world: World) -> None:
    world.take("poison", "poison")
    assert len(world.store.dead_letters().items) == 2
    assert world.service.health().ready


def test_a_timer_that_fails_is_nobodys_poison(world: World) -> None:
    world.take("timer-fails")
    world.pass_time(toy.SETTLE)
    assert not world.service.health().ready
    world.take("db")
    assert not world.store.dead_letters().items
    assert [record.body for record in world.source.refused] == [b"db"]


def test_what_could_not_be_decoded_becomes_a_dead_letter_beside_its_good_neighbours(world: World) -> None:
    world.take("db ? web")
    assert world.service.core.counts["received"] == 2
    letter = world.store.dead_letters().items[0]
    assert (letter.pointer, letter.reason, letter.position) == ("/1", "a question mark", 1)  # type: ignore[attr-defined]
    assert world.metric("headwater_rejects_total", format="toy") == 1


def test_while_the_store_cannot_be_written_senders_are_refused_and_the_engine_is_not_ready(world: World) -> None:
    world.take("db")
    world.lose_store()
    world.take("web", "api")
    assert [record.body for record in world.source.refused] == [b"web", b"api"]
    health = world.service.health()
    assert not health.ready
    assert "disk is full" in health.reason
    assert world.metric("headwater_ready") == 0


def test_the_engine_recovers_by_itself_with_the_state_of_the_store(world: World) -> None:
    world.take("db")
    world.lose_store()
    world.take("web")
    world.store.before = None
    for _ in range(100):
        if world.service.health().ready:
            break
        world.service.step(0.01)
    assert world.service.core.counts["received"] == 1  # not the refused one, which the core had handled
    world.take("web")
    assert world.store.totals()["received"] == 2
    assert world.store.totals()["unaccounted"] == 0


def test_a_commit_whose_answer_was_lost_is_found_to_be_durable(world: World) -> None:
    world.store.after = StoreUnavailable("the answer was lost")
    world.take("db")
    world.store.after = None
    assert [record.body for record in world.source.refused] == [b"db"]
    for _ in range(100):
        world.service.step(0.01)
        if world.service.health().ready:
            break
    world.take("db")  # the sender tries again
    assert world.service.core.counts["received"] == 2
    assert [one.payload for one in world.decisions()] == [b"db opened 1", b"db duplicate 2"]


def test_a_start_without_a_store_waits_for_it(world: World) -> None:
    world.lose_store()
    with pytest.raises(StoreUnavailable):
        world.start()


def test_a_downtime_that_could_not_be_stored_is_not_decided_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take("db")
    world.kill()
    world.now += 600_000
    with monkeypatch.context() as patched:
        patched.setattr(FlakyStore, "commit", _refuse)
        with pytest.raises(StoreUnavailable):
            world.start()
    world.take()  # recovers
    world.take("web")
    assert [one.payload for one in world.decisions()] == [b"db opened 1", b"db settled", b"web opened 1"]
    world.restart()
    assert world.revived.differing == 0


def _refuse(self: FlakyStore, commit: Commit) -> None:
    """There is room for a snapshot, not for what comes after it."""
    if commit.entries:
        raise StoreUnavailable("the disk is full")
    SqliteStore.commit(self, commit)


def test_a_listener_that_fails_does_not_undo_the_commit(world: World) -> None:
    def fail(commit: Commit) -> None:
        raise RuntimeError("listener")

    world.on_commit = fail
    world.restart()
    world.take("db")
    assert world.service.health().ready
    assert len(world.source.durable) == 1


@pytest.mark.parametrize("point", ["ingest.after_poll", "ingest.before_commit", "timers.before_commit"])
def test_a_failure_at_a_named_point_loses_nothing(world: World, point: str) -> None:
    failpoints.arm(f"{point}:raise")
    try:
        world.take("db")
        world.pass_time(toy.SETTLE)
        for _ in range(100):
            world.service.step(0.01)
            if world.service.health().ready:
                break
    finally:
        failpoints.arm("")
    for record in world.source.refused:
        world.take(record.body.decode())
    world.pass_time(2 * toy.SETTLE)
    assert [one.payload for one in world.decisions()][-1] == b"db settled"
    assert world.store.totals()["unaccounted"] == 0
