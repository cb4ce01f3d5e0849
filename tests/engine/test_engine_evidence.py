"""Evidence about an entity, the verdict made of it, and the ranking of causes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cause.rank import FLOOR, Own, Ranking, rank
from engine.correlate.graph import Horizon, Node, SymptomGraph
from engine.correlate.partition import partition
from engine.evidence.baselines.reading import HISTORY_NEEDED
from engine.evidence.kinds import Kind
from engine.evidence.profile import NOTHING, Profiles
from engine.evidence.telemetry import Deviation, Telemetry
from engine.evidence.terms import neighbour_terms, series_terms
from engine.evidence.verdict import CONFIRM, CONTRADICT, GROUP_CAP, TERM_CAP, Term, verdict
from engine.reasons import Verdict
from engine.signals import Labels, LogRecord, Samples
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident
from topology.model import Entity, Topology


def _term(group: str, log_odds: float, *, claim: bool = False) -> Term:
    return Term(kind="k", group=group, log_odds=log_odds, facts={}, claim=claim)


MINUTE = 60_000
MINUTES = [minute * MINUTE for minute in range(200)]


def _deviation(*values: float, window: tuple[int, int] | None = None) -> Deviation | None:
    """Of one series with a value a minute, in the last minute or in the minutes of ``window``."""
    seen = Telemetry()
    seen.add("cart", "f", "cpu", tuple(MINUTES[: len(values)]), values)
    since, until = window or (len(values) - 1, len(values) - 1)
    return next(seen.deviations("cart", since * MINUTE, until * MINUTE), None)


def test_a_series_says_nothing_before_it_has_a_history() -> None:
    for count in range(12):
        assert (_deviation(*([1.0] * count), 50.0) is None) == (count < HISTORY_NEEDED)
    assert _deviation(*([1.0] * 20), window=(30, 40)) is None


def test_a_deviation_is_measured_against_the_usual_spread_with_a_floor() -> None:
    flat = _deviation(*([100.0] * 10), 110.0)
    wide = _deviation(*[80.0, 90.0, 100.0, 110.0, 120.0] * 2, 110.0)
    zero = _deviation(*([0.0] * 10), 0.0)
    assert flat is not None
    assert wide is not None
    assert zero is not None
    assert flat.score == pytest.approx(10.0)
    assert flat.direction == "up"
    assert wide.score < 1
    assert (zero.score, zero.samples) == (0, 1)


def test_a_series_that_ended_is_remembered_as_ended_until_it_speaks_again() -> None:
    seen = Telemetry()
    seen.add("cart", "f", "cpu", (1,), (1.0,))
    seen.stale("cart", "f", 5)
    seen.stale("shop", "f", 5)
    ended = [series.ended for series in seen.series["cart"].values()]
    seen.add("cart", "f", "cpu", (9,), (1.0,))
    ended += [series.ended for series in seen.series["cart"].values()]
    assert ended == [5, None]
    assert "shop" not in seen.series


def test_the_alerting_metric_is_no_evidence_for_its_own_alert() -> None:
    seen = Telemetry()
    for metric in ("cpu", "errors"):
        seen.add("cart", metric, metric, tuple(MINUTES[:11]), (*([1.0] * 10), 50.0))
    now = 10 * MINUTE
    profile = Profiles(seen, now).around("cart", now, now)
    assert [t.facts["metric"] for t in series_terms(profile, Kind.SATURATION, "cpu")] == ["errors"]
    assert [t.facts["metric"] for t in series_terms(profile, Kind.ERRORS, "errors")] == ["cpu"]


def test_series_beyond_the_limit_are_counted_and_not_kept() -> None:
    seen = Telemetry(most=3)
    for number in range(5):
        seen.add("cart", f"f{number}", "cpu", (1, 2), (1.0, 1.0))
    seen.add("cart", "f0", "cpu", (MINUTE,), (1.0,))
    assert (seen.count, seen.ignored, len(seen.series["cart"])) == (3, 4, 3)
    assert [len(series.times) for series in seen.series["cart"].values()] == [2, 1, 1]


def test_no_terms_and_the_claim_alone_are_unverifiable() -> None:
    assert verdict([])[0] is Verdict.UNVERIFIABLE
    assert verdict([_term("alert", 2.0, claim=True), _term("alert", 2.0, claim=True)])[0] is Verdict.UNVERIFIABLE


def test_terms_and_groups_are_capped() -> None:
    assert verdict([_term("logs", 99.0)]) == (Verdict.CONFIRMED, TERM_CAP)
    assert verdict([_term("logs", 2.0)] * 5) == (Verdict.CONFIRMED, GROUP_CAP)
    assert verdict([_term("logs", 99.0), _term("telemetry", 99.0)])[1] == 2 * TERM_CAP
    assert verdict([_term("logs", -99.0)] * 9) == (Verdict.CONTRADICTED, -GROUP_CAP)


def test_negative_evidence_counts_against() -> None:
    assert verdict([_term("logs", 1.5), _term("telemetry", -1.0)])[0] is Verdict.UNVERIFIABLE
    assert verdict([_term("logs", CONFIRM)])[0] is Verdict.CONFIRMED
    assert verdict([_term("logs", CONTRADICT + 0.51)])[0] is Verdict.UNVERIFIABLE


def test_neighbours_alone_confirm_only_together() -> None:
    assert verdict(neighbour_terms(("db",), lambda _: NOTHING))[0] is Verdict.UNVERIFIABLE
    assert verdict(neighbour_terms(("db", "shop"), lambda _: NOTHING))[0] is Verdict.CONFIRMED


def test_an_alert_is_confirmed_by_other_series_and_logs_of_its_entity() -> None:
    world = World(chain("shop -> cart"))
    begin = clock("10:00")
    errors = Labels.of({"service": "cart", "__name__": "errors"})
    times = tuple(begin + 60_000 * n for n in range(-20, 1))
    world.driven.feed(begin, (Samples(errors, times, (*([1.0] * 20), 90.0)),))
    logs = Labels.of({"service": "cart"})
    world.driven.feed(begin, tuple(LogRecord(logs, begin - 60_000 * n, "info", "ok") for n in range(5, 15)))
    world.driven.feed(begin, tuple(LogRecord(logs, begin + n, "error", "boom") for n in range(9)))
    world.at("10:00:01").fire("cart", "Slow", severity="critical").fire("shop", "Slow", severity="critical")
    moment = world.at("10:03").expect(incident(cause="cart"))
    alert = moment.alert("cart", "Slow")
    assert alert.verdict is Verdict.CONFIRMED
    assert {term["kind"] for term in alert.terms} == {"series_deviates", "errors_rise", "neighbour_troubled"}
    assert moment.alert("shop", "Slow").verdict is Verdict.UNVERIFIABLE


def _rank(topology: Topology, *nodes: Node, own: dict[str, Own] | None = None) -> Ranking:
    graph = SymptomGraph(list(nodes), topology, Horizon(300_000, 120_000, 30_000))
    (trouble,) = partition(graph)
    known = own or {}
    return rank(graph, trouble, lambda entity, onset: known.get(entity, Own(1.0 if entity in graph.at else 0.0, 0.0)))


def _node(entity: str, start: int = 0) -> Node:
    return Node(entity, start * 1000, None, 1.0, [start], owners={})


CHAIN = chain("shop -> cart -> db", "pay -> db")


def test_the_provider_that_explains_all_is_first_with_its_path_and_counterfactual() -> None:
    said = _rank(CHAIN, _node("db"), _node("cart", 10), _node("shop", 20), _node("pay", 30))
    best = said.candidates[0]
    assert (best.entity, said.abstained, best.silent) == ("db", "", False)
    assert best.path == ("db", "cart", "shop")
    assert (best.explained, best.unexplained) == (4, 0)
    assert set(best.terms) == {"own", "explained", "precedence", "change", "deviation"}
    cart = next(c for c in said.candidates if c.entity == "cart")
    assert (cart.explained, cart.unexplained) == (2, 2)
    assert "2 of 4 troubled entities" in cart.counterfactual
    assert [c.score for c in said.candidates] == sorted((c.score for c in said.candidates), reverse=True)


def test_a_recent_change_is_a_term_and_is_named() -> None:
    changed = {"db": Own(1.0, 0.0, "deploy 4.2")}
    plain = _rank(CHAIN, _node("db"), _node("cart", 10)).candidates[0]
    said = _rank(CHAIN, _node("db"), _node("cart", 10), own=changed | {"cart": Own(1.0, 0.0)}).candidates[0]
    assert said.score > plain.score
    assert said.terms["change"] == 1.0
    assert "deploy 4.2" in said.counterfactual


def test_equal_candidates_are_not_guessed_between() -> None:
    said = _rank(chain("a -> b", "b -> a"), _node("a"), _node("b"))
    assert said.abstained == "a and b explain it equally well"
    assert [c.entity for c in said.candidates] == ["a", "b"]


def test_nothing_is_named_below_the_floor() -> None:
    lone = _rank(Topology.build([Entity(id="x")]), _node("x"), own={"x": Own(0.01, 0.0)})
    assert (lone.abstained, lone.candidates[0].entity) == (f"no candidate reaches {FLOOR}", "x")


def test_a_silent_provider_that_was_inferred_comes_first() -> None:
    topology = chain("a -> db", "b -> db", "c -> db", "d -> db")
    best = _rank(topology, _node("a"), _node("b", 5), _node("c", 9)).candidates[0]
    assert (best.entity, best.silent, best.explained) == ("db", True, 3)


def test_a_symptom_long_before_it_lowers_a_candidate() -> None:
    early = _rank(chain("shop -> db"), _node("db", 0), _node("shop", 10)).candidates[0]
    late = _rank(chain("shop -> db"), _node("db", 200), _node("shop", 10)).candidates
    assert early.terms["precedence"] == 1.0
    assert next(c for c in late if c.entity == "db").terms["precedence"] < 1.0


@given(st.permutations(["db", "cart", "shop", "pay"]))
def test_the_ranking_does_not_depend_on_the_order_of_the_nodes(order: list[str]) -> None:
    starts = {"db": 0, "cart": 10, "shop": 20, "pay": 30}
    said = _rank(CHAIN, *(_node(name, starts[name]) for name in order))
    assert said == _rank(CHAIN, *(_node(name, start) for name, start in starts.items()))
