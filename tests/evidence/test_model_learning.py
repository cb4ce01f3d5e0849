"""Weights from outcomes: what is learned, what is refused, how good it is, and what it takes to promote a rule."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evidence.model.calibration import BINS, calibrate
from engine.evidence.model.cases import (
    AUDIT,
    MOST_AUDIT,
    MOST_CASES,
    MOST_JUDGED,
    OPERATOR,
    Case,
    Learning,
    Outcome,
    Piece,
    sampled,
)
from engine.evidence.model.intervals import at_most, needed, share
from engine.evidence.model.learn import LEAST, LEAST_OF_KIND, held_out, learn
from engine.evidence.model.promotion import promotion
from engine.evidence.model.weights import EvidenceModel, Weight, decode, encode, weighed
from engine.evidence.verdict import TERM_CAP, Term

GOOD, BAD, RARE = Piece("good", "a", 0.2, False), Piece("bad", "b", -0.2, False), Piece("rare", "c", 1.0, False)


def case(number: int, *terms: Piece, real: bool, source: str = OPERATOR, at: int = 0, **more: object) -> Case:
    made = Case(number, f"{number}-0", "Slow", "cart", f"INC-{number}", 0, {}, terms)
    made.outcome = Outcome(real, source, "ada", at)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def world(count: int, seed: int = 1) -> list[Case]:
    """Half are real; `good` is seen in 80 % of these and in 20 % of the others, `bad` vice versa."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        real = dice.random() < 0.5
        terms = [GOOD] if dice.random() < (0.8 if real else 0.2) else []
        terms += [BAD] if dice.random() < (0.2 if real else 0.8) else []
        found.append(case(number, *terms, real=real))
    return found


def test_ratios_that_hold_are_found_and_make_probabilities_better() -> None:
    said = learn(world(2000), None)
    assert said.candidate is not None
    assert said.after is not None
    assert said.candidate.weights["good"].log_odds == pytest.approx(1.386, abs=0.25)
    assert said.candidate.weights["bad"].log_odds == pytest.approx(-1.386, abs=0.25)
    assert (said.after.brier or 1) < (said.before.brier or 0) - 0.02
    assert (said.after.ece or 1) < (said.before.ece or 0)
    assert said.before.count == said.after.count == sum(b.count for b in said.after.bins)
    assert len(said.after.bins) == BINS
    assert "is better" in said.note


def test_nothing_is_proposed_from_too_few_outcomes_and_it_says_what_is_missing() -> None:
    few = learn(world(40), None)
    assert few.candidate is None
    assert few.after is None
    assert f"at least {LEAST} of each" in few.refused
    assert few.real_needed == 299
    assert "takes 299" in few.note
    assert learn([], None).before.brier is None


def test_a_kind_that_was_seldom_seen_keeps_its_prior() -> None:
    cases = world(1000)
    trained = [one for one in cases if not held_out(one.event)]
    for one in trained[: LEAST_OF_KIND - 1]:
        one.terms = (*one.terms, RARE)
    said = learn(cases, None)
    assert said.candidate is not None
    assert "rare" not in said.candidate.weights
    assert said.kept == {"rare": LEAST_OF_KIND - 1}


def test_weights_are_clipped_and_alerts_without_evidence_teach_nothing() -> None:
    sure = [case(number, GOOD if number % 2 else BAD, real=bool(number % 2)) for number in range(400)]
    none = [case(1000 + number, real=True) for number in range(50)]
    said = learn(sure + none, None)
    assert said.candidate is not None
    assert [weight.log_odds for weight in said.candidate.weights.values()] == [-TERM_CAP, TERM_CAP]
    assert said.without_evidence == 50
    assert learn(sure, None).candidate == said.candidate


def test_only_outcomes_of_the_span_count() -> None:
    cases = world(400)
    late = [case(9000 + number, GOOD, real=False, at=99) for number in range(400)]
    assert learn(cases + late, None, until=50).candidate == learn(cases, None, until=50).candidate
    assert learn(cases + late, None, since=99).real == 0


@given(st.permutations(range(80)))
def test_the_candidate_does_not_depend_on_the_order_of_the_outcomes(order: list[int]) -> None:
    cases = world(400)
    shuffled = [cases[number] for number in order] + cases[80:]
    assert learn(shuffled, None) == learn(cases, None)


def _model(**weights: float) -> EvidenceModel:
    return EvidenceModel(weights={k: Weight(v, 20, 20) for k, v in weights.items()}, prior=0.0, real=40, false=40)


def test_a_model_replaces_weights_by_kind_and_names_itself_beside_the_prior() -> None:
    terms = (
        Term(kind="good", group="a", log_odds=0.8, facts={"x": 1}),
        Term(kind="good", group="a", log_odds=0.8, facts={}),
        Term(kind="other", group="b", log_odds=0.5, facts={}),
    )
    model = _model(good=1.2)
    first, second, other = weighed(model, terms)
    assert first.log_odds + second.log_odds == pytest.approx(1.2)
    assert first.facts == {"x": 1, "weight": model.version, "prior_log_odds": 0.8}
    assert other is terms[2]
    assert weighed(None, terms) is terms
    assert weighed(_model(elsewhere=1.0), terms) is terms


def test_a_model_is_its_content() -> None:
    model = _model(good=1.2, bad=-0.4)
    assert decode(encode(model)) == model
    assert decode(encode(model)).version == model.version != _model(good=1.3, bad=-0.4).version


def test_the_rule_of_three_and_wilson() -> None:
    assert needed(0.01) == 299
    assert at_most(0, 298) > 0.01 >= round(at_most(0, 299), 6)
    assert at_most(3, 100) > 0.03
    half = share(5, 10)
    assert (half.low, half.high) == (0.2366, 0.7634)
    assert share(0, 0).value is None


def test_calibration_counts_wrong_verdicts() -> None:
    sure = Piece("s", "a", 2.0, False)
    against = (Piece("x", "a", -2.0, False), Piece("y", "b", -2.0, False))
    said = calibrate([case(1, sure, real=False), case(2, *against, real=True), case(3, sure, real=True)], None, 0.0)
    assert (said.confirmed_false, said.contradicted_real, said.real, said.false) == (1, 1, 2, 1)


def _judged(*cases: Case) -> Learning:
    learning = Learning()
    for one in cases:
        assert one.outcome is not None
        learning.judge(one, one.outcome)
    return learning


def test_a_rule_is_promoted_only_with_enough_outcomes_behind_it() -> None:
    rule = "evidence.contradicted"
    nothing = promotion(Learning(), rule, "shadow")
    assert (nothing.enough, nothing.verdict.split(";")[0]) == (False, "no labelled outcome stands behind it")
    caught = [case(number, real=False, rules={rule: False}) for number in range(20)]
    few = promotion(_judged(*caught, *(case(100 + n, real=True) for n in range(50))), rule, "shadow")
    assert (few.enough, few.labelled, few.precision.value, few.recall.value) == (False, 20, 1.0, 1.0)
    assert "20 labelled outcomes stand behind it; not enough to promote" in few.verdict
    enough = promotion(_judged(*caught, *(case(100 + n, real=True) for n in range(299))), rule, "shadow")
    assert (enough.enough, enough.missed_at_most) == (True, 0.01)


def test_a_rule_that_would_have_silenced_a_fault_is_not_promoted_and_the_fault_is_named() -> None:
    rule = "evidence.self_cleared"
    lone = case(1, real=True, rules={rule: False}, incident="INC-7")
    seen = case(2, real=True, rules={rule: True}, incident="INC-8", outcome=Outcome(True, AUDIT, "ada", 0))
    other = case(3, real=True, incident="INC-8")
    said = promotion(_judged(lone, seen, other, *(case(100 + n, real=True) for n in range(400))), rule, "shadow")
    assert (said.enough, said.real, said.audited) == (False, 2, 1)
    assert [(one.incident, one.alerts) for one in said.silenced] == [("INC-7", [1])]
    assert "do not promote" in said.verdict
    assert promotion(_judged(lone), rule, "shadow", {"INC-7"}).silenced == []


class _Alert:
    def __init__(self, no: int) -> None:
        self.no, self.event, self.name, self.entity, self.incident = no, f"{no}-0", "Slow", "cart", ""
        self.terms: tuple[Term, ...] = ()


def test_the_tables_are_bounded_and_the_audit_sample_waits_longest() -> None:
    learning = Learning()
    chosen = [number for number in range(1, 200_000) if sampled(f"{number}-0")]
    others = [number for number in range(1, 60_000) if not sampled(f"{number}-0")]
    assert len(chosen) == pytest.approx(2000, rel=0.1)
    for number in (chosen[0], *others[: MOST_CASES + 50]):
        learning.keep(_Alert(number), "r", 0, shadow=False)
    assert (len(learning.cases), learning.forgotten, list(learning.audit)) == (MOST_CASES, 50, [chosen[0]])
    for number in chosen[1 : MOST_AUDIT + 5]:
        learning.keep(_Alert(number), "r", 0, shadow=True)
    assert (len(learning.audit), chosen[0] in learning.audit) == (MOST_AUDIT, False)
    for number in others[: MOST_JUDGED + 5]:
        learning.judge(learning.case_of(_Alert(number), 0), Outcome(True, OPERATOR, "ada", 0))
    assert len(learning.judged) == MOST_JUDGED


def test_a_rule_counts_an_alert_once_and_a_promotion_moves_it() -> None:
    learning, alert = Learning(), _Alert(1)
    for shadow in (True, True, False, True):
        learning.keep(alert, "r", 0, shadow=shadow)
    assert (learning.rules["r"].suppressed, learning.rules["r"].shadowed) == (1, 0)
    learning.release(1)
    assert (learning.rules["r"].released, learning.cases[1].rules) == (1, {})
