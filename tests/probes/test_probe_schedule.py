"""When probes are due, and that one hanging kind keeps no other waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from prometheus_client import CollectorRegistry

from api.probe_schedule import Schedule
from api.prober import Busy, Prober
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.ports import Record
from engine.probing import Wanted
from engine.signals import Answer
from rules.parse import parse_rules
from rules.probes import DataCheck, Probe, Side
from rules.ruleset import RuleSet
from tests.real.components import eventually

MINUTE = 60_000


def probe(id: str, **more: object) -> Probe:
    return Probe(id=id, **{"entity": "shop", "kind": "tcp", "target": "shop:1", **more})  # type: ignore[arg-type]


def check(id: str = "copies") -> DataCheck:
    return DataCheck(id=id, entity="db", kind="rows", left=Side("orders", "select 1"), least=1)


def made(schedule: Schedule, since: int, until: int, step: int = 1000) -> list[tuple[int, str]]:
    """Every run from ``since`` to ``until``, all passing."""
    found = []
    for now in range(since, until, step):
        for one in schedule.due(now):
            schedule.begun(one.id, now)
            schedule.ended(one.id, passed=True)
            found.append((now, one.id))
    return found


def test_probes_are_spread_over_their_interval_and_keep_it() -> None:
    runs = made(Schedule([probe(f"p{n}") for n in range(60)], 0), 0, 10 * MINUTE)
    assert len(runs) == 600
    a_second = [sum(at == second * 1000 for at, _ in runs) for second in range(60)]
    assert max(a_second) <= 6, "no burst at the start"


def test_an_incident_makes_the_probes_of_its_entities_more_frequent_and_its_end_less() -> None:
    schedule = Schedule([probe("front"), probe("other", entity="mail")], 0)
    made(schedule, 0, MINUTE)
    schedule.want(Wanted(frozenset({"shop"})))
    often = made(schedule, MINUTE, 2 * MINUTE)
    assert sum(id == "front" for _, id in often) in (5, 6, 7)
    assert sum(id == "other" for _, id in often) == 1
    schedule.want(Wanted())
    assert sum(id == "front" for _, id in made(schedule, 2 * MINUTE, 4 * MINUTE)) == 2


def test_data_is_checked_when_an_incident_recovers_until_it_passes_and_again_for_the_next_one() -> None:
    schedule = Schedule([check()], 0)
    assert made(schedule, 0, 5 * MINUTE) == []
    schedule.want(Wanted(restored={"db": "INC-1"}))
    (first,) = schedule.due(5 * MINUTE)
    schedule.begun(first.id, 5 * MINUTE)
    schedule.ended(first.id, passed=False)
    assert [at for at, _ in made(schedule, 5 * MINUTE, 20 * MINUTE)] == [6 * MINUTE]
    schedule.want(Wanted(frozenset({"db"})))  # it came back
    schedule.want(Wanted(restored={"db": "INC-1"}))
    assert [at for at, _ in made(schedule, 20 * MINUTE, 30 * MINUTE)] == [20 * MINUTE]
    schedule.want(Wanted(restored={"db": "INC-2"}))
    assert len(made(schedule, 30 * MINUTE, 40 * MINUTE)) == 1


def test_other_rules_keep_the_rhythm_of_what_they_do_not_change() -> None:
    before = Schedule([probe("same"), probe("changed")], 0)
    made(before, 0, 2 * MINUTE)
    after = Schedule([probe("same"), probe("changed", target="shop:2")], MINUTE)
    after.follow(before)
    assert after.next("same") == before.next("same")
    assert after.next("changed") != before.next("changed")


# --------------------------------------------------------------------------------------------------------- prober


class Stage:
    """A prober whose checks wait until they are let go."""

    def __init__(self) -> None:
        self.go = {"tcp": threading.Event(), "http": threading.Event()}
        self.begun: list[str] = []
        self.stored: list[Record] = []
        self.down = False
        self.rules = rules("a", "b", "c", "d", "e")
        self.registry = CollectorRegistry()
        self.passed = "no"
        self.prober = Prober(self._run, lambda: self.rules, tuple, self._submit, lambda: 1000, self.registry, threads=4)

    def _run(self, one: Probe | DataCheck) -> Answer:
        self.begun.append(one.id)
        assert self.go[one.kind].wait(20)
        return Answer(one.id, one.entity, one.kind, 1000, self.passed, 5, detail="said")

    def _submit(self, record: Record) -> Future[None]:
        if self.down:
            raise StoreUnavailable("the disk is full")
        self.stored.append(record)
        done: Future[None] = Future()
        done.set_result(None)
        return done


def rules(*ids: str, kind: str = "tcp", target: str = "shop:1") -> RuleSet:
    lines = "\n".join(f"  - {{id: {id}, entity: shop, kind: {kind}, target: '{target}', every: 1d}}" for id in ids)
    web = "\n  - {id: web, entity: shop, kind: http, target: 'http://shop/', every: 1d}"
    found, problems = parse_rules({"p.yaml": f"probes:\n{lines}{web}\n"})
    assert found is not None, problems
    return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    for event in made.go.values():
        event.set()
    made.prober.stop()


def test_a_kind_that_hangs_holds_half_of_the_threads_and_no_more(stage: Stage) -> None:
    first = [stage.prober.run_now(id) for id in ("a", "b")]
    with pytest.raises(Busy, match="2 checks of kind tcp"):
        stage.prober.run_now("c")
    with pytest.raises(Busy, match="a is under way"):
        stage.prober.run_now("a")
    stage.go["http"].set()
    assert stage.prober.run_now("web").result(20).probe == "web"
    assert not any(one.done() for one in first)
    stage.go["tcp"].set()
    assert {one.result(20).probe for one in first} == {"a", "b"}


def test_answers_are_records_of_the_input_log_and_lost_ones_are_counted(stage: Stage) -> None:
    for event in stage.go.values():
        event.set()
    stage.prober.run_now("a").result(20)
    (record,) = stage.stored
    assert (record.source, record.format) == ("probes", "own")
    stage.down = True
    stage.prober.run_now("b").result(20)
    assert stage.registry.get_sample_value("headwater_probe_answers_lost_total") == 1
    assert stage.registry.get_sample_value("headwater_probe_success", {"probe": "a"}) == 0
    assert stage.registry.get_sample_value("headwater_probe_failures_total", {"probe": "b"}) == 1
    stage.passed = "unknown"
    stage.prober.run_now("a").result(20)
    assert stage.registry.get_sample_value("headwater_probe_success", {"probe": "a"}) is None
    row = next(one for one in stage.prober.listed(data=False).items if one.id == "a")
    assert (row.runs, row.failures, row.last and row.last.passed) == (2, 1, "unknown")


def test_an_answer_of_a_probe_that_was_declared_otherwise_meanwhile_is_not_kept(stage: Stage) -> None:
    late = stage.prober.run_now("a")
    stage.rules = rules("a", "b", target="shop:2")
    assert {one.id for one in stage.prober.listed(data=False).items} == {"a", "b", "web"}
    stage.go["tcp"].set()
    late.result(20)
    row = next(one for one in stage.prober.listed(data=False).items if one.id == "a")
    assert (row.runs, row.last) == (0, None)


def test_the_thread_makes_what_is_due_by_itself(stage: Stage) -> None:
    for event in stage.go.values():
        event.set()
    stage.rules = RuleSet(stage.rules.content)
    clock = iter(range(0, 1 << 40, 3_600_000))
    stage.prober._clock = lambda: next(clock)
    assert not stage.prober.ready().ok
    stage.prober.start()

    def all_made() -> bool:
        stage.prober.wake()
        return set(stage.begun) == {"a", "b", "c", "d", "e", "web"}

    eventually(all_made, "all are made")
    assert stage.prober.ready().ok


def test_a_storm_of_changes_makes_nobody_read_all_incidents_again_and_again(stage: Stage) -> None:
    looks: list[int] = []
    now = 10_000

    def incidents() -> tuple[IncidentView, ...]:
        looks.append(now)
        return ()

    prober = Prober(stage._run, lambda: stage.rules, incidents, stage._submit, lambda: now, CollectorRegistry())

    def changed(at: int) -> int:
        nonlocal now
        now = at
        prober.wake()
        prober._step()
        return len(looks)

    stage.rules = RuleSet.default()
    assert changed(10_000) == 0, "without a probe or data check nobody asks"
    stage.rules = rules("a")
    assert [changed(at) for at in (10_001, 10_300, 10_600, 11_000)] == [1, 1, 1, 1]
    assert [changed(at) for at in (11_001, 11_002, 12_001)] == [2, 2, 3], "what came meanwhile is seen a second later"
    prober.stop()
