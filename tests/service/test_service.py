"""The service keeps what it accepts, decides it once, and comes back to the same place."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import StoreCorrupt
from engine.writer import SnapshotRhythm
from tests.service import toy
from tests.service.world import START, World


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
        def _event(self, outcomes, index, event, now):
            super()._event(outcomes, index, event, now)
            outcomes.decisions[-1].payload += b"!"

    world.engine = Other
    world.restart()
    assert world.metric("headwater_determinism_violations_total") == 1


def test_another_version_may_decide_otherwise_without_violating_anything(world: World) -> None:
    world.take("db")

    class Other(toy.ToyCore):
        def _event(self, outcomes, index, event, now):
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
