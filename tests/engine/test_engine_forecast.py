"""What is still to come: buffers that are spent without an alert, and objectives that run out."""

from __future__ import annotations

from engine.outcomes import Impacted, IncidentView
from tests.engine.laws import World
from tests.scenarios.world import Moment, clock, incident
from topology.continuity import Continuity
from topology.model import Dependency, Entity, Semantics, Topology
from topology.objectives import Objective

SHOP = Topology.build(
    [
        Entity(id="orders-queue", rto=3600, continuity=Continuity(restore=900)),
        Entity(id="shipping", rto=600, tier=1, continuity=Continuity(restore=60)),
        Entity(id="portal", tier=1, users=5000),
        Entity(id="shop"),
    ],
    [
        Dependency(consumer="shipping", provider="orders-queue", semantics=Semantics.ASYNC, buffer=1800),
        Dependency(consumer="portal", provider="shipping"),
        Dependency(consumer="shop", provider="orders-queue", semantics=Semantics.SOFT),
    ],
)


def hit(view: IncidentView, entity: str) -> Impacted:
    return next(one for one in view.impact if one.entity == entity)


def objective(view: IncidentView, entity: str) -> Objective:
    return next(one for one in view.objectives if one.entity == entity)


def latest(moment: Moment) -> IncidentView:
    return moment.world.driven.incidents()[-1]


def outage() -> World:
    world = World(SHOP)
    world.at("10:00").fire("orders-queue", "QueueDown", severity="critical")
    return world


def test_an_entity_behind_a_queue_is_held_up_until_its_buffer_is_spent_and_hit_then_without_any_alert():
    world = outage()
    before = latest(world.at("10:05").expect(incident(cause="orders-queue", impacted={"shipping", "portal"})))
    for entity in ("shipping", "portal"):
        one = hit(before, entity)
        assert (one.low, one.held_by, one.held_until) == (1000, "orders-queue", clock("10:30"))
        assert one.degraded_at == one.down_at == clock("10:30")
    assert (hit(before, "shop").degraded_at, hit(before, "shop").down_at) == (clock("10:00"), None)
    after = latest(world.at("10:31"))
    for entity in ("shipping", "portal"):
        one = hit(after, entity)
        assert (one.low, one.held_by, one.held_until, one.down_at) == (0, "", None, clock("10:30"))
    assert after.revision > before.revision
    assert "orders-queue is spent" in after.why
    line = next(line for line in world.driven.timeline if line.kind == "impact")
    assert (line.at // 1000, line.facts["entities"]) == (clock("10:30") // 1000, ["shipping", "portal"])
    assert after.updated_at // 1000 == clock("10:30") // 1000
    told = [one for one in world.driven.outbox if one.action == "update" and "is spent" in str(one.body["why"])]
    assert told


def test_severity_follows_when_a_buffer_is_spent():
    world = outage()
    before = latest(world.at("10:29"))
    after = latest(world.at("10:31"))
    assert (before.users or (0, 0))[0] == 0
    assert (after.users or (0, 0))[0] == 5000


def test_a_trouble_that_ends_before_the_buffer_is_spent_never_hits_what_is_behind_it():
    world = outage()
    world.at("10:20").resolve("orders-queue", "QueueDown")
    after = latest(world.at("10:22"))
    assert (hit(after, "shipping").held_by, hit(after, "shipping").down_at) == ("", None)
    later = latest(world.at("11:30"))
    assert hit(later, "shipping").low == 1000
    assert later.objectives == ()
    assert not [line for line in world.driven.timeline if line.kind == "impact"]


def test_objectives_count_down_from_the_moment_of_being_down():
    world = outage()
    view = latest(world.at("10:05"))
    queue = objective(view, "orders-queue")
    assert (queue.kind, queue.since, queue.due) == ("rto", clock("10:00"), clock("11:00"))
    assert (queue.takes, queue.takes_latest, queue.breach) == (900, 900, "no")
    shipping = objective(view, "shipping")
    assert (shipping.since, shipping.due, shipping.breach) == (clock("10:30"), clock("10:40"), "no")
    assert shipping.finish is None, "it is not down, and the queue is back before it would be"


def test_the_breach_is_predicted_the_moment_it_becomes_unavoidable():
    world = outage()
    assert objective(latest(world.at("10:45")), "orders-queue").breach == "no"
    after = objective(latest(world.at("10:45:02")), "orders-queue")
    assert after.breach == "yes"
    assert after.finish is not None
    assert clock("11:00") < after.finish <= clock("11:00:02")
    lines = [line for line in world.driven.timeline if line.kind == "objective"]
    assert [(line.facts["entity"], line.at // 1000 * 1000) for line in lines] == [
        ("shipping", clock("10:30")),
        ("orders-queue", clock("10:45:01")),
    ]


def test_a_restoration_that_has_begun_in_time_is_measured_from_its_begin():
    world = outage()
    name = latest(world.at("10:05")).id
    world.at("10:10").command("restore", name)
    view = latest(world.at("10:20"))
    assert view.restoring_at == clock("10:10")
    assert objective(view, "orders-queue").finish == clock("10:25")
    assert objective(latest(world.at("10:50")), "orders-queue").breach == "no"
    assert objective(latest(world.at("11:01")), "orders-queue").breach == "yes"


def test_the_same_forecast_is_no_news():
    world = outage()
    revisions = latest(world.at("10:10")).revision
    world.at("10:12").fire("orders-queue", "QueueDown", severity="critical", resent=False)
    assert latest(world.at("10:20")).objectives == latest(world.at("10:28")).objectives
    assert latest(world.at("10:29")).revision <= revisions + 1


def test_a_snapshot_carries_what_is_to_come():
    one, other = outage(), outage()
    for world in (one, other):
        world.at("10:05")
    other.at("10:06").restart()
    for world in (one, other):
        world.at("11:30")
    assert one.driven.decisions == other.driven.decisions
    assert one.driven.revisions == other.driven.revisions


def test_looking_more_often_changes_nothing():
    plain, nervous = outage(), outage()
    plain.at("11:30")
    nervous.driven.pass_time(clock("11:30"), step=lambda: 7_001)
    assert plain.driven.decisions == nervous.driven.decisions


def test_many_buffers_that_are_spent_one_after_the_other_are_looked_at_together():
    consumers = [f"c{i:04}" for i in range(120)]
    index = Topology.build(
        [Entity(id="bus"), *(Entity(id=name) for name in consumers)],
        [
            Dependency(consumer=name, provider="bus", semantics=Semantics.ASYNC, buffer=600 + place)
            for place, name in enumerate(consumers)
        ],
    )
    world = World(index)
    world.at("10:00").fire("bus", "BusDown", severity="critical")
    view = latest(world.at("10:20"))
    assert all(hit(view, name).low == 0 for name in consumers)
    assert len([line for line in world.driven.timeline if line.kind == "impact"]) <= 121
