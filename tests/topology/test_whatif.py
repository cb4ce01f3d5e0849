"""What-if questions: failures, delays, maintenance, other topologies, each answered by the production function."""

from __future__ import annotations

from topology.assumptions import (
    Assumptions,
    Changes,
    Fault,
    NewDependency,
    NewGroup,
    Window,
    knows,
    resolved,
)
from topology.continuity import Continuity, SharedFate
from topology.impact import Step, impact
from topology.model import Dependency, Entity, Group, Semantics, Topology
from topology.whatif import Answer, Now, difference, first

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


def needs(consumer: str, provider: str, semantics: str = "hard", **more: object) -> Dependency:
    return Dependency(consumer=consumer, provider=provider, semantics=Semantics(semantics), **more)  # type: ignore[arg-type]


def build(*dependencies: Dependency, groups: tuple[Group, ...] = (), **entities: Entity) -> Topology:
    ids = {d.consumer for d in dependencies} | {d.provider for d in dependencies}
    known = {entity.id: entity for entity in entities.values()}
    return Topology.build([known.get(id, Entity(id=id)) for id in ids | known.keys()], dependencies, groups)


def three_replicas(capacity: int | None = 2500, need: int = 1) -> Topology:
    members = [needs("api", f"db{number}", group="replicas") for number in (1, 2, 3)]
    return build(*members, groups=(Group(consumer="api", name="replicas", need=need, capacity=capacity),))


def down(*entities: str) -> Assumptions:
    return Assumptions(faults=tuple(Fault(entity) for entity in entities))


def healths(answer: Answer, moment: int = 0) -> dict[str, int]:
    return {entity: hit.low for entity, hit in answer.after.at(moment).items()}


# ------------------------------------------------------------------------------------------- failures and groups


def test_a_failure_is_answered_as_the_production_function_answers_it() -> None:
    index = three_replicas()
    assert Answer(index, down("db1")).after.at(0) == impact(index, {"db1": 0}, 0)


def test_the_arithmetic_of_a_group_is_told_in_words() -> None:
    (one_lost,) = Answer(three_replicas(), down("db1")).after.sums("api", 0)
    assert one_lost.words() == "2 of 3 members of replicas, 2.0 of 2.5 capacity: 800"
    (margin,) = Answer(three_replicas(capacity=2000), down("db1")).after.sums("api", 0)
    assert margin.words() == "2 of 3 members of replicas, 2.0 of 2.0 capacity: 1000, no margin left"
    (too_few,) = Answer(three_replicas(None, need=2), down("db1", "db2")).after.sums("api", 0)
    assert too_few.words() == "1 of 3 members of replicas, 2 needed: 0"


def test_the_arithmetic_of_a_buffered_group_counts_what_is_felt_by_then() -> None:
    members = [needs("api", f"q{n}", "async", buffer=600, group="queues") for n in (1, 2)]
    index = build(*members, groups=(Group(consumer="api", name="queues", need=2),))
    answer = Answer(index, down("q1"))
    assert answer.after.sums("api", 9 * MINUTE) == []
    assert answer.after.sums("api", 10 * MINUTE)[0].words() == "1 of 2 members of queues, 2 needed: 0"


def test_degraded_now_and_down_in_ten_minutes_are_both_felt_in_their_time() -> None:
    index = build(needs("cart", "db"))
    answer = Answer(index, Assumptions(faults=(Fault("db", 500), Fault("db", 0, 10 * MINUTE))))
    assert [(step.at, step.low) for step in answer.after.steps("cart")] == [(0, 500), (10 * MINUTE, 0)]
    hit = answer.after.at(10 * MINUTE)["cart"]
    assert (hit.path, hit.low) == (("db", "cart"), 0)
    assert set(answer.after.at(0)) == {"db", "cart"}, "what stands for the second spell is not shown"


def test_moments_and_first_times_look_through_buffers() -> None:
    index = build(needs("cart", "queue"), needs("mail", "queue", "async", buffer=600))
    answer = Answer(index, down("queue"))
    assert healths(answer)["mail"] == 1000
    assert healths(answer, 10 * MINUTE)["mail"] == 0
    assert first(answer.after.steps("mail"), 0) == 10 * MINUTE


# ------------------------------------------------------------------------------------------------------- latency


def test_a_late_answer_is_an_outage_for_whoever_waits_no_longer() -> None:
    index = build(needs("cart", "db", timeout=2 * SECOND), needs("report", "db", timeout=30 * SECOND))
    answer = Answer(index, Assumptions(slow={"db": 5 * SECOND}))
    assert healths(answer) == {"cart": 0}
    assert {entity: wait.delay for entity, wait in answer.waits.items()} == {"db": 5000, "report": 5000, "cart": 2000}


def test_a_timeout_that_equals_the_delay_is_over() -> None:
    index = build(needs("cart", "db", timeout=5 * SECOND))
    assert healths(Answer(index, Assumptions(slow={"db": 5 * SECOND}))) == {"cart": 0}
    assert healths(Answer(index, Assumptions(slow={"db": 5 * SECOND - 1}))) == {}


def test_delays_add_up_along_the_way_until_someone_gives_up() -> None:
    index = build(needs("cart", "stock"), needs("stock", "db"), needs("shop", "cart", timeout=6 * SECOND))
    answer = Answer(index, Assumptions(slow={"db": 4 * SECOND, "stock": 2 * SECOND}))
    assert answer.waits["cart"].delay == 6 * SECOND
    hit = answer.after.at(0)["shop"]
    assert (hit.low, hit.path, hit.via) == (0, ("db", "stock", "cart", "shop"), "late")
    assert healths(Answer(index, Assumptions(slow={"db": 4 * SECOND}))) == {}


def test_who_falls_back_passes_on_the_wait_until_its_timeout() -> None:
    index = build(
        needs("shop", "ratings", "soft", factor=200, timeout=3 * SECOND), needs("site", "shop", timeout=3 * SECOND)
    )
    assert healths(Answer(index, Assumptions(slow={"ratings": HOUR}))) == {"shop": 800, "site": 0}


def test_nobody_waits_for_a_queue() -> None:
    index = build(needs("shop", "mail", "async", buffer=60), needs("site", "shop", timeout=SECOND))
    assert healths(Answer(index, Assumptions(slow={"mail": HOUR})), HOUR) == {}


def test_a_quorum_waits_for_its_quickest_members_and_shared_load_for_its_slowest() -> None:
    quorum = [needs("api", f"db{n}", group="g") for n in (1, 2, 3)]
    gate = needs("site", "api", timeout=2 * SECOND)
    slow = Assumptions(slow={"db1": 5 * SECOND})
    assert healths(Answer(build(*quorum, gate, groups=(Group(consumer="api", name="g", need=2),)), slow)) == {}
    shared = build(*quorum, gate, groups=(Group(consumer="api", name="g", need=2, capacity=3000),))
    assert healths(Answer(shared, slow)) == {"site": 0}


def test_a_delay_goes_round_a_cycle_once() -> None:
    index = build(needs("a", "b"), needs("b", "a"), needs("site", "a"))
    answer = Answer(index, Assumptions(slow={"a": 2 * SECOND, "b": 3 * SECOND}))
    assert {entity: wait.delay for entity, wait in answer.waits.items()} == {"a": 3000, "b": 3000, "site": 3000}


def test_a_group_loses_the_member_that_answers_too_late() -> None:
    members = [needs("api", f"db{n}", group="g", timeout=SECOND) for n in (1, 2, 3)]
    index = build(*members, groups=(Group(consumer="api", name="g", capacity=2500),))
    answer = Answer(index, Assumptions(slow={"db1": 5 * SECOND}))
    assert healths(answer) == {"api": 800}
    (found,) = answer.after.sums("api", 0)
    assert (found.working, found.hit) == (2, ("db1",))


# ---------------------------------------------------------------------------------------------------- maintenance


def test_maintenance_hits_its_consumers_and_ends() -> None:
    index = build(needs("cart", "db"), needs("mail", "db", "async", buffer=600))
    answer = Answer(index, Assumptions(maintenance=(Window("db", 30 * MINUTE, HOUR),)))
    assert answer.reasons == {"db": "in maintenance"}
    assert healths(answer, HOUR - 1) == {"db": 1000, "cart": 1000, "mail": 1000}, "all of them are told to be hit later"
    assert healths(answer, HOUR) == {"db": 0, "cart": 0, "mail": 1000}
    assert healths(answer, HOUR + 10 * MINUTE)["mail"] == 0
    assert healths(answer, HOUR + 30 * MINUTE) == {}
    assert [(s.at, s.low) for s in answer.after.steps("cart")] == [(HOUR, 0), (HOUR + 30 * MINUTE, 1000)]


def test_maintenance_that_ends_before_a_buffer_is_spent_is_never_felt() -> None:
    index = build(needs("mail", "db", "async", buffer=1800))
    steps = [Answer(index, Assumptions(maintenance=(Window("db", m * MINUTE),))).after.steps("mail") for m in (20, 31)]
    assert [[(step.at, step.low) for step in each] for each in steps] == [[], [(30 * MINUTE, 0), (31 * MINUTE, 1000)]]
    assert set(Answer(index, Assumptions(maintenance=(Window("db", 20 * MINUTE),))).after.at(0)) == {"db"}


def test_maintenance_takes_the_margin_meanwhile() -> None:
    answer = Answer(three_replicas(2000), Assumptions(maintenance=(Window("db1", HOUR),)))
    assert answer.after.at(0)["api"].at_risk
    assert [one.margin_lost for one in answer.after.sums("api", 0)] == [True]
    assert answer.after.at(HOUR) == {}


def test_maintenance_beside_what_is_down_already_is_told_to_make_it_worse() -> None:
    planned = (Window("db1", HOUR),)
    by_now = Answer(three_replicas(2000), Assumptions(maintenance=planned), Now({"db2": 0}, {"db2": -MINUTE}))
    assert by_now.aggravated(0) == ["api"]
    assumed = Answer(three_replicas(2000), Assumptions(maintenance=planned, faults=(Fault("db2"),)))
    assert assumed.aggravated(0) == ["api"]
    assert Answer(three_replicas(2000), Assumptions(maintenance=planned)).aggravated(0) == []


def test_a_buffer_outlasts_another_window_that_ends_meanwhile() -> None:
    index = build(needs("mail", "db", "async", buffer=1800), needs("cart", "cache"))
    assumed = Assumptions(faults=(Fault("db"),), maintenance=(Window("cache", 20 * MINUTE),))
    answer = Answer(index, assumed)
    assert first(answer.after.steps("mail"), 0) == 30 * MINUTE
    assert healths(answer, 25 * MINUTE) == {"db": 0, "mail": 1000}
    mail = answer.after.at(0)["mail"]
    assert (mail.low, mail.at, mail.later, mail.path) == (1000, 30 * MINUTE, (Step(30 * MINUTE, 0, 0),), ("db", "mail"))
    assert answer.after.at(0)["cart"].later == (Step(20 * MINUTE, 1000, 1000),)


# ------------------------------------------------------------------------------------------- now, and the difference


def test_the_difference_to_doing_nothing_leaves_out_what_is_so_anyway() -> None:
    index = build(needs("cart", "db"), needs("mail", "smtp"))
    answer = Answer(index, down("smtp"), Now({"db": 0}))
    changed = list(difference(answer.before.at(0), answer.after.at(0)))
    assert changed == [("mail", "up", "down"), ("smtp", "up", "down")]


def test_restoring_heals_what_hangs_on_it() -> None:
    index = build(needs("cart", "db"), needs("shop", "cart"))
    answer = Answer(index, Assumptions(restored=("db",)), Now({"db": 0, "shop": 500}))
    assert list(difference(answer.before.at(0), answer.after.at(0))) == [
        ("cart", "down", "up"),
        ("db", "down", "up"),
        ("shop", "down", "at 500"),
    ]


# ------------------------------------------------------------------------------------------- shared fates and places


def test_a_shared_fate_takes_all_that_name_it() -> None:
    racked = Continuity(fates=("rack-12",))
    index = Topology.build(
        [Entity(id="a", continuity=racked), Entity(id="b", continuity=racked), Entity(id="c")],
        [needs("c", "a", group="g"), needs("c", "b", group="g")],
        fates=[SharedFate(name="rack-12")],
    )
    answer = Answer(index, Assumptions(fates=("rack-12",)))
    assert healths(answer) == {"a": 0, "b": 0, "c": 0}
    assert answer.reasons["a"] == "down with rack-12"


def test_a_lost_site_takes_what_is_part_of_it_and_what_names_it() -> None:
    index = build(
        needs("shop", "vm"),
        north=Entity(id="north"),
        host=Entity(id="host-1", part_of="north"),
        vm=Entity(id="vm", part_of="host-1"),
        db=Entity(id="db", facts={"site": "north"}),
        other=Entity(id="other", facts={"site": "south"}),
    )
    assert set(healths(Answer(index, Assumptions(lost=("north",))))) == {"north", "host-1", "vm", "db", "shop"}
    assert set(healths(Answer(index, Assumptions(lost=("south",))))) == {"other"}


# ---------------------------------------------------------------------------------------------- another topology


def test_one_more_member_is_like_the_others_of_its_group() -> None:
    spare = Changes(entities=("db4",), dependencies=(NewDependency(consumer="api", provider="db4", group="replicas"),))
    answer = Answer(three_replicas(), Assumptions(faults=(Fault("db1"),), changes=spare))
    assert healths(answer) == {"db1": 0, "api": 1000}, "the load is carried, the margin is gone"
    assert list(difference(Answer(three_replicas(), down("db1")).after.at(0), answer.after.at(0))) == [
        ("api", "at 800", "at risk")
    ]


def test_an_edge_that_were_asynchronous_would_hold_up_for_its_buffer() -> None:
    index = build(needs("shop", "mail"))
    changes = Changes(
        dependencies=(NewDependency(consumer="shop", provider="mail", semantics=Semantics.ASYNC, buffer=600),)
    )
    answer = Answer(index, Assumptions(faults=(Fault("mail"),), changes=changes))
    assert first(answer.after.steps("shop"), 0) == 10 * MINUTE


def test_without_a_dependency_nothing_comes_through_it() -> None:
    index = build(needs("shop", "mail"))
    assert healths(
        Answer(index, Assumptions(faults=(Fault("mail"),), changes=Changes(without=(("shop", "mail"),))))
    ) == {"mail": 0}


def test_a_group_may_get_another_capacity_and_keeps_the_rest() -> None:
    changes = Changes(groups=(NewGroup(consumer="api", name="replicas", capacity=3000),))
    (found,) = Answer(three_replicas(2000), Assumptions(faults=(Fault("db1"),), changes=changes)).after.sums("api", 0)
    assert (found.need, found.capacity, found.health) == (1, 3000, 667)


def test_entities_may_be_named_by_their_aliases() -> None:
    index = build(needs("cart", "db"), db=Entity(id="db", aliases=("postgres",)))
    assumed = Assumptions(
        faults=(Fault("postgres"),), slow={"postgres": 1}, changes=Changes(without=(("cart", "postgres"),))
    )
    assert resolved(index, assumed) == Assumptions(
        faults=(Fault("db"),), slow={"db": 1}, changes=Changes(without=(("cart", "db"),))
    )
    assert [knows(index, "entity", name) for name in ("postgres", "db", "mysql")] == [True, True, False]
    assert not knows(index, "shared fate", "rack-12")
    assert not knows(index, "site or host", "north")
