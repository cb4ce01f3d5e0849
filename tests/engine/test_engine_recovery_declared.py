"""What operators declare of recovery: indicators, margins, settle time, how much must be proven; checks hold it."""

from __future__ import annotations

import pytest

from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.signals import Activation, Answer, Command, Labels, Millis, Samples, Signal
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.test_engine_onset import live
from tests.engine.test_engine_recovery import HALF, LONG, latency, seen, verdicts
from tests.scenarios.world import chain, clock
from topology.model import Topology

Rows = list[tuple[Millis, Signal]]
CART = chain("cart -> db")


def rules(text: str) -> RuleSet:
    found, problems = parse_rules({"rules.yaml": text})
    assert found is not None, problems
    return found


def outage(
    declared: str = "", after: float = 100, until: str = LONG, *, more: Rows | None = None, topology: Topology = CART
) -> World:
    """The cart is slow from 10:00 to 10:30 and alerts from 10:02 to 10:31; afterwards its latency is ``after``."""
    world = World(topology, rules(declared) if declared else None)
    rows = sorted(
        [*latency("cart", ("09:15", 100), ("10:00", 400), ("10:30", after), until=until), *(more or [])],
        key=lambda row: row[0],
    )
    live(world, [row for row in rows if row[0] < clock("10:02")])
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical")
    live(world, [row for row in rows if clock("10:02") <= row[0] < clock("10:31")])
    world.at("10:31").resolve("cart", "LatencyHigh")
    live(world, [row for row in rows if clock("10:31") <= row[0]])
    return world


def series(metric: str, level: float, until: str = LONG, since: str = "09:15") -> Rows:
    labels = Labels.of({"service": "cart", "__name__": metric})
    return [
        (at, Samples(labels, (at,), (level * (1 + 0.01 * (at // HALF % 5)),)))
        for at in range(clock(since), clock(until), HALF)
    ]


def answers(*rows: tuple[str, str], probe: str = "page", kind: str = "http") -> Rows:
    return [
        (clock(at), Answer(probe, "cart", kind, clock(at), passed, 12, 7.0, "rows", f"it says {passed}"))
        for at, passed in rows
    ]


PROBE = "probes:\n  - {id: page, entity: cart, kind: http, target: 'https://cart.example.com/'}\n"
CHECK = "data_checks:\n  - {id: copies, entity: cart, kind: rows, database: o, query: select 1, least: 1}\n"


def reload(world: World, text: str) -> None:
    version = world.driven.library.add_rules(rules(text))
    world.driven.feed(world.driven.now, (Activation("rules", version),))


@pytest.mark.parametrize(("proof", "ends"), [("when_measured", True), ("always", False), ("never", True)])
def test_how_much_must_be_proven_where_nothing_is_measured(proof: str, ends: bool) -> None:
    world = World(CART, rules(f"recovery: {{proof: {proof}}}"))
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:20").resolve("cart", "Down")
    world.at("11:00")
    view = seen(world)
    assert view.recovery is not None
    assert (view.state is State.RESOLVED, view.recovery.verdict) == (ends, "no_baseline")
    if not ends:
        assert "recovery is no_baseline" in world.driven.timeline[-1].text


def test_never_lets_what_is_measured_and_not_back_resolve_and_says_so() -> None:
    view = seen(outage("recovery: {proof: never}", after=140))
    assert view.recovery is not None
    assert (view.state, view.closed_as) == (State.RESOLVED, "ended")
    assert view.recovery.verdict == "inconclusive"


def test_always_lets_what_is_restored_resolve() -> None:
    assert seen(outage("recovery: {proof: always}")).closed_as == "restored"


@pytest.mark.parametrize(("margin", "ends"), [("'10%'", False), ("'60%'", True), ("60", True)])
def test_the_margin_of_a_kind_is_the_operators(margin: str, ends: bool) -> None:
    view = seen(outage(f"recovery: {{margins: {{latency: {margin}}}}}", after=140))
    assert (view.state is State.RESOLVED) is ends


def test_the_settle_time_is_the_operators() -> None:
    ended = [seen(outage(text)).resolved_at for text in ("recovery: {settle: 1m}", "recovery: {settle: 12m}")]
    assert ended[0] is not None
    assert ended[1] is not None
    assert ended[0] < clock("10:38") < clock("10:43") < ended[1]


DEPTH = "recovery:\n  indicators:\n    - {id: depth, entity: cart, metric: ~queue_.*, worse: higher, margin: 5}\n"


def test_declared_indicators_take_the_place_of_learned_ones() -> None:
    world = outage(DEPTH, after=140, more=series("queue_depth", 50))
    view = seen(world)
    assert view.recovery is not None
    assert [(one.id, one.metric, one.margin) for one in view.recovery.indicators] == [("depth", "queue_depth", 5.0)]
    assert view.closed_as == "restored"


def test_an_indicator_that_nobody_sends_has_no_baseline() -> None:
    view = seen(outage(DEPTH))
    assert view.recovery is not None
    assert [(one.id, one.verdict, one.why) for one in view.recovery.indicators] == [
        ("depth", "no_baseline", ("no_series",))
    ]
    assert (view.recovery.verdict, view.closed_as) == ("no_baseline", "ended")


def test_one_that_is_not_critical_is_shown_and_decides_nothing() -> None:
    text = DEPTH + "    - {id: slow, entity: cart, metric: request_latency_ms, critical: false}\n"
    view = seen(outage(text, after=140, more=series("queue_depth", 50)))
    assert view.recovery is not None
    assert {(one.id, one.verdict) for one in view.recovery.indicators} == {
        ("depth", "restored"),
        ("slow", "residual_degradation"),
    }
    assert view.closed_as == "restored"


def test_other_rules_judge_a_recovery_that_is_under_way_anew() -> None:
    world = outage(after=140, until="10:45", more=series("queue_depth", 50, until="10:45"))
    assert seen(world).state is State.RECOVERING
    reload(world, DEPTH)
    world.driven.pass_time(world.driven.now + 1000)
    view = seen(world)
    assert view.recovery is not None
    assert [one.id for one in view.recovery.indicators] == ["depth"]
    world.at("10:47")
    assert seen(world).closed_as == "restored"


def shown(view: IncidentView) -> dict[str, str]:
    assert view.recovery is not None
    return {one.id: one.passed for one in view.recovery.checks}


def test_a_check_that_fails_after_the_alerts_holds_the_incident_open() -> None:
    rows = answers(*((f"10:{minute}", "no") for minute in range(32, 60)))
    world = outage(PROBE, more=rows)
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, shown(view)) == (State.RECOVERING, {"page": "no"})
    assert view.recovery.verdict == "residual_degradation"
    (cart,) = [one for one in view.recovery.entities if one.name == "cart"]
    assert "check_failed" in cart.why
    assert cart.because == ("page",)
    held = [line.text for line in world.driven.timeline if line.kind == "held_open"]
    assert any("check page of cart failed: it says no" in text for text in held)


@pytest.mark.parametrize(
    "rows", [(), (("10:20", "yes"),), (("10:33", "unknown"),), (("10:32", "yes"), ("10:40", "no"))]
)
def test_only_the_latest_answer_since_the_alerts_ended_counts(rows: tuple[tuple[str, str], ...]) -> None:
    view = seen(outage(CHECK, more=answers(*rows, probe="copies", kind="rows")))
    latest = next((passed for at, passed in reversed(rows) if at > "10:31"), "missing")
    assert (view.state, shown(view)) == (State.RECOVERING, {"copies": latest})


def test_checks_hold_an_incident_of_which_nothing_is_measured() -> None:
    for text, state in ((CHECK, State.RECOVERING), ("", State.RESOLVED)):
        world = World(CART, rules(text) if text else None)
        world.at("10:00").fire("cart", "Down", severity="critical")
        world.at("10:20").resolve("cart", "Down")
        world.at("11:00")
        assert seen(world).state is state


def test_what_the_checks_found_at_last_is_in_the_final_record() -> None:
    view = seen(
        outage(CHECK, more=answers(("10:32", "no"), ("10:35", "yes"), ("10:41", "yes"), probe="copies", kind="rows"))
    )
    assert view.recovery is not None
    (check,) = view.recovery.checks
    assert (view.closed_as, check.passed, check.value, check.unit) == ("restored", "yes", 7.0, "rows")
    assert check.detail == "it says yes"
    assert view.resolved_at is not None
    assert check.at == max(clock(at) for at in ("10:35", "10:41") if clock(at) <= view.resolved_at)


def test_a_person_who_closes_all_the_same_is_told_which_checks_did_not_pass() -> None:
    world = outage(PROBE + CHECK, more=answers(("10:40", "no")))
    world.driven.feed(world.driven.now, (Command("ann", "close", seen(world).id, "known"),))
    assert seen(world).closed_as == "deviation"
    text = world.driven.timeline[-1].text
    assert "check page of cart failed" in text
    assert "check copies of cart has not answered yet" in text


def test_what_shares_a_provider_that_is_not_back_is_not_called_restored() -> None:
    shared = chain("cart -> db", "pay -> db")
    slow = latency("db", ("09:15", 20), ("10:00", 80), ("10:30", 60), until=LONG)
    view = seen(outage(more=slow, topology=shared))
    assert view.recovery is not None
    cart = next(one for one in view.recovery.entities if one.name == "cart")
    assert (cart.verdict, cart.why, cart.because) == ("inconclusive", ("shared_provider",), ("db",))
    assert view.state is State.RECOVERING
    fine = seen(outage(more=latency("db", ("09:15", 20), until=LONG), topology=shared))
    assert fine.closed_as == "restored"


def test_the_hour_before_is_not_usual_if_another_incident_or_maintenance_lies_in_it() -> None:
    work = "gates:\n  maintenance:\n    - {id: work, entities: [cart], from: '%sT09:20:00Z', until: '%sT09:40:00Z'}\n"
    day = "2026-09-22"
    view = seen(outage(work % (day, day)))
    assert view.recovery is not None
    assert {(one.verdict, one.why) for one in view.recovery.indicators} == {("no_baseline", ("tainted",))}
    assert view.closed_as == "ended"


def test_an_incident_that_is_over_taints_the_hour_after_it() -> None:
    world = World(CART)
    first = latency("cart", ("09:15", 100), until="10:02")
    live(world, [row for row in first if row[0] < clock("09:20")])
    world.at("09:20").fire("cart", "Down", severity="critical")
    live(world, [row for row in first if clock("09:20") <= row[0] < clock("09:25")])
    world.at("09:25").resolve("cart", "Down")
    live(world, [row for row in first if clock("09:25") <= row[0] < clock("09:40")])
    (before,) = world.driven.incidents()
    if before.state is not State.RESOLVED:
        world.driven.feed(world.driven.now, (Command("ann", "close", before.id, "done"),))
    world.driven.restart()
    live(world, [row for row in first if clock("09:40") <= row[0]])
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical")
    rest = latency("cart", ("10:02", 400), ("10:30", 100), until=LONG)
    live(world, [row for row in rest if row[0] < clock("10:31")])
    world.at("10:31").resolve("cart", "LatencyHigh")
    live(world, [row for row in rest if clock("10:31") <= row[0]])
    view = world.driven.incidents()[-1]
    assert view.id != before.id
    assert view.recovery is not None
    assert ("cart", "no_baseline", ("tainted",)) in {(o.entity, o.verdict, o.why) for o in view.recovery.indicators}


def test_a_series_that_a_deployment_renamed_proves_nothing() -> None:
    old = latency("cart", ("09:15", 100), ("10:00", 400), until="10:31")
    world = World(CART)
    live(world, [row for row in old if row[0] < clock("10:02")])
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical")
    live(world, [row for row in old if row[0] >= clock("10:02")])
    ended = Samples(Labels.of({"service": "cart", "__name__": "request_latency_ms"}), (clock("10:31"),), (), stale=True)
    world.driven.feed(clock("10:31"), (ended,))
    world.at("10:31").resolve("cart", "LatencyHigh")
    live(world, series("http_request_duration_ms", 100, since="10:31"))
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, verdicts(world)[-1]) == (State.RECOVERING, "inconclusive")
    assert {(one.metric, one.why) for one in view.recovery.indicators} == {("request_latency_ms", ("ended",))}


def counted(*turns: tuple[str, float], reset: str = "") -> Rows:
    """A counter of errors that rises by so many a point, and begins anew at one time."""
    labels = Labels.of({"service": "cart", "__name__": "errors_total"})
    rows: Rows = []
    total = 1000.0
    for at in range(clock("09:15"), clock(LONG), HALF):
        step = next(by for since, by in reversed(turns) if clock(since) <= at)
        total = 0.0 if reset and at == clock(reset) else total + step * (1 + 0.02 * (at // HALF % 5))
        rows.append((at, Samples(labels, (at,), (total,))))
    return rows


ERRORS = "recovery:\n  indicators:\n    - {id: errors, entity: cart, metric: errors_total, margin: '10%'}\n"


@pytest.mark.parametrize(("later", "closed"), [(30, "restored"), (60, "")])
def test_a_counter_that_begins_anew_is_no_change_and_hides_none(later: float, closed: str) -> None:
    rows = counted(("09:15", 30), ("10:00", 300), ("10:30", later), reset="10:40")
    view = seen(outage(ERRORS, more=rows))
    assert view.recovery is not None
    (errors,) = view.recovery.indicators
    assert (view.closed_as, errors.id) == (closed, "errors")
    assert (errors.verdict == "residual_degradation") is (later == 60)


def test_when_the_loop_looks_and_restarts_change_nothing() -> None:
    """Whether the loop looks between arrivals or not, and from a snapshot after each."""
    found = []
    for restarts in (False, True):
        world = World(CART, rules(PROBE + DEPTH))
        rows = sorted([*series("queue_depth", 50), *answers(("10:32", "no"), ("10:36", "yes"))], key=lambda row: row[0])
        told = False
        for at, signal in rows:
            if at >= clock("10:02") and not told:
                told = True
                world.at("10:02").fire("cart", "QueueHigh", severity="critical")
            if at == clock("10:31"):
                world.at("10:31").resolve("cart", "QueueHigh")
            if not restarts:
                world.driven.pass_time(at)
            world.driven.feed(at, (signal,))
            if restarts:
                world.driven.restart()
        world.at("11:00")
        found.append((seen(world), [line.text for line in world.driven.timeline], world.driven.decisions))
    assert found[0] == found[1]
    assert found[0][0].closed_as == "restored"
