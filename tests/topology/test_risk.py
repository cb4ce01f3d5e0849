"""Risk against the sum over all worlds, and its laws."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.topology.doubtful import doubtful, down_at_rest, worlds
from topology.continuity import NOTHING_SAID, Continuity, SharedFate
from topology.failures import ASSUMED, ASSUMED_FATE
from topology.model import Dependency, Entity, Group, Kind, Topology
from topology.risk import Risk, assess
from topology.sampling import Several, failing, hazards, wilson


def risks(index: Topology, **asked) -> dict[str, Risk]:
    found = assess(index, asked.pop("targets", sorted(index.entities)), **asked)
    return {risk.entity: risk for risk in found.risks}


def failing_at(ppm: int | None, *fates: str) -> Continuity:
    return Continuity(failure=ppm, fates=fates)


def replicas_on(hosts: dict[str, str], host: int = 50_000, replica: int = 20_000) -> Topology:
    """A shop that needs one of its replicas, each on a host."""
    return Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)]
        + [Entity(id=name, continuity=failing_at(replica)) for name in hosts]
        + [Entity(id=name, kind=Kind.HOST, continuity=failing_at(host)) for name in set(hosts.values())],
        [Dependency(consumer="shop", provider=name, group="replicas") for name in hosts]
        + [Dependency(consumer=name, provider=on) for name, on in hosts.items()],
    )


def test_two_replicas_on_one_host_are_no_better_than_the_host():
    risk = risks(replicas_on({"r1": "h1", "r2": "h1"}))["shop"]
    assert risk.probability == pytest.approx(0.05 + 0.95 * 0.02**2)  # 5.04 %; the product of marginals says 0.48 %
    assert (risk.method, risk.low, risk.high) == ("exact", risk.probability, risk.probability)
    assert [failure.name for failure in risk.alone] == ["h1"]
    apart = risks(replicas_on({"r1": "h1", "r2": "h2"}))["shop"]
    assert apart.probability == pytest.approx((1 - 0.95 * 0.98) ** 2)
    assert apart.alone == ()


def test_sampling_finds_the_same_as_enumeration():
    index = replicas_on({"r1": "h1", "r2": "h1", "r3": "h2"})
    exact = risks(index)["shop"]
    sampled = risks(index, enumerated=0, worlds=40_000)["shop"]
    assert sampled.method in ("sampled", "conditional")
    assert sampled.low < exact.probability < sampled.high
    assert sampled.high - sampled.low < 0.1 * exact.probability


def test_what_happens_once_in_a_hundred_million_worlds_is_seen_with_an_honest_interval():
    names = [f"r{place:02}" for place in range(30)]
    index = Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)] + [Entity(id=n, continuity=failing_at(10)) for n in names],
        [Dependency(consumer="shop", provider=n, group=f"g{place // 2}") for place, n in enumerate(names)],
    )
    risk = risks(index)["shop"]
    truth = 15 * 1e-10
    assert (risk.method, risk.together, risk.worlds) == ("conditional", 30, 10_000)
    assert risk.low < truth < risk.high < 1.3 * truth
    assert risk.stratum < 1e-7


def test_the_share_of_a_shared_fate_is_what_would_go_without_it():
    index = Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)]
        + [Entity(id=name, continuity=failing_at(10_000, "rack")) for name in ("a", "b")],
        [Dependency(consumer="shop", provider=name, group="g") for name in ("a", "b")],
        fates=[SharedFate(name="rack", failure=900)],
    )
    risk = risks(index)["shop"]
    assert risk.probability == pytest.approx(1 - (1 - 0.0009) * (1 - 0.0001))
    assert risk.fate_share == pytest.approx(1 - 0.0001 / risk.probability)
    assert [(failure.name, failure.fate) for failure in risk.alone] == [("rack", True)]
    sampled = risks(index, enumerated=0)["shop"]
    assert sampled.fate_share == pytest.approx(risk.fate_share, abs=0.01)


def test_probabilities_that_nobody_stated_are_the_documented_ones_and_counted():
    index = Topology.build(
        [
            Entity(id="shop", kind=Kind.BUSINESS_SERVICE),
            Entity(id="db", kind=Kind.DATABASE, continuity=Continuity(fates=("rack",))),
            Entity(id="sure", continuity=failing_at(0)),
        ],
        [Dependency(consumer="shop", provider=name) for name in ("db", "sure")],
    )
    risk = risks(index)["shop"]
    assert risk.probability == pytest.approx(1 - (1 - ASSUMED[Kind.DATABASE] / 1e6) * (1 - ASSUMED_FATE / 1e6))
    assert risk.assumed == 2
    assert set(ASSUMED) == set(Kind)


def test_during_an_incident_the_risk_is_that_of_what_is_left():
    index = replicas_on({"r1": "h1", "r2": "h2"})
    assert risks(index, down=["h1"])["shop"].probability == pytest.approx(1 - 0.95 * 0.98)
    assert "shop" not in risks(index, down=["h1", "r2"])
    with pytest.raises(KeyError):
        risks(index, down=["nobody"])


def test_a_failure_that_is_certain_is_certain():
    index = replicas_on({"r1": "h1", "r2": "h2"}, host=1_000_000)
    assert risks(index)["shop"].probability == pytest.approx(1)
    assert risks(index, enumerated=0)["shop"].probability == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(doubtful(), st.data())
def test_every_risk_is_the_sum_over_all_worlds(index: Topology, data: st.DataObject):
    down = data.draw(st.lists(st.sampled_from(sorted(index.entities)), max_size=1))
    truth, without = Counter[str](), Counter[str]()
    fateless = msgspec.structs.replace
    bare = Topology.build(
        [fateless(e, continuity=fateless(e.continuity, fates=())) for e in index.content.entities],
        index.content.dependencies,
        index.content.groups,
    )
    for _, weight, fallen in worlds(index, down):
        truth.update(dict.fromkeys(fallen, weight))
    for _, weight, fallen in worlds(bare, down):
        without.update(dict.fromkeys(fallen, weight))
    found = risks(index, down=down)
    assert set(found) == set(index.entities) - down_at_rest(index, down)
    for entity, risk in found.items():
        assert risk.probability == pytest.approx(truth[entity], rel=1e-9, abs=1e-15)
        if risk.probability:
            assert risk.fate_share == pytest.approx(1 - without[entity] / truth[entity], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(doubtful(), st.integers(0, 2**32))
def test_intervals_of_sampled_worlds_hold_the_truth(index: Topology, seed: int):
    exact = risks(index)
    for entity, risk in risks(index, enumerated=0, worlds=2000, seed=seed).items():
        # A 95 % interval may miss; ten times its width on top must not.
        slack = 5 * (risk.high - risk.low)
        assert risk.low - slack - 1e-12 <= exact[entity].probability <= risk.high + slack + 1e-12


def test_nineteen_of_twenty_intervals_hold_the_truth():
    index = replicas_on({f"r{place}": f"h{place % 2}" for place in range(6)}, host=3_000, replica=9_000)
    truth = risks(index)["shop"].probability
    found = [risks(index, enumerated=0, worlds=1000, seed=seed)["shop"] for seed in range(400)]
    assert 0.92 <= np.mean([risk.low <= truth <= risk.high for risk in found]) <= 0.99
    assert np.mean([risk.probability for risk in found]) == pytest.approx(truth, rel=0.08)  # its standard error is 2 %


@settings(max_examples=60, deadline=None)
@given(doubtful(), st.data())
def test_more_failure_probability_never_lowers_a_risk(index: Topology, data: st.DataObject):
    able = [e.id for e in index.content.entities if e.continuity.failure]
    assume(able)
    chosen = data.draw(st.sampled_from(able))
    worse = Topology.build(
        [_worse(e, data.draw(st.integers(1, 500_000))) if e.id == chosen else e for e in index.content.entities],
        index.content.dependencies,
        index.content.groups,
        index.content.fates,
    )
    before, after = risks(index), risks(worse)
    assert all(after[entity].probability >= before[entity].probability - 1e-12 for entity in before)


def _worse(entity: Entity, more: int) -> Entity:
    said = entity.continuity
    return msgspec.structs.replace(
        entity, continuity=msgspec.structs.replace(said, failure=min(1_000_000, (said.failure or 0) + more))
    )


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=20), st.data())
def test_with_the_same_seed_a_higher_probability_only_adds_failures(low: list[float], data: st.DataObject):
    high = [data.draw(st.floats(each, 0.95)) for each in low]
    seed = data.draw(st.integers(0, 2**64))
    fewer, more = (set(zip(*failing(hazards(np.array(q)), 64, (seed,)), strict=True)) for q in (low, high))
    assert fewer <= more


@settings(max_examples=100, deadline=None)
@given(doubtful())
def test_coupled_samples_are_monotone_too(index: Topology):
    """Where nothing is conditional, the sampled estimate itself cannot fall."""
    worse = Topology.build(
        [_worse(e, 100_000) if e.continuity.failure else e for e in index.content.entities],
        index.content.dependencies,
        index.content.groups,
        index.content.fates,
    )
    before, after = (risks(each, enumerated=0, worlds=512, seed=7) for each in (index, worse))
    for entity, risk in before.items():
        if risk.method == after[entity].method == "sampled":
            assert after[entity].probability >= risk.probability - 1e-12


@settings(max_examples=60, deadline=None)
@given(doubtful(), st.data())
def test_names_and_order_do_not_matter(index: Topology, data: st.DataObject):
    others = data.draw(st.permutations([f"n{place}" for place in range(len(index.entities))]))
    names = dict(zip(sorted(index.entities), others, strict=True))
    there = Topology.build(
        [msgspec.structs.replace(e, id=names[e.id]) for e in reversed(index.content.entities)],
        [
            msgspec.structs.replace(d, consumer=names[d.consumer], provider=names[d.provider])
            for d in reversed(index.content.dependencies)
        ],
        [msgspec.structs.replace(g, consumer=names[g.consumer]) for g in index.content.groups],
        index.content.fates,
    )
    found = risks(there)
    for entity, risk in risks(index).items():
        assert found[names[entity]].probability == pytest.approx(risk.probability, rel=1e-9, abs=1e-15)


def test_the_same_content_gives_the_same_answer_and_a_target_does_not_depend_on_the_others():
    index = replicas_on({f"r{place}": f"h{place % 3}" for place in range(6)})
    one = risks(index, enumerated=0)
    assert risks(Topology.decode(index.encode()), enumerated=0) == one
    assert risks(index, enumerated=0, targets=["shop"])["shop"] == one["shop"]


def test_worlds_of_several_failures_are_those_of_the_joint_distribution():
    probability = np.array([0.001, 0.02, 0.0005, 0.03, 0.01])
    several = Several.of(hazards(probability))
    none = np.prod(1 - probability)
    one = sum(p / (1 - p) for p in probability) * none
    assert several.probability == pytest.approx(1 - none - one, rel=1e-9)
    failure, world = several.failing(200_000, (1,))
    happens = np.zeros((5, 200_000), dtype=bool)
    happens[failure, world] = True
    assert happens.sum(axis=0).min() == 2
    for each in range(5):
        others = np.delete(probability, each)
        truth = probability[each] * (1 - np.prod(1 - others)) / several.probability
        assert happens[each].mean() == pytest.approx(truth, abs=5e-3)


def test_the_interval_of_wilson_is_that_of_the_textbook():
    assert wilson(0, 10) == pytest.approx((0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((0.72247, 1), abs=1e-5)
    assert wilson(5, 50) == pytest.approx((0.04346, 0.21360), abs=1e-4)


def test_a_group_that_needs_two_of_three_falls_at_the_second_loss():
    index = Topology.build(
        [Entity(id="shop", continuity=failing_at(0))] + [Entity(id=n, continuity=failing_at(100_000)) for n in "abc"],
        [Dependency(consumer="shop", provider=n, group="g") for n in "abc"],
        [Group(consumer="shop", name="g", need=2)],
    )
    assert risks(index)["shop"].probability == pytest.approx(3 * 0.01 * 0.9 + 0.001)
    assert index.entities["shop"].continuity != NOTHING_SAID
