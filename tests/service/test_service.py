"""The service keeps what it accepts, decides it once, and comes back to the same place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import failpoints
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit, Version
from engine.signals import Command
from engine.submissions import Submissions
from engine.writer import SnapshotRhythm
from tests.service import toy
from tests.service.world import START, ListSource, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "db")
    yield made
    if made.opened:
        made.store.close()


def test_a_record_is_acknowledged_only_after_it_is_in_the_log(world: World) -> None:
    seen: list[int] = []
    world.source.committed = lambda records: seen.append(len(list(world.store.entries(0))))  # type: ignore[method-assign]
    world.take("db", "web")
    assert seen == [2]
    assert [entry.body for entry in world.store.entries(0)] == [b"db", b"web"]


def test_every_accepted_event_has_one_disposition(world: World) -> None:
    world.take("db db web", "db")
    totals = world.store.totals()
    assert totals["received"] == 4
    assert totals["unaccounted"] == 0
    assert world.metric("headwater_alerts_unaccounted") == 0
    assert world.metric("headwater_alert_events_received_total", format="toy") == 4


def test_a_timer_fires_when_it_is_due_and_leaves_a_trace(world: World) -> None:
    world.take("db")
    world.pass_time(toy.SETTLE - 1)
    assert [one.payload for one in world.decisions()] == [b"db opened 1"]
    world.pass_time(1)
    assert [one.payload for one in world.decisions()] == [b"db opened 1", b"db settled"]
    assert world.decisions()[1].at == START + toy.SETTLE


def test_a_tick_that_fires_nothing_writes_nothing(world: World) -> None:
    world.take("db")
    before = world.store.resume()
    world.pass_time(10)
    assert world.store.resume() == before


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_decisions_do_not_depend_on_the_size_of_the_groups(tmp_path: Path, size: int) -> None:
    bodies = [f"t{n % 5} t{n % 3}" for n in range(20)]

    def run(path: Path, group: int) -> list[object]:
        world = World(path)
        for at in range(0, len(bodies), group):
            for n, body in enumerate(bodies[at : at + group]):
                world.source.waiting.append(toy.record(body, arrival=START + 13 * (at + n)))
            world.service.step(0)
        world.pass_time(10_000)
        decisions = world.decisions()
        world.store.close()
        return [decisions, world.service.core.snapshot()]

    assert run(tmp_path / "a", size) == run(tmp_path / "b", 1)


def test_arrivals_never_run_backwards_even_when_the_clock_does(world: World) -> None:
    world.take("a")
    world.now -= 3_600_000
    world.take("b")
    world.now += 3_700_000
    world.take("c")
    arrivals = [entry.arrival for entry in world.store.entries(0)]
    assert arrivals == sorted(arrivals)


def test_a_restart_replays_to_the_same_state_and_decides_nothing_twice(world: World) -> None:
    world.take("db web db")
    world.pass_time(toy.SETTLE)
    world.take("api")
    state, decisions = world.service.core.snapshot(), world.decisions()
    world.restart()
    assert world.service.core.snapshot() == state
    assert world.decisions() == decisions
    assert world.revived.replayed == 2
    assert world.revived.differing == 0


def test_timers_that_fired_after_the_snapshot_but_before_the_next_record_are_compared_too(world: World) -> None:
    world.settings = world.service.settings
    world.take("db")
    world.restart()  # stores a snapshot between the record and its timer
    world.pass_time(toy.SETTLE)
    world.restart()
    assert world.revived.differing == 0
    assert [one.payload for one in world.decisions()] == [b"db opened 1", b"db settled"]


def test_a_graceful_stop_leaves_nothing_to_replay(world: World) -> None:
    world.source.push("db", "web")
    world.service.stop()
    assert len(world.source.durable) == 2
    world.restart()
    assert world.revived.replayed == 0
    assert world.revived.fresh


def test_snapshots_are_taken_after_so_many_entries(tmp_path: Path) -> None:
    world = World(tmp_path / "db")
    world.service.stop()
    world.settings = type(world.settings)(snapshots=SnapshotRhythm(entries=3))
    world.restart()
    for n in range(7):
        world.take(f"t{n}")
    world.restart()
    assert world.revived.replayed == 1
    world.store.close()


def test_a_decision_that_does_not_come_out_again_is_counted(world: World) -> None:
    world.take("db")

    class Other(toy.ToyCore):
        def _event(self, outcomes, index, event, now):  # type: ignore[no-untyped-def]
            super()._event(outcomes, index, event, now)
            outcomes.decisions[-1].payload += b"!"

    world.engine = Other
    world.restart()
    assert world.metric("headwater_determinism_violations_total") == 1


def test_another_version_may_decide_otherwise_without_violating_anything(world: World) -> None:
    world.take("db")

    class Other(toy.ToyCore):
        def _event(self, outcomes, index, event, now):  # type: ignore[no-untyped-def]
            super()._event(outcomes, index, event, now)
            outcomes.decisions[-1].payload += b"!"

    world.engine, world.version = Other, "2"
    world.restart()
    assert world.revived.differing == 1
    assert world.metric("headwater_determinism_violations_total") == 0
    assert [one.payload for one in world.decisions()] == [b"db opened 1"]


def test_a_snapshot_of_another_schema_is_rebuilt_from_the_whole_log(world: World) -> None:
    world.take("db web")
    world.service.stop()

    class Newer(toy.ToyCore):
        SCHEMA = 2

    world.engine = Newer
    world.restart()
    assert world.revived.replayed == 1
    assert world.service.core.counts["received"] == 2


def test_a_hole_in_the_log_is_not_papered_over(world: World) -> None:
    world.take("a")
    world.take("b")

    class Newer(toy.ToyCore):
        SCHEMA = 2

    world.service.stop()
    entries = world.store.entries
    world.store.entries = lambda after, until=None: entries(max(after, 1), until)  # type: ignore[method-assign]
    world.engine = Newer
    with pytest.raises(StoreCorrupt, match="input 1 is missing"):
        world.start()


# --- poison ----------------------------------------------------------------------------------------------------------


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


# --- the store is lost -----------------------------------------------------------------------------------------------


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


# --- sources ---------------------------------------------------------------------------------------------------------


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

    deaf.committed = fail  # type: ignore[method-assign, assignment]
    world.sources = [deaf, world.source]
    world.restart()
    world.take("web")
    assert [record.body for record in world.source.durable] == [b"web"]
    assert world.service.health().ready


# --- own signals -----------------------------------------------------------------------------------------------------


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


# --- the rest --------------------------------------------------------------------------------------------------------


def test_a_listener_that_fails_does_not_undo_the_commit(world: World) -> None:
    def fail(commit: Commit) -> None:
        raise RuntimeError("listener")

    world.on_commit = fail
    world.restart()
    world.take("db")
    assert world.service.health().ready
    assert len(world.source.durable) == 1


def test_a_core_that_cannot_be_written_down_still_accepts(tmp_path: Path) -> None:
    class Unwritable(toy.ToyCore):
        def snapshot(self) -> bytes:
            raise TypeError("no")

    world = World(tmp_path / "db", Unwritable)
    world.take("db")
    world.restart()
    assert world.revived.replayed == 1
    assert world.service.core.counts["received"] == 1
    world.store.close()


def test_a_stopped_engine_refuses(world: World) -> None:
    world.service.stop()
    health = world.service.health()
    assert not health.ready
    assert health.reason == "stopped"


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
