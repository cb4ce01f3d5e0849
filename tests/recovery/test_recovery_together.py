"""From indicators to entities, business services and the incident; and where it leans when nothing can be stated."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.evidence.kinds import Kind
from engine.recovery.combine import entities, together
from engine.recovery.comparison import Comparison
from engine.recovery.indicator import Indicator
from engine.recovery.judgement import judge
from engine.recovery.leaning import Track, lean
from engine.recovery.multiplicity import discoveries
from engine.recovery.words import PRECEDENCE, Recovery, Why
from tests.recovery.made import LATENCY, after, level, past, seen, usual_weeks

MINUTE = 60_000


def shown(entity: str, factor: float, seed: int = 1, *, critical: bool = True, count: int = 40) -> Comparison:
    one = msgspec.structs.replace(LATENCY, entity=entity, name=f"latency{seed}", critical=critical)
    return seen(one, usual_weeks(), after(factor * level(count, seed)))


def test_the_verdicts_outweigh_each_other_as_they_are_documented():
    assert [one.value for one in PRECEDENCE] == [
        "no_baseline", "unstable", "residual_degradation", "inconclusive", "restored", "improved",
    ]  # fmt: skip


def test_an_entity_is_restored_only_if_every_critical_indicator_is():
    well = entities(judge([shown("cart", 1.0), shown("cart", 0.7, 2)]))
    ill = entities(judge([shown("cart", 1.0), shown("cart", 1.5, 2), shown("cart", 3.0, 3)]))
    assert well["cart"].verdict is Recovery.RESTORED
    assert ill["cart"].verdict is Recovery.RESIDUAL_DEGRADATION
    assert [one.comparison.indicator.name for one in ill["cart"].worst] == ["latency3", "latency2"]
    assert ill["cart"].parts == {Recovery.RESIDUAL_DEGRADATION: 2, Recovery.RESTORED: 1}


def test_what_is_not_critical_is_told_and_does_not_decide():
    found = entities(judge([shown("cart", 1.0), shown("cart", 3.0, 2, critical=False)]))
    assert found["cart"].verdict is Recovery.RESTORED


def test_an_entity_without_indicators_has_no_baseline():
    found = entities(judge([shown("cart", 1.0), shown("mail", 1.0, critical=False)]), ["cart", "bank"])
    assert {name: (one.verdict, one.why) for name, one in found.items() if name != "cart"} == {
        "bank": (Recovery.NO_BASELINE, (Why.NO_INDICATORS,)),
        "mail": (Recovery.NO_BASELINE, (Why.NO_INDICATORS,)),
    }


def test_a_service_waits_for_the_slowest_of_its_entities():
    found = entities(judge([shown("cart", 1.0), shown("mail", 1.0, count=2), shown("bank", 1.0, count=5)]))
    shop = together("shop", ["cart", "mail", "bank"], found)
    assert (shop.verdict, shop.minutes) == (Recovery.INCONCLUSIVE, 6)
    assert together("shop", ["cart"], found).verdict is Recovery.RESTORED
    assert together("shop", ["cart", "unknown"], found).verdict is Recovery.NO_BASELINE
    assert together("shop", [], found).verdict is Recovery.NO_BASELINE


def test_of_many_unchanged_indicators_hardly_one_is_called_degraded():
    random = np.random.default_rng(6)
    called = 0
    for _ in range(20):
        parts = 100 * (1 + 0.4 * random.normal(size=(20, 5, 60)))
        found = judge([seen(LATENCY, past(list(one[:4])), after(one[4, :20])) for one in parts])
        called += any(one.verdict is Recovery.RESIDUAL_DEGRADATION for one in found)
    assert called <= 4, "without the correction more than half of the twenty incidents would be"


def test_the_correction_rejects_what_many_small_probabilities_support():
    assert discoveries([]) == []
    assert discoveries([0.04] * 10) == [True] * 10
    assert discoveries([0.04] + [0.5] * 9) == [False] * 10


def test_one_good_sample_after_an_incident_is_not_yet_back_but_two_are():
    usual = 100 + 5 * np.random.default_rng(7).normal(size=60)
    times = MINUTE * np.arange(8)

    def said(*values: float) -> str:
        track = Track(kind=Kind.LATENCY, before=usual, times=times, values=np.array(values))
        return lean([track], 7 * MINUTE, MINUTE).verdict.value

    assert said(100, 100, 100, 400, 400, 400, 400, 400) == "residual_degradation"
    assert said(100, 100, 100, 400, 400, 400, 400, 100) == "residual_degradation"
    assert said(100, 100, 400, 400, 400, 400, 100, 100) == "restored"
    assert said(100, 100, 400, 100, 100, 400, 100, 400) == "restored", "spikes are no trouble that lasts"


def test_where_nothing_is_seen_it_leans_to_restored_without_being_sure():
    found = lean([], 0, MINUTE)
    assert (found.verdict, found.series) == (Recovery.RESTORED, 0)
    assert found.probability <= 0.6


def test_a_learned_indicator_takes_its_kind_from_its_name():
    one = Indicator(entity="cart", name="x", kind=Kind.SATURATION, unit="percent")
    assert one.tolerated.of(50.0) == 10.0
    assert msgspec.structs.replace(one, unit="bytes").tolerated.of(50.0) == 5.0
