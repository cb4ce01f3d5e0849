"""Is service back? An incident ends when what users feel is as before, not when its alerts stop."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise

import pytest

from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.signals import Command, Labels, Millis, Samples, Signal
from engine.state import decode, encode
from tests.engine.laws import World
from tests.engine.test_engine_onset import live
from tests.scenarios import world as scenario
from tests.scenarios.world import chain, clock
from topology.model import Entity, Kind, Topology

HALF: Millis = 30_000
LONG = "10:50"
SHOP = chain("shop -> cart -> db")


def latency(service: str, *levels: tuple[str, float], until: str, seed: int = 1) -> list[tuple[Millis, Signal]]:
    """Two points a minute, level by level from the time that each names, with some noise."""
    labels = Labels.of({"service": service, "__name__": "request_latency_ms"})
    dice = random.Random(f"{service}{seed}")
    rows: list[tuple[Millis, Signal]] = []
    turns = [(clock(since), level) for since, level in levels] + [(clock(until), 0.0)]
    for (since, level), (end, _) in pairwise(turns):
        rows += [(at, Samples(labels, (at,), (level * (1 + dice.gauss(0, 0.02)),))) for at in range(since, end, HALF)]
    return rows


@cache
def outage(after: float, until: str = LONG, topology: Topology = SHOP) -> World:
    """The cart is slow from 10:00 to 10:30 and alerts from 10:02; afterwards its latency is ``after``."""
    world = World(topology)
    rows = [
        latency("cart", ("09:15", 100), ("10:00", 400), ("10:30", after), until=until),
        latency("shop", ("09:15", 200), ("10:00", 500), ("10:30", 100 + after), until=until),
        latency("db", ("09:15", 20), until=until),
    ]
    live(world, *([row for row in part if row[0] < clock("10:02")] for part in rows))
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical").fire("shop", "LatencyHigh", severity="critical")
    live(world, *([row for row in part if clock("10:02") <= row[0] < clock("10:31")] for part in rows))
    world.at("10:31").resolve("cart", "LatencyHigh").resolve("shop", "LatencyHigh")
    live(world, *([row for row in part if clock("10:31") <= row[0]] for part in rows))
    return world


def seen(world: scenario.World) -> IncidentView:
    (view,) = world.driven.incidents()
    return view


def verdicts(world: World) -> list[str]:
    return [str(line.facts["verdict"]) for line in world.driven.timeline if line.kind == "recovery"]


def test_an_incident_is_resolved_once_every_indicator_is_back_at_its_baseline() -> None:
    world = outage(after=100)
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict, view.closed_as) == (State.RESOLVED, "restored", "restored")
    assert verdicts(world) == ["inconclusive", "restored"]
    assert {(one.entity, one.verdict) for one in view.recovery.indicators} >= {
        ("cart", "restored"),
        ("shop", "restored"),
    }
    assert view.resolved_at is not None
    assert view.resolved_at > clock("10:38")  # the settle time, and samples enough
    assert world.driven.outbox[-1].action == "resolve"


def test_alerts_that_ended_do_not_close_what_is_still_slower_than_before() -> None:
    world = outage(after=140)
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict) == (State.RECOVERING, "residual_degradation")
    gravest = view.recovery.indicators[0]
    assert gravest.verdict == "residual_degradation"
    assert gravest.least is not None
    assert gravest.least > gravest.margin
    (held, *_) = [line for line in world.driven.timeline if line.kind == "held_open" and "residual" in line.text]
    assert "request_latency_ms of" in held.text


def test_why_it_is_held_open_is_said_once_not_every_minute() -> None:
    lines = [line.text for line in outage(after=140).driven.timeline if line.kind == "held_open"]
    assert len(lines) == len(set(lines)) <= 3


def test_series_that_fall_silent_after_the_alerts_prove_nothing() -> None:
    world = outage(after=100, until="10:33")
    world.at("12:00")
    view = seen(world)
    assert view.recovery is not None
    assert view.state is State.RECOVERING
    assert view.recovery.verdict == "inconclusive"


def test_without_telemetry_an_incident_ends_unproven_and_says_so() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:20").resolve("cart", "Down")
    world.at("11:00")
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict, view.closed_as) == (State.RESOLVED, "no_baseline", "ended")
    assert "not proven" in world.driven.timeline[-1].text


@pytest.mark.parametrize("after", [100, 140])
def test_a_person_may_close_and_the_deviation_is_named_where_there_is_one(after: float) -> None:
    world = outage(after, until="10:36")
    view = seen(world)
    world.driven.feed(clock("10:37"), (Command("ann", "close", view.id, "good enough"),))
    closed = seen(world)
    assert (closed.state, closed.closed_as) == (State.RESOLVED, "deviation")
    assert "recovery is not proven" in world.driven.timeline[-1].text


def test_an_alert_that_returns_begins_the_proof_anew() -> None:
    world = outage(after=100, until="10:34")
    world.at("10:34").fire("cart", "LatencyHigh", severity="critical")
    world.at("10:36")
    view = seen(world)
    assert view.state is not State.RECOVERING
    assert view.recovery is None


def test_what_was_pinned_survives_a_snapshot() -> None:
    world = outage(after=100, until="10:32")
    state = world.driven.core.state
    (incident,) = decode(encode(state)).incidents.values()
    assert incident.pinned == next(iter(state.incidents.values())).pinned
    assert {one.entity for one in incident.pinned.values()} >= {"cart", "shop"}
    assert all(one.end < clock("10:00") for one in incident.pinned.values())
    world.driven.restart()
    live(world, latency("cart", ("10:32", 100), until=LONG), latency("shop", ("10:32", 200), until=LONG))
    assert seen(world).closed_as == "restored"


def test_a_business_service_without_indicators_is_judged_by_what_lies_below_it() -> None:
    checkout = Entity(id="checkout", kind=Kind.BUSINESS_SERVICE, tier=1)
    topology = chain("checkout -> shop -> cart -> db", entities=[checkout])
    view = seen(outage(after=100, topology=topology))
    assert view.recovery is not None
    assert (view.recovery.verdict, view.closed_as) == ("restored", "restored")
    assert [(one.name, one.verdict) for one in view.recovery.services] == [("checkout", "restored")]
