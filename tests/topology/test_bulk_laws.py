"""What is reckoned over all entities at once is what is reckoned one by one, and what the slow reference says."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import pytest

from tests.topology.graphs import LONGEST_BUFFER, renamed, seeded, seeded_failures
from tests.topology.reference import Reference
from topology import bulk
from topology.answer import Impact, Interval
from topology.bulk import fall, healths
from topology.impact import few
from topology.impacts import impacts
from topology.model import Topology

AT = 4
LATE = 8 * LONGEST_BUFFER


def everything(found: Mapping[str, Impact]) -> dict[str, tuple[object, ...]]:
    return {entity: (i, i.via, i.members, i.path, i.hops) for entity, i in found.items()}


def both_ways(
    index: Topology, own: Mapping[str, Interval], since: Mapping[str, int], at: int
) -> tuple[Mapping[str, Impact], Mapping[str, Impact]]:
    """One by one, and all at once."""
    at_once = impacts(index.compiled, own, since, at, lambda unknown: few(index, unknown, since, at))
    return few(index, own, since, at), at_once


def exact(own: Mapping[str, int]) -> dict[str, Interval]:
    return {entity: Interval(health, health) for entity, health in own.items()}


def column(index: Topology, own: Mapping[str, int]) -> np.ndarray:
    return np.array([own.get(entity, 1000) for entity in index.compiled.names], np.int16)


@pytest.fixture(params=[0, 1, 100], ids=["position by position", "as it comes", "level by level"])
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small graphs, and yet all ways of following a change."""
    monkeypatch.setattr(bulk, "DENSE", request.param)
    monkeypatch.setattr(bulk, "SPREAD", request.param)


@pytest.mark.parametrize("block", range(4))
def test_now_and_later_equal_the_reference(block: int) -> None:
    for seed in range(250 * block, 250 * block + 250):
        equals_reference(seed)


def equals_reference(seed: int) -> None:
    index = seeded(seed)
    own, chance = seeded_failures(seed, index), random.Random(seed)
    since = {entity: chance.randint(0, 3) for entity in own}
    onsets = {entity: 1000 * second for entity, second in since.items()}
    one_by_one, at_once = both_ways(index, exact(own), onsets, 1000 * AT)
    assert everything(one_by_one) == everything(at_once)
    worst = best = Reference(index, own, since, AT + LATE)
    if index.doubtful:
        best = Reference(index, own, since, AT + LATE, worst=False)
    for entity in index.entities:
        mine = at_once.get(entity)
        healths = [(low[entity], high[entity]) for low, high in zip(worst.worlds, best.worlds, strict=True)]
        assert ((mine.low, mine.high) if mine else (1000, 1000)) == healths[AT]
        assert (mine is not None and mine.at_risk) == (worst.at_risk(entity, AT) or best.at_risk(entity, AT))
        falls = [(1000 * second, *healths[second]) for second in range(AT + 1, AT + LATE + 1)
                 if healths[second] != healths[second - 1]]  # fmt: skip
        assert [(step.at, step.low, step.high) for step in mine.later] == falls if mine else falls == []


@pytest.mark.usefixtures("pace")
def test_all_at_once_says_the_same_in_every_field_as_one_by_one() -> None:
    for seed in range(300):
        same_both_ways(seed, 12)


@pytest.mark.usefixtures("pace")
def test_all_at_once_says_the_same_of_larger_graphs() -> None:
    for seed in range(40):
        same_both_ways(seed, 150)


def same_both_ways(seed: int, most: int) -> None:
    index, chance = seeded(seed, most), random.Random(seed)
    own = {
        entity: Interval(health, chance.choice([health, chance.randint(health, 1000)]))
        for entity, health in seeded_failures(seed, index, 5).items()
    }
    if chance.random() < 0.2:
        own["of no catalogue"] = Interval(400, 400)
    since = {entity: 1000 * chance.randint(0, 5) for entity in own}
    one_by_one, at_once = both_ways(index, own, since, 1000 * chance.randint(0, 6))
    assert list(one_by_one) == list(at_once)
    assert len(one_by_one) == len(at_once)
    assert everything(one_by_one) == everything(at_once)
    assert one_by_one == at_once
    assert all(entity in at_once for entity in one_by_one)
    unhit = index.entities.keys() - one_by_one.keys()
    assert not any(entity in at_once for entity in unhit)


@pytest.mark.parametrize("worlds", [1, 3, 70])
def test_worlds_side_by_side_are_each_what_the_reference_says(worlds: int) -> None:
    for seed in range(100):
        index = seeded(seed)
        failed = [seeded_failures(seed + 1000 * world, index) for world in range(worlds)]
        own = np.stack([column(index, one) for one in failed], axis=1)
        felt, unfelt = healths(index.compiled, own), healths(index.compiled, own, felt=False)
        declared = healths(index.compiled, own, doubtful=False)
        for world in range(min(worlds, 2)):
            best = Reference(index, failed[world], dict.fromkeys(failed[world], 0), LATE, worst=False)
            assert (declared[:, world] == column(index, best.worlds[LATE])).all()
            reference = Reference(index, failed[world], dict.fromkeys(failed[world], 0), LATE)
            spent, none_spent = (column(index, reference.worlds[second]) for second in (LATE, 0))
            assert (felt[:, world] == spent).all()
            assert (unfelt[:, world] == none_spent).all()
            assert (healths(index.compiled, own[:, world]) == spent).all()


@pytest.mark.parametrize("worlds", [1, 64, 200])
def test_what_falls_in_each_of_many_worlds_is_what_the_reference_has_down(worlds: int) -> None:
    for seed in range(100):
        index = seeded(seed)
        down = np.random.default_rng(seed).random((len(index.entities), worlds)) < 0.2
        found = fall(index.compiled, down)
        assert found.shape == down.shape
        for world in {0, worlds - 1}:
            own = {name: 0 for name, out in zip(index.compiled.names, down[:, world], strict=True) if out}
            reference = Reference(index, own, dict.fromkeys(own, 0), LATE)
            assert (found[:, world] == (column(index, reference.worlds[LATE]) == 0)).all()


def test_more_failures_never_heal_anything() -> None:
    for seed in range(300):
        index = seeded(seed, 12)
        own = column(index, seeded_failures(seed, index))
        worse = np.minimum(own, column(index, seeded_failures(seed + 1, index)))
        assert (healths(index.compiled, worse) <= healths(index.compiled, own)).all()


def test_feeding_the_result_back_as_own_health_changes_nothing() -> None:
    for seed in range(300):
        index = seeded(seed, 12)
        once = healths(index.compiled, column(index, seeded_failures(seed, index)))
        assert (healths(index.compiled, once) == once).all()


def test_names_and_order_do_not_matter() -> None:
    for seed in range(200):
        index, own = seeded(seed, 12), seeded_failures(seed, seeded(seed, 12))
        ids = sorted(index.entities)
        names = dict(zip(ids, random.Random(seed).sample([f"m{i:03}" for i in range(len(ids))], len(ids)), strict=True))
        other = renamed(index, names)
        here = dict(zip(ids, healths(index.compiled, column(index, own)).tolist(), strict=True))
        there = healths(other.compiled, column(other, {names[entity]: health for entity, health in own.items()}))
        assert {names[entity]: health for entity, health in here.items()} == dict(
            zip(other.compiled.names, there.tolist(), strict=True)
        )


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_thousands_of_graphs_more(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(10_000 + 2000 * block, 12_000 + 2000 * block):
        monkeypatch.setattr(bulk, "DENSE", (0, 1, 4)[seed % 3])
        monkeypatch.setattr(bulk, "SPREAD", (0, 2, 100)[seed // 3 % 3])
        equals_reference(seed)
        same_both_ways(seed, 60)
