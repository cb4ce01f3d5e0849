"""What a core gives away when a domain moves, and what comes of it where it goes."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from engine.core import Core
from engine.handover import parcel
from engine.library import Library
from engine.outcomes import Outcomes
from engine.reasons import Disposition
from engine.shards import BITS, Shard, shard_of
from engine.signals import (
    Activation,
    AlertEvent,
    Command,
    Handover,
    Heartbeat,
    Labels,
    LogRecord,
    Millis,
    Samples,
    Signal,
)
from topology.model import Entity, Topology

START: Millis = 1_790_000_000_000
SHARDS = 4
MINUTE = 60_000


def named(shard: int, but: str = "") -> str:
    """A domain that this shard owns."""
    return next(name for n in count() if shard_of(name := f"d{n}", SHARDS) == shard and name != but)


class Pair:
    """Two shards' cores, and the handovers between them."""

    def __init__(self) -> None:
        self.library = Library()
        self.now, self.number = START, 0
        self.cores = {n: Core(self.library, None, Shard(n, SHARDS)) for n in (1, 2)}
        self.positions = {n: n << BITS for n in (1, 2)}
        self.under_way: list[tuple[int, Handover]] = []

    def feed(self, shard: int, *signals: Signal, after: Millis = 0) -> Outcomes:
        self.now += after
        self.positions[shard] += 1
        out = self.cores[shard].handle(self.positions[shard], signals, self.now)
        self.under_way += out.handovers
        return out

    def activate(self, domain: str, shards: tuple[int, ...] = (1, 2)) -> Activation:
        """One entity, of this declared domain."""
        self.number += 1
        topology = Topology.build([Entity(id="db", domain=domain)])
        found = Activation("topology", self.library.add_topology(topology), self.number)
        for shard in shards:
            self.feed(shard, found)
        return found

    def deliver(self, shard: int) -> list[Handover]:
        parts = [part for to, part in self.under_way if to == shard]
        self.under_way = [row for row in self.under_way if row[0] != shard]
        for part in parts:
            self.feed(shard, part)
        return parts

    def pass_time(self, millis: Millis) -> None:
        self.now += millis
        for core in self.cores.values():
            self.under_way += core.tick(self.now).handovers

    def balanced(self) -> bool:
        counts = [core.counts for core in self.cores.values()]
        received = sum(one["received"] for one in counts)
        return received == sum(sum(one.values()) for one in counts) - received


def alert(name: str = "Down", *, firing: bool = True, start: Millis = START) -> AlertEvent:
    labels = Labels.of({"alertname": name, "service": "db", "severity": "critical"})
    return AlertEvent(labels, firing, start, None if firing else start + MINUTE)


@pytest.fixture
def pair() -> Pair:
    """Shard 1 owns the only entity, and has an incident of it."""
    made = Pair()
    made.activate(named(1))
    made.feed(1, alert(), alert("Slow"))
    made.pass_time(2 * MINUTE)
    return made


def test_everything_of_a_domain_goes_on_in_the_shard_that_owns_it_now(pair: Pair) -> None:
    cpu = Labels.of({"__name__": "cpu", "service": "db"})
    times = tuple(range(START - 30 * MINUTE, START, MINUTE))
    pair.feed(1, Samples(cpu, times, tuple(float(n % 3) for n in range(len(times)))))
    pair.feed(1, LogRecord(cpu, START, "error", "disk failed"))
    (incident,) = pair.cores[1].state.incidents.values()
    before = msgspec.structs.asdict(incident)
    pair.activate(named(2))
    old, new = pair.cores[1].state, pair.cores[2].state
    assert [len(one) for one in (old.alerts, old.incidents, old.telemetry.series, old.logs.entities)] == [0] * 4
    pair.deliver(2)
    assert {number >> BITS for number in new.alerts} == {1}, "they keep their numbers"
    adopted = new.incidents[incident.id]
    assert (adopted.alerts, adopted.opened_at) == (before["alerts"], before["opened_at"])
    assert new.telemetry.count == 1
    assert new.logs.entities["db"].groups
    pair.feed(2, alert(firing=False), alert("Slow", firing=False), after=MINUTE)
    pair.pass_time(90 * MINUTE)
    assert new.incidents.get(incident.id) is None or adopted.state == "resolved"
    assert pair.balanced()


def test_a_part_that_comes_again_changes_nothing(pair: Pair) -> None:
    pair.activate(named(2))
    parts = pair.deliver(2)
    snapshot = pair.cores[2].state.alerts.keys(), dict(pair.cores[2].counts)
    for part in parts:
        pair.feed(2, part)
    assert (pair.cores[2].state.alerts.keys(), dict(pair.cores[2].counts)) == snapshot


def test_an_alert_that_came_first_to_the_new_owner_is_the_same_alert_afterwards(pair: Pair) -> None:
    pair.activate(named(2))
    pair.feed(2, alert())
    pair.pass_time(1_000)
    (young,) = pair.cores[2].state.alerts
    pair.deliver(2)
    pair.pass_time(5_000)
    state = pair.cores[2].state
    assert young not in state.alerts
    assert len(state.alerts) == 2
    assert len([one for one in state.incidents.values() if one.state != "merged"]) == 1
    assert pair.balanced()


def test_what_came_first_to_the_new_owner_is_wherever_its_alert_goes(pair: Pair) -> None:
    """As any repetition: one that named the incident of that moment stayed there when the alert was moved."""
    pair.activate(named(2))
    (first,) = pair.feed(2, alert()).ledger
    event, young = f"{pair.positions[2]}-{first.index}", first.alert
    pair.pass_time(1_000)
    (part,) = (part for to, part in pair.under_way if to == 2)
    changes = {one.event: one for one in pair.feed(2, part).changes}
    found = changes[event]
    assert (found.disposition, found.incident) == (Disposition.DUPLICATE, "")
    assert found.alert != young


def test_an_incident_whose_group_wait_ended_on_the_way_is_declared() -> None:
    pair = Pair()
    pair.activate(named(1))
    pair.feed(1, alert())
    pair.pass_time(10_000)
    pair.activate(named(2))
    pair.pass_time(MINUTE)
    pair.deliver(2)
    pair.pass_time(MINUTE)
    (incident,) = pair.cores[2].state.incidents.values()
    assert incident.declared_at


def test_an_end_that_came_first_ends_the_alert_that_is_handed_over(pair: Pair) -> None:
    pair.activate(named(2))
    ends = pair.feed(2, alert(firing=False), alert("Slow", firing=False)).ledger
    (part,) = (part for to, part in pair.under_way if to == 2)
    changes = pair.feed(2, part).changes
    kept = {one.alert for one in changes if one.disposition is Disposition.RESOLVED}
    assert len(kept) == len(ends) == 2
    assert not kept & {one.alert for one in ends}, "each is the end of the alert that was handed over"
    pair.pass_time(5_000)
    state = pair.cores[2].state
    assert not any(one.spell.firing(pair.now) for one in state.alerts.values())
    assert pair.balanced()


def test_what_still_comes_to_the_old_owner_is_passed_on(pair: Pair) -> None:
    pair.activate(named(2))
    before = pair.cores[1].counts["received"]
    (incident,) = pair.cores[1].state.shared.moved.keys() - {"1"} and [
        name for name in pair.cores[1].state.shared.moved if name.startswith("INC-")
    ]
    pair.feed(1, alert("Late"), Command("ana", "acknowledge", incident))
    assert pair.cores[1].counts["received"] == before
    pair.deliver(2)
    assert pair.cores[2].state.incidents[incident].acknowledged_by == "ana"
    assert "Late" in {one.name for one in pair.cores[2].state.alerts.values()}
    assert pair.balanced()


def test_a_parcel_of_a_later_activation_waits_for_it(pair: Pair) -> None:
    activation = pair.activate(named(2), shards=(1,))
    pair.deliver(2)
    assert not pair.cores[2].state.alerts
    pair.feed(2, activation)
    assert len(pair.cores[2].state.alerts) == 2


def test_a_parcel_larger_than_a_record_comes_in_parts(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "PART", 100)
    pair.activate(named(2))
    parts = [part for _, part in pair.under_way]
    assert len(parts) > 3
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    pair.deliver(2)
    assert len(pair.cores[2].state.alerts) == 2


def test_there_and_back_again(pair: Pair) -> None:
    (incident,) = pair.cores[1].state.incidents
    for there, back in ((2, 1), (1, 2)):
        pair.activate(named(there))
        pair.deliver(there)
        assert incident in pair.cores[there].state.incidents
        assert incident not in pair.cores[back].state.incidents
    pair.feed(1, Command("ana", "acknowledge", incident))
    assert pair.cores[1].state.incidents[incident].acknowledged_by == "ana"
    assert pair.balanced()


def test_only_the_owner_opens_an_incident_for_a_source_that_fell_silent() -> None:
    pair = Pair()
    pair.activate(named(1))
    for shard in (1, 2):
        pair.feed(shard, Heartbeat("db", 10_000))
    pair.pass_time(5 * MINUTE)
    lost = {n: [one.name for one in core.state.alerts.values()] for n, core in pair.cores.items()}
    assert lost == {1: ["HeartbeatLost"], 2: []}
    assert {core.state.pulses["db"].state for core in pair.cores.values()} == {"dead"}
    pair.activate(named(2))
    pair.deliver(2)
    pair.feed(2, Heartbeat("db", 10_000))
    (alert_,) = pair.cores[2].state.alerts.values()
    assert not alert_.spell.firing(pair.now + 1), "it is back, and so is what was opened for it elsewhere"


def test_a_core_goes_on_from_a_snapshot_taken_in_the_middle_of_a_handover(pair: Pair) -> None:
    pair.activate(named(2))
    pair.cores = {n: Core.restore(core.snapshot(), pair.library, Shard(n, SHARDS)) for n, core in pair.cores.items()}
    pair.deliver(2)
    assert len(pair.cores[2].state.alerts) == 2
