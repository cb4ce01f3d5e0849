"""When an incident began and what belongs to it, through the whole core."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

import pytest

from engine.cases import Case
from engine.evidence.beginning import beginnings
from engine.evidence.logs.store import Logs
from engine.evidence.telemetry import Telemetry
from engine.evidence.traces.store import Traces
from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.regime_answers import proposals
from engine.regime_facts import own_facts
from engine.signals import Downtime, Labels, LogRecord, Millis, Samples, Signal
from engine.state import decode, encode
from rules.regimes.model import Fact, Interval, Mark, Regime
from tests.engine.laws import World
from tests.scenarios import world as scenario
from tests.scenarios.world import chain, clock
from topology.model import Topology

MINUTE: Millis = 60_000
SHOP = chain("shop -> cart -> db", "shop -> pay")
WOBBLE = (0.0, 1.0, -1.0, 2.0, 0.5, -2.0)


def samples(
    service: str, metric: str, since: str, until: str, level: float, bad: str = "", worse: float = 0.0
) -> list[tuple[Millis, Signal]]:
    """A point a minute, another level from ``bad`` on; each arrives when it is measured."""
    labels = Labels.of({"service": service, "__name__": metric})
    turn = clock(bad) if bad else 1 << 60
    return [
        (at, Samples(labels, (at,), ((worse if at >= turn else level) + WOBBLE[at // MINUTE % 6],)))
        for at in range(clock(since), clock(until), MINUTE)
    ]


def live(world: scenario.World, *inputs: Sequence[tuple[Millis, Signal]]) -> None:
    for at, signal in sorted((row for rows in inputs for row in rows), key=lambda row: row[0]):
        world.driven.pass_time(at)
        world.driven.feed(at, (signal,))


def told(world: World) -> IncidentView:
    (view,) = world.driven.incidents()
    return view


def slow_cart(world: World, until: str = "10:12") -> None:
    """The cart is slow from 10:02 on, its database from 10:01; only the cart and the shop alert, at 10:05."""
    live(
        world,
        samples("shop", "latency", "09:00", "10:05", 200, "10:02", 300),
        samples("cart", "latency", "09:00", "10:05", 100, "10:02", 190),
        samples("db", "latency", "09:00", "10:05", 50, "10:01", 130),
        samples("pay", "latency", "09:00", "10:05", 60),
    )
    world.at("10:05").fire("cart", "LatencyHigh", severity="critical").fire("shop", "LatencyHigh", severity="critical")
    live(
        world,
        samples("shop", "latency", "10:05", until, 300),
        samples("cart", "latency", "10:05", until, 190),
        samples("db", "latency", "10:05", until, 130),
        samples("pay", "latency", "10:05", until, 60),
    )
    world.at(until)


def test_the_onset_goes_back_to_the_first_sign_of_a_silent_provider() -> None:
    world = World(SHOP)
    slow_cart(world)
    view = told(world)
    assert view.first_alert_at == clock("10:05")
    assert view.onset == clock("10:01")
    assert view.onset_by is not None
    assert (view.onset_by.entity, view.onset_by.source, view.onset_by.what) == ("db", "series", "latency")
    assert view.onset_by.after == clock("10:00")
    assert not view.onset_by.unsure
    assert not view.onset_provisional
    lines = [line for line in world.driven.timeline if line.kind == "onset"]
    assert [line.text for line in lines] == ["Began 240 s before its first alert: series of db, latency"]


def test_the_onset_is_provisional_until_all_that_belongs_to_it_may_have_come() -> None:
    world = World(SHOP)
    slow_cart(world, until="10:07")
    early = [
        view.onset_provisional for view in world.driven.revisions[told(world).id] if view.updated_at < clock("10:07")
    ]
    assert early
    assert all(early)
    world.at("10:10")
    assert not told(world).onset_provisional


def test_what_deviates_silently_is_a_member_with_its_reason_and_what_is_well_is_none() -> None:
    world = World(SHOP)
    slow_cart(world)
    members = {one.entity: one for one in told(world).members}
    assert set(members) == {"cart", "shop", "db"}
    assert (members["db"].kind, members["db"].reason, members["db"].because) == ("deviating", "provider", ("cart",))
    assert members["db"].since == clock("10:01")
    assert members["db"].what == "latency"
    assert members["db"].facts["deviation"] > 5
    assert {members["cart"].kind, members["shop"].kind} == {"alerting"}


def test_a_change_shortly_before_the_onset_belongs_to_it_and_opens_nothing_alone() -> None:
    world = World(SHOP)
    world.at("09:57").change("db", "deploy", "4.2")
    world.at("09:58")
    assert not world.driven.incidents()
    slow_cart(world)
    (changed,) = [one for one in told(world).members if one.kind == "changed"]
    assert (changed.entity, changed.because, changed.reason) == ("db", ("deploy 4.2",), "before_onset")
    assert changed.facts["before_onset_ms"] == 4 * MINUTE


def test_a_change_long_before_the_onset_or_to_what_is_well_does_not_belong_to_it() -> None:
    world = World(SHOP)
    world.at("09:20").change("db", "deploy", "4.1")
    world.at("09:58").change("pay", "deploy", "7")
    slow_cart(world)
    assert not [one for one in told(world).members if one.kind == "changed"]


def test_failures_in_the_logs_before_the_first_alert_are_the_onset() -> None:
    world = World(SHOP)
    labels = Labels.of({"service": "cart"})
    usual = [(at, LogRecord(labels, at, "info", "served")) for at in range(clock("09:20"), clock("10:06"), 10_000)]
    bad = [(at, LogRecord(labels, at, "error", "no connection")) for at in range(clock("10:03"), clock("10:06"), 5_000)]
    live(world, usual, bad)
    world.at("10:06").fire("cart", "ErrorsHigh", severity="critical")
    world.at("10:09")
    view = told(world)
    assert view.onset_by is not None
    assert (view.onset, view.onset_by.source, view.onset_by.what) == (clock("10:03"), "logs", "no connection")


def test_a_blip_that_was_over_and_a_level_that_is_often_so_are_no_beginning() -> None:
    world = World(SHOP)
    labels = Labels.of({"service": "cart", "__name__": "latency"})
    spiky = Labels.of({"service": "cart", "__name__": "queue_wait"})
    rows: list[tuple[Millis, Signal]] = []
    for number, at in enumerate(range(clock("09:00"), clock("10:06"), MINUTE)):
        blip = clock("09:40") <= at < clock("09:45")
        rows.append((at, Samples(labels, (at,), ((190.0 if blip else 100.0) + WOBBLE[number % 6],))))
        rows.append((at, Samples(spiky, (at,), (400.0 if number % 15 > 12 else 10.0 + WOBBLE[number % 6],))))
    live(world, rows)
    world.at("10:06").fire("cart", "Down", severity="critical")
    world.at("10:09")
    assert told(world).onset == clock("10:06")
    assert told(world).onset_by is None


def test_nothing_earlier_than_the_look_back_is_the_onset() -> None:
    world = World(SHOP)
    live(world, samples("cart", "latency", "09:00", "10:30", 100, "09:50", 190))
    world.at("10:30").fire("cart", "LatencyHigh", severity="critical")
    world.at("10:34")
    view = told(world)
    assert view.onset == clock("10:30") or view.onset >= clock("10:00")


def test_a_sign_right_after_own_downtime_may_be_later_than_the_beginning() -> None:
    world = World(SHOP)
    live(world, samples("cart", "latency", "09:00", "09:50", 100))
    world.driven.feed(clock("10:00"), (Downtime(clock("09:50"), clock("10:00")),))
    live(world, samples("cart", "latency", "10:00", "10:05", 190))
    world.at("10:05").fire("cart", "LatencyHigh", severity="critical")
    world.at("10:14")
    view = told(world)
    assert view.onset_by is not None
    assert view.onset == clock("10:00")
    assert view.onset_by.unsure
    assert view.onset_by.after == clock("09:49")


def test_without_measurements_the_onset_is_the_first_alert() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:03")
    view = told(world)
    assert (view.onset, view.first_alert_at, view.onset_by) == (clock("10:00"), clock("10:00"), None)
    assert not [line for line in world.driven.timeline if line.kind == "onset"]


def test_the_partition_is_the_same_with_and_without_measurements() -> None:
    """Signs say when and why; which alerts are one incident is a function of the alerts alone."""
    groups = []
    for measured in (False, True):
        world = World(SHOP)
        if measured:
            slow_cart(world)
        else:
            world.at("10:05").fire("cart", "LatencyHigh", severity="critical").fire(
                "shop", "LatencyHigh", severity="critical"
            )
        world.at("10:12").fire("pay", "Down", severity="critical")
        world.at("10:20")
        told_of = sorted(tuple(sorted(view.entities)) for view in world.driven.incidents())
        groups.append(told_of)
    assert groups[0] == groups[1]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_within_the_lateness_gives_the_same_onset_members_and_verdicts(seed: int) -> None:
    rng = random.Random(f"onset {seed}")

    def outcome(late: bool) -> object:
        world = World(SHOP)
        rows: list[tuple[Millis, Signal]] = []
        for service, usual, bad, worse in (
            ("shop", 200, "10:02", 300), ("cart", 100, "10:02", 190), ("db", 50, "10:01", 130), ("pay", 60, "", 0),
        ):  # fmt: skip
            rows += samples(service, "latency", "09:30", "10:12", usual, bad, worse)
        if late:
            rows = [(at + rng.randrange(115_000), signal) for at, signal in rows]
        world_rows = sorted(rows, key=lambda row: row[0])
        live(world, [row for row in world_rows if row[0] < clock("10:05")])
        world.at("10:05").fire("cart", "LatencyHigh", severity="critical")
        world.at("10:05").fire("shop", "LatencyHigh", severity="critical")
        live(world, [row for row in world_rows if row[0] >= clock("10:05")])
        world.at("10:20")
        view = told(world)
        members = {(one.entity, one.kind, one.reason, one.since) for one in view.members}
        verdicts = {(one.entity, one.verdict) for one in world.driven.alerts.values()}
        return view.onset, view.onset_by and view.onset_by.entity, members, verdicts, view.cause

    assert outcome(late=True) == outcome(late=False)


def test_a_silent_cause_of_which_nothing_is_measured_is_a_member_that_was_inferred() -> None:
    world = World(chain("a -> db", "b -> db", "c -> db", "d -> db"))
    moment = world.at("10:00")
    for name in "abcd":
        moment.fire(name, "Down", severity="critical")
    world.at("10:03")
    view = told(world)
    (inferred,) = [one for one in view.members if one.kind == "inferred"]
    assert (view.cause, inferred.entity, inferred.reason, inferred.since) == ("db", "db", "provider", None)
    assert {one.reason for one in view.members if one.kind == "alerting"} == {"shared_silent_provider"}


def test_a_snapshot_keeps_onset_and_members() -> None:
    world = World(SHOP)
    slow_cart(world)
    state = decode(encode(world.core.state))
    (incident,) = state.incidents.values()
    (same,) = world.core.state.incidents.values()
    assert (incident.began, incident.members, incident.examined) == (same.began, same.members, same.examined)


def test_nothing_measured_has_no_beginning() -> None:
    assert beginnings(Telemetry(), Logs(), Traces(), ["cart", "nobody"], clock("10:00")) == {}


def merging() -> Topology:
    return chain("shop -> cart -> db", "mobile -> pay -> db", "shop -> pay")


def test_an_alert_that_comes_later_merges_two_incidents_and_the_onset_is_the_earlier_one() -> None:
    world = World(merging())
    live(
        world,
        samples("pay", "latency", "09:00", "10:03", 60, "09:59", 200),
        samples("db", "latency", "09:00", "10:03", 10),
    )
    world.at("10:03").fire("pay", "LatencyHigh", severity="critical")
    world.at("10:03:10").fire("cart", "LatencyHigh", severity="critical")
    world.at("10:04:30").fire("db", "Down", severity="critical", since="10:02:30")
    world.at("10:12")
    view = told(world)
    assert set(view.entities) >= {"pay", "cart", "db"}
    assert view.first_alert_at == clock("10:02:30")
    assert view.onset == clock("09:59")


def test_an_incident_that_a_person_splits_takes_its_own_onset_along() -> None:
    world = World(merging())
    live(
        world,
        samples("pay", "latency", "09:00", "10:03", 60, "09:59", 200),
        samples("cart", "latency", "09:00", "10:03", 60),
    )
    world.at("10:03").fire("pay", "LatencyHigh", severity="critical").fire("shop", "Down", severity="critical")
    live(
        world,
        samples("pay", "latency", "10:03", "10:12", 200),
        samples("cart", "latency", "10:03", "10:12", 60),
    )
    first = told(world)
    assert first.onset == clock("09:59")
    shop = next(alert.no for alert in world.driven.alerts.values() if alert.entity == "shop")
    world.at("10:13").command("split", first.id, reason="apart", alerts=str(shop))
    world.at("10:20")
    onsets = {view.entities: (view.onset, view.onset_by and view.onset_by.entity) for view in world.driven.incidents()}
    assert onsets == {("pay",): (clock("09:59"), "pay"), ("shop",): (clock("10:03"), None)}


def test_durations_are_counted_from_the_first_alert_and_the_sign_is_a_bound_and_a_proposal() -> None:
    """A sign is evidence, no statement: a regime's duration lies between the two."""
    world = World(SHOP)
    slow_cart(world)
    (incident,) = world.core.state.incidents.values()
    assert incident.harm.since == clock("10:05")
    regime = Regime(
        id="own",
        name="Own",
        jurisdiction="nowhere",
        since=date(2026, 1, 1),
        facts=(Fact(id="duration_s", question="How long?", unit="s", given="engine"),),
        marks=(Mark(id="occurred", question="When?"), Mark(id="aware", question="When?")),
    )
    case = Case("own", "2026-01-01", "", "")
    assert proposals(incident, case, regime)["occurred"] == clock("10:01")
    incident.state, incident.quiet = State.RESOLVED, clock("10:15")
    lasted = own_facts(incident, regime, clock("10:20"))["duration_s"]
    assert lasted.value == Interval(600, 840)
