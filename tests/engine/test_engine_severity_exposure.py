"""What a store would lose: what was seen of its copies when it went down, against its RPO; unknown is not no."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import state as states
from engine.exposure import POINTS_KEPT, SERIES_KEPT, exposure_of, seen_at
from engine.outcomes import ExposureView, IncidentView
from engine.state import Copies, CopiesSeen
from tests.engine.laws import World
from tests.engine.severities import because, entity, lines, only, sample
from tests.scenarios.world import chain, clock
from topology.model import Kind, Topology

LAG = "pg_replication_lag_seconds"


def store(**said: object) -> Topology:
    """A shop on a database with these facts."""
    return chain("shop -> ledger", entities=[entity("ledger", Kind.DATABASE, **said)])


def down(world: World, at: str = "10:00", severity: str = "critical") -> IncidentView:
    """The database goes down, or limps."""
    world.at(at).fire("ledger", "Down", severity=severity)
    world.at("10:01")
    return only(world)


def told(view: IncidentView) -> ExposureView:
    (found,) = view.harm.exposure
    return found


def test_a_lag_beyond_the_rpo_is_data_loss_with_its_numbers() -> None:
    world = World(store(rpo=60))
    sample(world, "09:59:30", LAG, "ledger", 500)
    view = down(world)
    one = told(view)
    assert (one.exposed, one.loss_low, one.loss_high, one.lag, one.rpo) == ("yes", 500, 500, (500, 500), 60)
    assert view.severity.data_loss == "yes"
    assert because(view, "data-loss") == {"data_loss": True}


def test_a_lag_within_the_rpo_is_none() -> None:
    world = World(store(rpo=60))
    sample(world, "09:59:30", LAG, "ledger", 60)
    view = down(world)
    assert (told(view).exposed, view.severity.data_loss) == ("no", "no")


def test_a_lag_that_was_never_seen_cannot_be_excluded_and_is_missed() -> None:
    view = down(World(store(rpo=60)))
    one = told(view)
    assert (one.exposed, one.loss_low, one.loss_high) == ("cannot_exclude", 0, None)
    assert one.missing == ("replication_lag", "backup_age")
    assert view.severity.data_loss == "cannot_exclude"
    assert {rule["id"] for rule in view.severity.open} >= {"data-loss"}


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"rpo": 60, "replication": 30}, "no"),
        ({"rpo": 60, "replication": 90}, "cannot_exclude"),
        ({"rpo": 3600, "backup": 3600}, "no"),
        ({"rpo": 3599, "backup": 3600}, "cannot_exclude"),
        ({"rpo": 60, "backup": 86400, "replication": 5}, "no"),
        ({"replication": 5}, "cannot_exclude"),
    ],
)
def test_where_nothing_was_seen_the_catalogue_s_promises_count_as_promises(said: dict, answer: str) -> None:
    assert told(down(World(store(**said)))).exposed == answer


def test_what_was_seen_counts_more_than_what_was_promised() -> None:
    world = World(store(rpo=60, replication=30))
    sample(world, "09:59:30", LAG, "ledger", 500)
    assert told(down(world)).exposed == "yes"


def test_a_lag_that_grows_after_the_failure_only_counts_the_time_since_then() -> None:
    world = World(store(rpo=60))
    sample(world, "09:59:30", LAG, "ledger", 5)
    down(world)
    for minute in range(2, 59):
        sample(world, f"10:{minute:02}", LAG, "ledger", minute * 60)
    view = only(world)
    assert (told(view).lag, view.severity.data_loss) == ((5, 5), "no")


def test_the_age_of_a_backup_is_that_at_the_failure() -> None:
    world = World(store(rpo=3600))
    sample(world, "09:00", "backup_age_seconds", "ledger", 1800)
    one = told(down(world))
    assert (one.backup_age, one.exposed) == ((5400, 5400), "yes")


def test_an_old_lag_says_nothing_of_today() -> None:
    world = World(store(rpo=60))
    sample(world, "09:30", LAG, "ledger", 500)
    assert told(down(world)).exposed == "cannot_exclude"


def test_of_several_copies_the_loss_lies_between_the_best_and_the_worst() -> None:
    world = World(store(rpo=60))
    sample(world, "09:59", LAG, "ledger", 5, replica="a")
    sample(world, "09:59", LAG, "ledger", 500, replica="b")
    one = told(down(world))
    assert (one.lag, one.exposed) == ((5, 500), "cannot_exclude")


def test_a_store_that_still_works_is_exposed_only_when_that_is_seen() -> None:
    assert told(down(World(store(rpo=60)), severity="warning")).exposed == "no"
    world = World(store(rpo=60))
    sample(world, "09:59:30", LAG, "ledger", 500)
    assert told(down(world, severity="warning")).exposed == "yes"


def test_samples_that_cross_the_rpo_change_an_open_incident_without_any_alert() -> None:
    world = World(store(rpo=60))
    sample(world, "09:59:30", LAG, "ledger", 5)
    view = down(world, severity="warning")
    assert view.severity.data_loss == "no"
    sample(world, "10:05", LAG, "ledger", 500)
    world.at("10:05:01")
    view = only(world)
    assert (view.severity.data_loss, view.severity.level) == ("yes", "SEV2")
    assert "data-loss fired (data_loss no → yes)" in view.why
    sample(world, "10:09", LAG, "ledger", 1)
    world.at("10:09:01")
    view = only(world)
    assert view.severity.data_loss == "no"
    assert "data-loss no longer holds (data_loss yes → no)" in view.why
    assert lines(world, "severity")[-1].facts["changed"]["data_loss"] == ["yes", "no"]


@pytest.mark.parametrize(("durable", "answer"), [(False, "yes"), (None, "cannot_exclude"), (True, "no")])
def test_a_queue_that_forgets_is_exposed_and_one_that_does_not_say_may_be(durable: bool | None, answer: str) -> None:
    topology = chain("shop -> jobs", entities=[entity("jobs", Kind.QUEUE, durable=durable)])
    world = World(topology)
    world.at("10:00").fire("jobs", "Down", severity="critical")
    world.at("10:01")
    view = only(world)
    assert (told(view).forgets, view.severity.data_loss) == (answer, answer)


@pytest.mark.parametrize(
    ("fails", "stands_on", "kind", "is_down"),
    [
        ("writer", "writer", Kind.SERVICE, False),
        ("queue", "writer", Kind.SERVICE, True),
        ("host", "host", Kind.HOST, True),
        ("broker", "broker", Kind.THIRD_PARTY, True),
    ],
)
def test_a_queue_whose_consumer_is_dead_only_fills_and_is_no_store_that_is_down(
    fails: str, stands_on: str, kind: Kind, is_down: bool
) -> None:
    entities = [entity("queue", Kind.QUEUE, durable=False), entity(stands_on, kind)]
    world = World(chain(f"gateway -> queue -> {stands_on}", entities=entities))
    world.at("10:00").fire(fails, "Down", severity="critical")
    world.at("10:01")
    (found,) = [one for one in only(world).harm.exposure if one.entity == "queue"]
    assert found.down is is_down
    assert found.forgets == ("yes" if is_down else "no"), "what it holds is gone only when it is itself"
    assert (because(only(world), "data-store-down") is not None) is is_down


def test_the_state_of_copies_is_bounded() -> None:
    world = World(store(rpo=60))
    for replica in range(SERIES_KEPT + 9):
        for second in range(POINTS_KEPT + 5):
            sample(world, f"09:{replica:02}:{second:02}", LAG, "ledger", second, replica=f"r{replica}")
    kept = world.core.state.copies["ledger"]
    assert len(kept) == SERIES_KEPT
    assert max(len(copies.points) for copies in kept.values()) == POINTS_KEPT
    assert states.decode(world.core.snapshot()).copies == world.core.state.copies


def test_late_samples_in_any_order_say_the_same() -> None:
    said = [("09:58", 700.0), ("09:59", 500.0), ("09:59:30", 20.0)]
    answers = set()
    for order in permutations(said):
        world = World(store(rpo=60))
        for at, value in order:
            sample(world, at, LAG, "ledger", value, arrives="09:59:40")
        one = told(down(world))
        answers.add((one.exposed, one.lag))
    assert answers == {("no", (20, 20))}


bounds = st.none() | st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda pair: (min(pair), max(pair)))
declared = st.none() | st.integers(0, 500)


@given(lag=bounds, backup=bounds, rpo=declared, replication=declared, interval=declared, data=st.data())
def test_the_answer_never_contradicts_what_the_copies_really_lacked(
    lag: tuple[int, int] | None,
    backup: tuple[int, int] | None,
    rpo: int | None,
    replication: int | None,
    interval: int | None,
    data: st.DataObject,
) -> None:
    """Draw what a store really lost within all that was seen or promised: yes and no are never wrong."""
    ledger = entity("ledger", Kind.DATABASE, rpo=rpo, replication=replication, backup=interval)
    seen = CopiesSeen(*(None if one is None else (one[0] * 1000, one[1] * 1000) for one in (lag, backup)))
    found = exposure_of(ledger, seen, down=True)
    copies = [
        data.draw(st.integers(*(one or (0, promised or 0))))
        for one, promised in ((lag, replication), (backup, interval))
        if one is not None or promised is not None
    ]
    lost = min(copies, default=10_000)
    if rpo is None:
        assert found.exposed == "cannot_exclude"
    elif found.exposed != "cannot_exclude":
        assert (found.exposed == "yes") == (lost > rpo)


def test_the_moment_of_a_failure_is_its_onset() -> None:
    copies = {"x": Copies("lag_seconds", [(clock("09:59"), 5000), (clock("10:03"), 185_000)])}
    assert seen_at(copies, clock("10:00")).lag == (5000, 5000)
