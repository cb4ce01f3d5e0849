"""People say what was real; the engine keeps it, learns nothing by itself, and weighs anew only when told to."""

from __future__ import annotations

import pytest

from engine.core import Core
from engine.evidence.model.cases import AUDIT, INCIDENT, OPERATOR, TICKET, Learning, sampled
from engine.evidence.model.weights import EvidenceModel, Weight, encode, weighed
from engine.evidence.verdict import Term, verdict
from engine.incidents import SELF_CLEARED
from engine.outcomes import Decision
from engine.reasons import Disposition, Reason, Verdict
from engine.signals import AlertEvent, Command, Labels, Millis, Samples, Signal
from engine.stance import CONTRADICTED
from rules.evidence import EvidencePolicy
from rules.gates import Window
from rules.ruleset import INFERENCES, Content, RuleSet
from tests.scenarios.world import Moment, World, chain, clock
from topology.model import Entity

ENFORCE = RuleSet.default().with_mode("enforce")


def measured(rules: RuleSet | None = None, *, tier: int = 2) -> World:
    """A world in which the series of `cart` can tell what is usual."""
    world = World(chain("shop -> cart", entities=[Entity(id="cart", tier=tier)]), rules)
    begin = clock("10:00")
    times = tuple(begin + 60_000 * n for n in range(-90, 1))
    for metric, base in (("latency", 100.0), ("cpu", 50.0)):
        labels = Labels.of({"service": "cart", "__name__": metric})
        world.driven.feed(begin, (Samples(labels, times, tuple(base + n % 5 for n in range(91))),))
    return world


def blip(world: World) -> Moment:
    """An alert that ends by itself at once, although its entity is well."""
    world.at("10:00:10").fire("cart", "Slow", metric="latency")
    return world.at("10:00:30").resolve("cart", "Slow", metric="latency").world.at("10:01:30")


def learning(world: World) -> Learning:
    return world.driven.core.state.learning


MODEL = EvidenceModel(
    weights={
        "brief": Weight(-2.0, 1, 40),
        "claim_ordinary": Weight(-2.0, 1, 40),
        "series_deviates": Weight(1.9, 40, 2),
    },
    prior=0.1,
    real=44,
    false=40,
)


def activate(moment: Moment, model: EvidenceModel = MODEL) -> Moment:
    return moment.command("activate_model", model.version, reason="calibrated", model=encode(model).decode())


def test_the_engines_inferences_are_the_rules_that_may_be_promoted() -> None:
    assert {CONTRADICTED, SELF_CLEARED} == INFERENCES


def test_promoting_an_unknown_rule_is_refused_and_the_known_ones_are_named() -> None:
    world = World(chain("cart"))
    world.at("10:00").command("promote_rule", "contradicted", reason="sure", mode="enforce")
    (line,) = [line for line in world.driven.timeline if line.kind == "refused"]
    assert "evidence.contradicted, evidence.self_cleared" in line.text
    assert world.driven.core.state.modes == {}
    world.at("10:01").command("promote_rule", "evidence.contradicted", reason="sure", mode="enforce")
    assert world.driven.core.state.modes == {"evidence.contradicted": "enforce"}


def test_what_a_rule_suppresses_or_would_have_is_counted_with_its_evidence() -> None:
    for rules, expected in ((None, (0, 1)), (ENFORCE, (1, 0))):
        world = measured(rules)
        blip(world)
        tally = learning(world).rules[SELF_CLEARED]
        assert (tally.suppressed, tally.shadowed) == expected
        world.at("11:00")
        assert world.driven.core.state.alerts == {}
        (case,) = learning(world).cases.values()
        assert (case.rules, bool(case.terms)) == ({SELF_CLEARED: rules is ENFORCE}, True)


def test_an_alert_can_be_judged_while_it_is_there_and_long_after() -> None:
    world = measured()
    first = blip(world).entry("cart", "Slow").alert
    world.at("10:02").command("judge_alert", str(first), reason="deploy", verdict="real")
    assert learning(world).judged[first].outcome is not None
    world.at("12:00").fire("cart", "Slow", metric="latency").resolve("cart", "Slow", metric="latency")
    second = world.events["cart", "Slow"][-2]
    world.at("15:00").command("judge_alert", second, reason="never was", verdict="false")
    outcomes = [(c.event, c.outcome.real, c.outcome.source) for c in learning(world).judged.values() if c.outcome]
    assert outcomes == [(world.events["cart", "Slow"][0], True, OPERATOR), (second, False, OPERATOR)]


@pytest.mark.parametrize(
    ("target", "verdict", "why"),
    [("77", "real", "no alert"), ("1", "maybe", "real or false"), ("x", "false", "no alert")],
)
def test_a_judgement_of_nothing_or_of_no_meaning_is_refused(target: str, verdict: str, why: str) -> None:
    world = measured()
    blip(world)
    world.at("10:02").command("judge_alert", target, reason="so", verdict=verdict)
    (line,) = [line for line in world.driven.timeline if line.kind == "refused"]
    assert why in line.text
    assert learning(world).judged == {}


def test_an_incident_is_judged_with_its_alerts_but_not_over_those_judged_one_by_one() -> None:
    world = World(chain("shop -> cart"))
    world.at("10:00").fire("cart", "Down", severity="critical").fire("shop", "Errors", severity="critical")
    moment = world.at("10:05")
    (view,) = moment.incidents()
    first, second = (moment.entry(entity, name).alert for entity, name in (("cart", "Down"), ("shop", "Errors")))
    moment.command("judge_alert", str(first), reason="seen it", verdict="real")
    moment.command("false_alarm", view.id, reason="nothing there")
    told = {no: (c.outcome.real, c.outcome.source) for no, c in learning(world).judged.items() if c.outcome}
    assert told == {first: (True, OPERATOR), second: (False, INCIDENT)}
    world.at("18:00").command("judge_incident", view.id, reason="closed", verdict="real", code="Solved (Permanently)")
    outcome = learning(world).judged[second].outcome
    assert outcome is not None
    assert (outcome.real, outcome.source, outcome.reason) == (True, TICKET, "Solved (Permanently): closed")
    assert [line.text for line in world.driven.timeline if line.kind == "judged"][-1].startswith("1 of its 2 alerts")


@pytest.mark.parametrize("action", ["close", "review"])
def test_closing_or_reviewing_may_say_how_it_was(action: str) -> None:
    world = World(chain("cart"))
    world.at("10:00").fire("cart", "Down", severity="critical")
    moment = world.at("10:05")
    (view,) = moment.incidents()
    if action == "review":
        moment.command("close", view.id, reason="mended")
        assert learning(world).judged == {}
    moment.command(action, view.id, reason="mended", verdict="real")
    assert [case.outcome.real for case in learning(world).judged.values() if case.outcome] == [True]


def test_what_a_person_says_is_real_comes_out_of_suppression() -> None:
    world = measured(ENFORCE)
    blip(world).expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.SELF_CLEARED, 0)
    number = world.at("10:01:31").entry("cart", "Slow", 0).alert
    world.at("10:01:32").command("judge_alert", str(number), reason="users called", verdict="real")
    world.at("10:01:40").expect_event("cart", "Slow", Disposition.ATTACHED, Reason.EXPLAINED_BY_CAUSE, 0)
    assert learning(world).rules[SELF_CLEARED].released == 1


def test_one_in_a_hundred_of_the_suppressed_is_for_the_audit() -> None:
    window = Window("night", entities=("cart",), starts_at=clock("09:00"), ends_at=clock("23:00"))
    world = World(chain("cart"), RuleSet(Content(maintenance=(window,))))
    for number in range(300):
        world.at("10:00").fire("cart", f"Slow{number}")
    audit = learning(world).audit
    assert {case.event for case in audit.values()} == {e[0] for e in world.events.values() if sampled(e[0])} != set()
    number = next(iter(audit))
    world.at("10:01").command("judge_alert", str(number), reason="looked at it", verdict="false")
    assert number not in audit
    outcome = learning(world).judged[number].outcome
    assert outcome is not None
    assert outcome.source == AUDIT
    assert learning(world).rules["night"].suppressed == 300


def test_a_model_changes_verdicts_only_once_a_person_activates_it() -> None:
    world = measured()
    world.at("10:00:10").fire("cart", "Slow", metric="latency")
    before = world.at("10:05").alert("cart", "Slow")
    assert {term["weight"] for term in before.terms} == {"prior"}
    activate(world.at("10:05:01"))
    after = world.at("10:05:10").alert("cart", "Slow")
    learned = {term["kind"]: term for term in after.terms if term["weight"] == MODEL.version}
    assert learned
    assert all(learned[kind]["log_odds"] == MODEL.weights[kind].log_odds for kind in learned)
    assert world.driven.core.state.learning.model == MODEL
    assert b'"model":"%s"' % MODEL.version.encode() in world.driven.decisions[-1].payload
    world.at("10:06").command("activate_model", "prior", reason="worse")
    assert world.at("10:06:10").alert("cart", "Slow").terms == before.terms
    world.at("10:07").command("activate_model", MODEL.version, reason="better after all")
    assert learning(world).model == MODEL


def test_a_model_of_other_content_than_it_says_is_refused() -> None:
    world = World(chain("cart"))
    moment = world.at("10:00")
    moment.command("activate_model", "0123", reason="x", model=encode(MODEL).decode())
    moment.command("activate_model", "0123", reason="x", model="{")
    moment.command("activate_model", "0123", reason="x")
    moment.command("activate_model", "prior", reason="x")
    said = [line.text for line in world.driven.timeline if line.kind == "refused"]
    assert [
        word in text for word, text in zip(("content is", "cannot be read", "no model", "already"), said, strict=True)
    ]
    assert learning(world).model is None


def script(*, judged: bool = False, activated: bool = False) -> list[tuple[Millis, tuple[Signal, ...]]]:
    """The same telemetry and alerts at the same positions, with and without what people say."""
    begin = clock("10:00")
    times = tuple(begin + 60_000 * n for n in range(-90, 1))
    rows: list[tuple[Millis, tuple[Signal, ...]]] = []
    for metric in ("latency", "cpu"):
        labels = Labels.of({"service": "cart", "__name__": metric})
        rows.append((begin, (Samples(labels, times, tuple(50.0 + n % 5 for n in range(91))),)))
    slow = Labels.of({"alertname": "Slow", "service": "cart", "metric": "latency"})
    slower = Labels.of({"alertname": "Slower", "service": "cart", "metric": "cpu"})
    judge = Command("ada", "judge_alert", "1", "so it was", {"verdict": "false"})
    weigh = Command("eve", "activate_model", MODEL.version, "measured", {"model": encode(MODEL).decode()})
    return [
        *rows,
        (clock("10:00:10"), (AlertEvent(slow, starts_at=clock("10:00:10")),)),
        (clock("10:04"), (judge,) if judged else ()),
        (clock("10:05"), (weigh,) if activated else ()),
        (clock("10:10"), (AlertEvent(slower, starts_at=clock("10:10")),)),
        (clock("10:10:05"), (AlertEvent(slow, firing=False, ends_at=clock("10:10:05")),)),
    ]


def run(rows: list[tuple[Millis, tuple[Signal, ...]]], *, restart: int | None = None) -> tuple[list[Decision], Core]:
    world = World(chain("shop -> cart"), ENFORCE)
    for place, (now, signals) in enumerate(rows):
        world.driven.pass_time(now)
        world.driven.feed(now, signals)
        if place == restart:
            world.driven.restart()
    world.driven.pass_time(clock("12:00"))
    return world.driven.decisions, world.driven.core


def test_judgements_and_an_activation_replay_to_the_same_bytes() -> None:
    rows = script(judged=True, activated=True)
    decisions, core = run(rows)
    again, other = run(rows)
    assert decisions == again
    assert core.snapshot() == other.snapshot()
    for place in range(len(rows)):
        restarted, third = run(rows, restart=place)
        assert restarted == decisions
        assert third.state.learning == core.state.learning


def test_outcomes_alone_change_nothing_but_the_record_of_what_was_said() -> None:
    plain, core = run(script())
    told, other = run(script(judged=True))
    said = [decision for decision in told if b'"judged"' in decision.payload]
    assert len(said) == 1
    assert [decision for decision in told if decision not in said] == plain
    assert set(other.state.learning.judged) == {1}
    assert core.state.learning.judged == {}
    for each in (core, other):
        each.state.learning = Learning()
    assert core.snapshot() == other.snapshot()


def test_an_activated_model_does_change_what_is_decided() -> None:
    assert run(script())[0] != [d for d in run(script(activated=True))[0] if b"model_activated" not in d.payload]


def test_what_a_missed_alert_costs_is_the_operators_to_say() -> None:
    never = RuleSet(Content(evidence=EvidencePolicy(missed=((0, None), (2, None))), modes=(("*", "enforce"),)))
    world = measured(never)
    world.at("10:00:10").fire("cart", "Slow", metric="latency").expect_event(
        "cart", "Slow", Disposition.OPENED, Reason.NEW_TROUBLE
    )


def test_the_claim_alone_confirms_nothing_whatever_was_learned_of_it() -> None:
    world = World(chain("cart"))
    claim = EvidenceModel(weights={"only_traffic": Weight(2.0, 40, 1)}, prior=0.0, real=40, false=40)
    activate(world.at("10:00"), claim)
    term = Term(kind="only_traffic", group="claim", log_odds=-0.5, facts={}, claim=True)
    (seen,) = weighed(learning(world).model, (term,))
    assert (seen.log_odds, verdict((seen,))[0]) == (2.0, Verdict.UNVERIFIABLE)


def test_a_stranger_cannot_bring_a_model_along_under_the_name_of_another() -> None:
    forged = MODEL.version
    other = EvidenceModel(weights={"brief": Weight(2.0, 1, 1)}, prior=0.0, real=40, false=40)
    world = World(chain("cart"))
    command = Command("mallory", "activate_model", forged, "x", {"model": encode(other).decode()})
    world.driven.feed(clock("10:00"), (command,))
    assert learning(world).model is None
