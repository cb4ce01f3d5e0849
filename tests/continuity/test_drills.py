"""Drills run through the same code while real alerts flow, and touch nothing real."""

from __future__ import annotations

from api.clocks import open_clocks
from engine.clock_views import Basis, ClockView
from engine.ports import Commit
from engine.storage.memory import MemoryStore
from rules.playbooks.parse import parse_playbooks
from rules.ruleset import RuleSet
from tests.continuity.payments import PLAYBOOKS, SHOP, declared, outage
from tests.scenarios.world import World, clock
from tests.storage.made import NOON, incident


def seen(world: World) -> list[tuple[object, ...]]:
    """What is real: decisions, and what is told to whom."""
    decided = [(d.domain, d.at, d.payload) for d in world.driven.decisions if not d.domain.startswith("drill:")]
    told = [(p.key, p.sinks, p.body["news"]) for p in world.driven.outbox if not p.incident.startswith("DRILL")]
    return [*decided, *told]


def played(*, drill: bool) -> World:
    """A real outage of the database at 10:00, and a drill on the same database at the same time. Without the drill a
    heartbeat takes the place of each of its signals, so that positions are the same."""
    world = World(SHOP, declared())
    for at in ("09:58", "10:01"):
        if drill:
            world.at(at).fire("orders-db", "DbDown", severity="critical", headwater_drill="q3", run=at)
        else:
            world.at(at).heartbeat("none", 10**6)
        world.at("10:00").fire("orders-db", "DbDown", severity="critical") if at < "10:00" else None
    world.at("10:20").resolve("orders-db", "DbDown")
    world.at("11:30")
    return world


def test_the_real_incident_is_the_same_to_the_byte_with_and_without_a_drill_on_the_same_entity():
    with_drill, without = played(drill=True), played(drill=False)
    assert seen(with_drill) == seen(without)
    assert {view.id[:5] for view in with_drill.driven.incidents()} == {"DRILL", "INC-4"}


def test_a_drill_pages_nobody_and_opens_no_ticket_but_where_the_rules_say():
    world = played(drill=True)
    told = [p for p in world.driven.outbox if p.incident.startswith("DRILL")]
    assert told
    assert {p.sinks for p in told} == {("log",)}
    policy, _ = parse_playbooks({"p.yaml": PLAYBOOKS + "drill_sinks: [drill-chat]\n"})
    assert policy is not None
    other = World(SHOP, RuleSet.default().with_continuity(policy))
    other.at("10:00").fire("orders-db", "DbDown", severity="critical", headwater_drill="q3")
    other.at("10:05")
    assert {p.sinks for p in other.driven.outbox} == {("drill-chat", "log")}


def test_a_drill_is_measured_like_an_incident_and_worked_on_by_the_same_commands():
    world = World(SHOP, declared())
    world.at("10:00").fire("orders-db", "DbDown", severity="critical", headwater_drill="q3")
    (drill,) = world.at("10:02").incidents()
    assert (drill.id, drill.cause, drill.opened_at) == ("DRILL-3", "orders-db", clock("10:00"))
    world.at("10:03").command("acknowledge", drill.id)
    world.at("10:04").command("activate_playbook", drill.id, reason="rehearsal", playbook="orders-db-lost")
    latest = world.driven.revisions[drill.id][-1]
    assert latest.acknowledged_at == clock("10:03")
    assert latest.response.execution is not None
    assert world.driven.core.gauges()["incidents_open"] == 0


def test_a_drill_goes_on_after_a_restart_and_every_alert_event_is_accounted_for():
    world, _ = outage()
    world.at("10:03").fire("orders-db", "DbDown", severity="critical", headwater_drill="q3").restart()
    world.at("10:06").resolve("orders-db", "DbDown", headwater_drill="q3").restart()
    world.at("10:40")
    drill = next(view for view in world.driven.incidents() if view.id.startswith("DRILL"))
    assert drill.state in ("recovering", "resolved")
    counts = world.driven.core.counts
    assert counts["received"] == 3 == sum(counts.values()) - counts["received"]


def test_a_drill_obliges_nobody_and_its_clocks_are_in_no_list():
    clock = ClockView(
        regime="dora", clock="initial", name="Initial", notify="authority", since="2025-03-12", rules="r", act="a",
        article="5", quote="q", stops="submitted", applies="yes", state="running", due=NOON, shown_at=NOON,
        basis=Basis(at=NOON, revision=1, evidence=(), topology="t", rules="r", facts={}, marks={}),
    )  # fmt: skip
    store = MemoryStore({})
    store.commit(Commit(incidents=[incident("INC-1", clocks=(clock,)), incident("DRILL-2", clocks=(clock,))]))
    for waiting in (False, True):
        assert [one.incident for one in open_clocks(store, NOON, waiting=waiting)] == ["INC-1"]
