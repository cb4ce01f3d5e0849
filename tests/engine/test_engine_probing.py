"""Answers of probes as evidence: for and against alerts, as series, and across a restart. Unknown says nothing."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from api.argument import alert_argued
from api.evidence_words import WORDS
from engine import own
from engine.evidence.answers import KEPT
from engine.outcomes import AlertView
from engine.probing import wanted
from engine.signals import Activation, Answer
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, clock

SHOP = chain("shop -> cart -> db")
SECOND = 1000


def rules(*probes: str) -> RuleSet:
    rows = "\n".join(f"  - {{id: {one}, entity: cart, kind: tcp, target: 'cart:80'}}" for one in probes)
    check = "data_checks:\n  - {id: copies, entity: cart, kind: rows, database: o, query: select 1, least: 1}\n"
    found, problems = parse_rules({"rules.yaml": f"probes:\n{rows}\n{check}"})
    assert found is not None, problems
    return found


def answer(probe: str, at: str, passed: str, *, plus: int = 0, kind: str = "tcp", entity: str = "cart") -> Answer:
    when = clock(at) + plus
    return Answer(probe, entity, kind, when, passed, 12, detail="connected" if passed == "yes" else "refused")


def judged(
    *answers: Answer, name: str = "CartDown", probes: tuple[str, ...] = ("door", "page")
) -> tuple[World, AlertView]:
    """The cart alerts at 10:00; the answers come as they are made."""
    world = World(SHOP, rules(*probes))
    early = [one for one in answers if one.at <= clock("10:00")]
    for one in early:
        world.driven.feed(one.at, [one])
    world.at("10:00").fire("cart", name, severity="critical")
    for one in answers:
        if one not in early:
            world.driven.pass_time(one.at)
            world.driven.feed(one.at, [one])
    world.at("10:10")
    return world, next(one for one in world.driven.alerts.values() if one.name == name)


def checks(alert: AlertView) -> dict[str, tuple[float, dict[str, object]]]:
    return {
        term["kind"]: (term["log_odds"], term["facts"]) for term in alert.terms if term["kind"].startswith("check_")
    }


def failing(count: int) -> list[Answer]:
    return [answer("door", "10:00", "no", plus=10 * SECOND * n + 5 * SECOND) for n in range(count)]


def passing(*probes: str, count: int = 3) -> list[Answer]:
    return [answer(p, "10:00", "yes", plus=10 * SECOND * n + 5 * SECOND) for p in probes for n in range(count)]


def test_a_probe_that_fails_again_confirms_an_alert_by_itself() -> None:
    _, once = judged(*failing(1))
    assert (once.verdict, checks(once)["check_failed"][0]) == ("unverifiable", 1.0)
    _, again = judged(*failing(3))
    weight, facts = checks(again)["check_failed"]
    assert (again.verdict, weight) == ("confirmed", 1.5)
    assert facts == {"probe": "door", "check": "tcp", "failed": 3, "of": 3, "said": "refused", "duration_ms": 12}


def test_it_is_shown_with_its_numbers() -> None:
    _, alert = judged(*failing(3), *passing("page"))
    said = alert_argued(msgspec.json.decode(msgspec.json.encode(alert)))
    assert "the tcp check door failed 3 of 3 times: refused" in [one.text for one in said.speaks_for]
    assert any("page passed 3 times" in one.text for one in said.speaks_against)
    assert {"check_failed", "check_passed", "check_unknown"} <= WORDS.keys()


def test_a_passed_probe_speaks_against_the_claim_that_nobody_is_there_and_no_other() -> None:
    _, down = judged(*passing("door"))
    assert checks(down)["check_passed"][0] == -1.0
    _, both = judged(*passing("door", "page"))
    assert checks(both)["check_passed"][0] == -1.5
    _, slow = judged(*passing("door", "page"), name="LatencyHigh")
    assert "check_passed" not in checks(slow)
    _, before = judged(answer("door", "09:59", "yes", plus=50 * SECOND))
    assert "check_passed" not in checks(before), "what passed before the alert says nothing of it"


def test_one_failure_among_many_that_passed_says_nothing() -> None:
    _, alert = judged(*passing("door", count=5), answer("door", "10:01", "no"))
    assert checks(alert) == {}


def test_two_failures_in_a_row_count_whatever_passed_later() -> None:
    _, alert = judged(*failing(2), *[answer("door", "10:01", "yes", plus=n * SECOND) for n in range(10)])
    weight, facts = checks(alert)["check_failed"]
    assert (weight, facts["failed"], facts["of"]) == (1.5, 2, 12)
    assert "said" not in facts, "what it said last was that all is well"


def test_unknown_and_absent_are_neutral() -> None:
    _, none = judged()
    _, unknown = judged(*[answer("door", "10:00", "unknown", plus=n * SECOND) for n in range(1, 4)])
    assert (none.verdict, checks(none)) == ("unverifiable", {})
    assert (unknown.verdict, checks(unknown)["check_unknown"][0]) == ("unverifiable", 0)


def test_data_that_is_sound_is_no_evidence_that_the_store_can_be_reached() -> None:
    sound = [answer("copies", "10:00", "yes", plus=n * SECOND, kind="rows") for n in range(1, 4)]
    broken = [answer("copies", "10:00", "no", plus=n * SECOND, kind="rows") for n in range(1, 4)]
    assert checks(judged(*sound)[1]) == {}
    assert checks(judged(*broken)[1])["check_failed"][0] == 1.5


def test_answers_are_series_of_the_entity_and_do_not_count_twice() -> None:
    usual = [answer("door", "09:30", "yes", plus=30 * SECOND * n) for n in range(60)]
    world, alert = judged(*usual, *failing(6), name="LatencyHigh")
    telemetry = world.core.state.telemetry
    metrics = {one.metric: one for one in telemetry.series["cart"].values()}
    assert metrics.keys() == {"probe_success", "probe_duration_seconds"}
    assert metrics["probe_success"].values[-1] == 0.0
    assert metrics["probe_duration_seconds"].values[-1] == pytest.approx(0.012)
    kinds = [term["kind"] for term in alert.terms]
    assert kinds.count("check_failed") == 1
    assert "series_deviates" not in kinds


def test_the_order_of_arrival_does_not_matter() -> None:
    rows = [
        answer("door", "10:00", passed, plus=n * SECOND) for n, passed in enumerate(("yes", "no", "no", "unknown"), 1)
    ]
    found = set()
    for order in permutations(rows):
        world = World(SHOP, rules("door"))
        world.at("10:00").fire("cart", "CartDown", severity="critical")
        for n, one in enumerate((*order, order[0])):
            world.driven.feed(clock("10:00") + (10 + n) * SECOND, [one])
        world.at("10:10")
        alert = next(iter(world.driven.alerts.values()))
        found.add((alert.verdict, msgspec.json.encode(alert.terms)))
    assert len(found) == 1


def test_answers_survive_a_restart_and_are_bounded() -> None:
    world = World(SHOP, rules("door"))
    for n in range(3 * KEPT):
        world.driven.feed(clock("09:00") + n * SECOND, [answer("door", "09:00", "yes", plus=n * SECOND)])
    world.driven.feed(clock("09:30"), [answer("stranger", "09:30", "no"), answer("door", "09:30", "no", entity="db")])
    world.at("09:40").restart()
    state = world.core.state
    assert list(state.answers) == ["door"]
    assert len(state.answers["door"].points) == KEPT
    assert state.answers_ignored == 2
    other = rules("page")
    world.driven.library.add_rules(other)
    world.driven.feed(clock("09:41"), [Activation("rules", other.version)])
    assert world.core.state.answers == {}


def test_an_answer_of_the_future_counts_from_now() -> None:
    world = World(SHOP, rules("door"))
    world.driven.feed(clock("09:00"), [answer("door", "15:00", "no")])
    assert world.core.state.answers["door"].points[0][0] == clock("09:00")


def test_an_answer_in_the_input_log_is_read_as_it_was_written() -> None:
    found = answer("door", "10:00", "no")
    record = own.answer(found)
    (again,) = own.decode(record.body).signals
    assert isinstance(again, Answer)
    assert msgspec.structs.asdict(again) == msgspec.structs.asdict(found)


def test_open_incidents_ask_for_their_entities_and_recovering_ones_for_their_data() -> None:
    world = World(SHOP)
    world.at("10:00").fire("db", "DbDown", severity="critical").fire("cart", "Errors", severity="critical")
    world.at("10:05")
    asked = wanted(world.driven.incidents())
    assert {"db", "cart"} <= asked.often
    assert asked.restored == {}
    world.at("10:06").resolve("db", "DbDown").resolve("cart", "Errors")
    world.at("10:08")
    assert [one.state for one in world.driven.incidents()] == ["recovering"]
    recovering = wanted(world.driven.incidents())
    assert recovering.restored.keys() == recovering.often
    world.at("14:00")
    assert wanted(world.driven.incidents()).often == frozenset()


def test_data_that_was_checked_before_the_last_alert_ended_is_checked_again() -> None:
    world = World(SHOP, rules("door"))
    world.at("10:00").fire("cart", "Down", severity="critical").fire("cart", "Slow", severity="critical")
    world.at("10:05").resolve("cart", "Down").resolve("cart", "Slow")
    world.driven.feed(clock("10:05:20"), [answer("copies", "10:04", "yes", plus=50 * SECOND, kind="rows")])
    first = wanted(world.driven.incidents()).restored["cart"]
    world.at("10:06:30")
    assert wanted(world.driven.incidents()).restored["cart"] != first
    world.driven.feed(clock("10:06:40"), [answer("copies", "10:06", "yes", plus=40 * SECOND, kind="rows")])
    world.at("10:08")
    assert wanted(world.driven.incidents()).restored["cart"] == first, "that the probe has no answer does not matter"
