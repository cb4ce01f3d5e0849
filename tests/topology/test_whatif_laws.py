"""Laws of what-if on random graphs: an altered topology is one that was built so, and time holds no surprise."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.topology.graphs import failures, topologies
from topology.altered import Altered
from topology.assumptions import Assumptions, Fault, Window
from topology.impact import Impact, impact
from topology.latency import LATE, timed_out, waits
from topology.model import Dependency, Entity, Group, Semantics, Topology
from topology.whatif import Answer, real

DELAYS = st.sampled_from([1, 2, 3, 5])


def comparable(found: Mapping[str, Impact]) -> dict[str, tuple[Impact, tuple[str, ...]]]:
    return {entity: (hit, hit.path) for entity, hit in found.items()}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_altered_answers_as_if_it_had_been_built_so(data: st.DataObject) -> None:
    base = data.draw(topologies())
    edges = list(base.content.dependencies)
    removed = data.draw(st.lists(st.sampled_from(edges), unique=True, max_size=3)) if edges else []
    ends = st.sampled_from([*sorted(base.entities), "new"])
    pairs = data.draw(st.lists(st.tuples(ends, ends), unique=True, max_size=3))
    taken = {(d.consumer, d.provider) for d in edges}
    added = [Dependency(consumer=c, provider=p) for c, p in pairs if c != p and (c, p) not in taken]
    groups = [
        msgspec.structs.replace(group, need=1, capacity=data.draw(st.sampled_from([None, 1, 700])))
        for group in data.draw(st.lists(st.sampled_from(base.content.groups), unique=True))
    ] if base.content.groups else []  # fmt: skip
    seen = Altered(base, entities=[Entity(id="new")], added=added, removed=removed, groups=groups)
    kept = {(g.consumer, g.name): g for g in [*base.content.groups, *groups]}
    built = Topology.build(
        [*base.content.entities, Entity(id="new")], [*(d for d in edges if d not in removed), *added], kept.values()
    )
    own = {**data.draw(failures(base)), "new": 0}
    assert comparable(impact(seen, own)) == comparable(impact(built, own))
    assert {e: seen.component(e) for e in built.entities} == {e: built.component(e) for e in built.entities}
    assert {e: seen.compounding(e) for e in built.entities} == {e: built.compounding(e) for e in built.entities}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_late_answers_are_outages_of_exactly_the_dependencies_that_time_out(data: st.DataObject) -> None:
    index = with_timeouts(data)
    slow = {entity: data.draw(DELAYS) for entity in data.draw(failures(index))}
    answer = Answer(index, Assumptions(slow=slow))
    given_up = list(timed_out(index, waits(index, slow)))
    edges = [
        msgspec.structs.replace(d, provider=d.provider + LATE) if d in given_up else d
        for d in index.content.dependencies
    ]
    late = sorted({d.provider + LATE for d in given_up})
    edges += [Dependency(consumer=id, provider=id.removesuffix(LATE)) for id in late]
    built = Topology.build([*index.content.entities, *(Entity(id=id) for id in late)], edges, index.content.groups)
    expected = {e: hit for e, hit in impact(built, dict.fromkeys(late, 0)).items() if e in index.entities}
    assert {e: shown(hit) for e, hit in answer.after.at(0).items()} == {e: shown(hit) for e, hit in expected.items()}
    assert all(hit.path[0] in slow and hit.path[-1] == e for e, hit in answer.after.at(0).items())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_longer_delays_never_make_anyone_answer_sooner(data: st.DataObject) -> None:
    index = with_timeouts(data)
    slow = {entity: data.draw(DELAYS) for entity in data.draw(failures(index))}
    worse = {entity: delay + data.draw(st.integers(0, 2)) for entity, delay in slow.items()}
    before, after = waits(index, slow), waits(index, worse)
    assert all(after[entity].delay >= wait.delay for entity, wait in before.items())
    assert all(wait.delay <= sum(slow.values()) for wait in before.values()), "no delay counts twice"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_at_every_second_only_the_windows_that_are_open_count(data: st.DataObject) -> None:
    index = data.draw(topologies())
    assume(not any(d.buffer for d in index.content.dependencies))
    windows = [
        Window(entity, 1000 * data.draw(st.integers(1, 3)), 1000 * data.draw(st.integers(0, 3)))
        for entity in data.draw(failures(index))
    ]
    broken = dict.fromkeys(data.draw(failures(index)), 0)
    answer = Answer(index, Assumptions(faults=tuple(Fault(entity) for entity in broken), maintenance=tuple(windows)))
    for moment in range(0, 8000, 1000):
        open_now = {w.entity: 0 for w in windows if w.after <= moment < w.after + w.duration}
        expected = {e: hit.low for e, hit in impact(index, {**broken, **open_now}).items() if hit.low < 1000}
        assert {e: hit.low for e, hit in answer.after.at(moment).items() if hit.low < 1000} == expected
        course = {e: [s.low for s in answer.after.steps(e) if s.at <= moment] for e in index.entities}
        assert {e: lows[-1] for e, lows in course.items() if lows and lows[-1] < 1000} == expected


def shown(hit: Impact) -> tuple[object, ...]:
    members = tuple(sorted({real(id) for id in hit.members}))
    return hit.low, hit.high, hit.at, members, hit.at_risk, hit.compounding, hit.later


def with_timeouts(data: st.DataObject) -> Topology:
    drawn = data.draw(topologies())
    edges = [
        msgspec.structs.replace(
            d, timeout=0 if d.semantics is Semantics.INFO else data.draw(st.sampled_from([0, 1, 3]))
        )
        for d in drawn.content.dependencies
    ]
    groups: list[Group] = list(drawn.content.groups)
    return Topology.build(drawn.content.entities, edges, groups)
