"""Single points of failure against trying each failure, and redundancy that is only on paper."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.doubtful import LATE, doubtful, down_at_rest
from topology.continuity import Continuity, SharedFate
from topology.failures import Failure, basic_failures
from topology.impact import impact
from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology
from topology.single_points import SinglePoints, single_points


def found_in(index: Topology, **asked) -> SinglePoints:
    return single_points(index, **asked)


@st.composite
def catalogues(draw: st.DrawFn) -> Topology:
    """Some entities are business, with tiers, users and obligations."""
    index = draw(doubtful())
    entities = [
        msgspec.structs.replace(
            entity,
            kind=draw(st.sampled_from([Kind.SERVICE, Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS])),
            tier=draw(st.sampled_from([None, 0, 1])),
            users=draw(st.sampled_from([None, 10, 500])),
            obligations=draw(st.sampled_from([(), ("dora",), ("dora", "pci")])),
        )
        for entity in index.content.entities
    ]
    content = index.content
    return Topology.build(entities, content.dependencies, content.groups, content.fates)


def lows(index: Topology, failure: Failure) -> dict[str, int]:
    hits = impact(index, dict.fromkeys(failure.entities, 0), LATE, dict.fromkeys(failure.entities, 0))
    return {entity: hit.low for entity, hit in hits.items() if hit.low < 1000}


@settings(max_examples=120, deadline=None)
@given(catalogues())
def test_single_points_are_those_that_trying_each_failure_finds(index: Topology):
    found = found_in(index)
    targets = set(found.business)
    points, degrading = {}, {}
    for failure in basic_failures(index):
        hit = {e: low for e, low in lows(index, failure).items() if e in targets and e not in failure.entities}
        if any(low == 0 for low in hit.values()):
            points[failure] = {e for e, low in hit.items() if low == 0}
        elif hit:
            degrading[failure] = hit
    assert {one.failure: set(one.behind.first) for one in found.points} == points
    assert {one.failure: set(one.behind.first) for one in found.degrading} == {f: set(h) for f, h in degrading.items()}
    assert all(one.lowest == min(degrading[one.failure].values()) for one in found.degrading)
    for one in found.points:
        taken = [index.entities[e] for e in points[one.failure]]
        users = [e.users for e in taken if e.users is not None]
        assert one.behind.total == len(taken)
        assert one.behind.tier == min((e.tier for e in taken if e.tier is not None), default=None)
        assert one.behind.users == ((max(users), sum(users)) if users else None)
    assert [one.behind.rank for one in found.points] == sorted(one.behind.rank for one in found.points)


@settings(max_examples=120, deadline=None)
@given(doubtful())
def test_hollow_groups_are_those_that_trying_each_failure_finds(index: Topology):
    found = found_in(index)
    expected: dict[tuple[str, str], int] = {}
    cone = _cone(index, set(found.business))
    for (consumer, name), group in index.groups.items():
        members = [d for d in index.providers(consumer) if d.group == name]
        if group.need >= len(members) or consumer not in cone or not _takes_down(members):
            continue
        shared = 0
        for failure in basic_failures(index):
            down = down_at_rest(index, list(failure.entities))
            lost = sum(d.provider in down for d in members)
            shared += consumer not in failure.entities and lost > len(members) - group.need
        if shared:
            expected[consumer, name] = shared
    assert {(one.consumer, one.group): one.total for one in found.hollow} == expected


def _takes_down(members: list[Dependency]) -> bool:
    return max(d.factor if d.semantics is Semantics.SOFT else 1000 for d in members) == 1000


def _cone(index: Topology, targets: set[str]) -> set[str]:
    """By what can take down."""
    seen, todo = set(targets), list(targets)
    while todo:
        entity = todo.pop()
        for d in index.providers(entity):
            beside = [o for o in index.providers(entity) if o.group == d.group] if d.group else [d]
            if d.semantics is not Semantics.INFO and _takes_down(beside) and d.provider not in seen:
                seen.add(d.provider)
                todo.append(d.provider)
    return seen


def pair(a: Continuity | None = None, b: Continuity | None = None) -> tuple[list[Entity], list[Dependency]]:
    said = {"r1": a or Continuity(), "r2": b or Continuity()}
    return (
        [
            Entity(id="pay", kind=Kind.BUSINESS_SERVICE, tier=0, users=900, obligations=("dora",)),
            Entity(id="shop", kind=Kind.BUSINESS_SERVICE, tier=1, users=50),
            *(Entity(id=name, kind=Kind.DATABASE, continuity=each) for name, each in said.items()),
        ],
        [Dependency(consumer="pay", provider=name, group="replicas") for name in said],
    )


def test_two_replicas_on_one_host_are_found_with_the_host_named():
    entities, dependencies = pair()
    entities += [Entity(id="host", kind=Kind.HOST), Entity(id="site", kind=Kind.SITE)]
    dependencies += [Dependency(consumer=name, provider="host") for name in ("r1", "r2")]
    dependencies += [Dependency(consumer="host", provider="site"), Dependency(consumer="shop", provider="site")]
    found = found_in(Topology.build(entities, dependencies))
    (hollow,) = found.hollow
    assert (hollow.consumer, hollow.group, hollow.members, hollow.need) == ("pay", "replicas", ("r1", "r2"), 1)
    assert [one.name for one in hollow.shared] == ["host", "site"]
    assert [(one.failure.name, one.behind.total) for one in found.points] == [("site", 2), ("host", 1)]
    assert found.points[0].behind.users == (900, 950)
    assert found.points[0].behind.obligations == ("dora",)


def test_two_replicas_in_one_rack_share_its_fate():
    rack = Continuity(fates=("rack-12",))
    entities, dependencies = pair(rack, rack)
    index = Topology.build(entities, dependencies, fates=[SharedFate(name="rack-12", failure=10)])
    (hollow,) = found_in(index).hollow
    assert [(one.name, one.fate, one.ppm) for one in hollow.shared] == [("rack-12", True, 10)]
    assert [(one.failure.name, one.failure.fate) for one in found_in(index).points] == [("rack-12", True)]
    apart = Topology.build(*pair(rack), fates=[SharedFate(name="rack-12")])
    assert not found_in(apart).hollow
    assert not found_in(apart).points


def test_what_only_degrades_is_listed_apart_and_a_cap_is_told():
    entities, dependencies = pair()
    entities.append(Entity(id="search"))
    dependencies.append(Dependency(consumer="shop", provider="search", semantics=Semantics.SOFT, factor=300))
    index = Topology.build(entities, dependencies, [Group(consumer="pay", name="replicas", capacity=2000)])
    found = found_in(index)
    assert found.points == ()
    assert [(one.failure.name, one.lowest) for one in found.degrading] == [("r1", 500), ("r2", 500), ("search", 700)]
    capped = found_in(index, most_cells=0)
    assert (capped.degrading, capped.unexamined) == ((), 3)


def test_without_declared_business_it_is_what_nothing_else_needs():
    index = Topology.build(
        [Entity(id=name) for name in ("front", "back", "db")],
        [Dependency(consumer="front", provider="back"), Dependency(consumer="back", provider="db")],
    )
    found = found_in(index)
    assert found.business == ("front",)
    assert {one.failure.name for one in found.points} == {"back", "db"}
    assert found_in(Topology.build()).points == ()


def test_a_cycle_of_three_thousand_is_no_work_for_hours():
    ring = [f"r{place:04}" for place in range(3000)]
    index = Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)] + [Entity(id=name) for name in ring],
        [Dependency(consumer=a, provider=b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
        + [Dependency(consumer="shop", provider=ring[7])],
    )
    found = found_in(index)
    assert (len(found.points), found.degrading, found.hollow) == (3000, (), ())
