"""Explanations: every kind of term has words, and the argument says what the numbers say."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.argument import alert_argued, began_in_words, explanation, member_in_words
from api.cause_words import TERMS, abstention, arguments, first_before_second
from api.evidence_words import SOURCES, WORDS, term_in_words
from api.telling import alert_in_words, argued_incident
from engine.cause.rank import FLOOR
from engine.evidence.verdict import Term
from engine.reasons import Verdict
from engine.signals import Millis, Signal
from tests.engine.laws import World
from tests.engine.test_engine_onset import SHOP, live, samples, slow_cart, told
from tests.scenarios.world import chain, clock

ENGINE = Path(__file__).resolve().parents[2] / "engine"
FACTS: dict[str, Any] = {
    "metric": "latency", "usual": 10.0, "seen": 30, "deviation": 12.5, "as_bad_before": 3, "samples": 4,
    "kind": "latency",
    "lasted_ms": 90_000, "sampled_every_ms": 60_000, "entity": "cart", "deviating": 2, "share": 0.25, "doors": ["shop"],
    "feeling": ["shop"], "template": "no connection", "minutes": 6, "history_minutes": 60, "dispersion": 2.0, "p": 1e-5,
    "class": "failed", "first_seen": 1_790_000_000_000, "subject": "shop → cart", "score": 9.0, "ratio": 2.5,
    "spans": 40, "history": 400, "basis": "history", "reason": "warming", "series": 2, "metrics": ["cpu", "mem"],
    "last_line": 1_790_000_000_000, "first_line": 1_790_000_000_000, "groups": 256, "since": 1_790_000_000_000,
    "until": 1_790_000_060_000,
    "probe": "shop-front", "probes": ["shop-front"], "check": "http", "failed": 2, "of": 3, "passed": 4, "tries": 2,
    "said": "503", "duration_ms": 120, "value": 0.5, "unit": "s",
}  # fmt: skip
"""A value of every fact that a term can have."""


def _kinds(expression: ast.expr, tree: ast.Module) -> set[str]:
    """The kinds that the argument ``kind`` of a term can be."""
    if isinstance(expression, ast.Constant):
        return {str(expression.value)}
    if isinstance(expression, ast.IfExp):
        return _kinds(expression.body, tree) | _kinds(expression.orelse, tree)
    if isinstance(expression, ast.JoinedStr):  # f"{found.kind}_up", of the signals of spans
        assert ast.unparse(expression) == "f'{found.kind}_up'", "say here what this can be"
        return {f"{kind}_up" for kind in ("self_time", "network_time", "errors")}
    assert isinstance(expression, ast.Name)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and expression.id in map(ast.unparse, node.targets):
            found |= _kinds(node.value, tree) if isinstance(node.value, ast.Constant | ast.IfExp) else set()
        if isinstance(node, ast.FunctionDef) and node.name == "_weigh":  # claim: (kind, weight)
            for value in ast.walk(node):
                if isinstance(value, ast.Tuple) and isinstance(value.elts[0], ast.Constant):
                    found.add(str(value.elts[0].value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_term":
            found |= _kinds(node.args[0], tree)
    assert found, f"where does {expression.id} come from?"
    return found - {""}


def _yielded() -> set[str]:
    found: set[str] = set()
    for path in sorted(ENGINE.rglob("*.py")):
        if path.parent.name == "model":
            continue  # it weighs the terms of others
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Term":
                found |= _kinds(next(word.value for word in node.keywords if word.arg == "kind"), tree)
    return found


def test_every_kind_of_term_that_the_engine_yields_has_words_and_no_other_has() -> None:
    assert _yielded() == set(WORDS)


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_the_words_of_a_term_need_no_other_facts_than_terms_have(kind: str) -> None:
    said = WORDS[kind](FACTS)
    assert len(said) > 20
    assert "{" not in said
    assert term_in_words({"kind": kind, "facts": FACTS}) == said


def test_a_term_of_another_version_is_named_with_its_facts() -> None:
    assert (
        term_in_words({"kind": "moon_phase", "facts": {"phase": 0.25, "of": ["a"]}}) == "moon phase: phase 0.25, of a"
    )
    assert term_in_words({"kind": "brief", "facts": {}}) == "brief"


def test_every_term_of_a_candidate_has_words() -> None:
    plain, measured = World(chain("shop -> cart -> db")), World(SHOP)
    plain.at("10:00").fire("cart", "Down", severity="critical").fire("shop", "Down", severity="critical")
    plain.at("10:03")
    slow_cart(measured)
    kinds = {name for world in (plain, measured) for one in told(world).candidates for name in one.terms}
    assert kinds == set(TERMS)


def test_every_group_of_terms_has_a_name() -> None:
    world = World(SHOP)
    slow_cart(world)
    groups = {term["group"] for alert in world.driven.alerts.values() for term in alert.terms}
    assert groups
    assert groups <= set(SOURCES)


def _argued(world: World) -> Any:
    view = told(world)
    lines = [line for line in world.driven.timeline if line.incident == view.id]
    alerts = [alert for alert in world.driven.alerts.values() if alert.incident == view.id]
    return argued_incident(view, lines, alerts)


def test_an_incident_is_argued_from_sign_to_cause() -> None:
    world = World(SHOP)
    world.at("09:57").change("db", "deploy", "4.2")
    slow_cart(world)
    said = _argued(world)
    assert said.cause == "db"
    assert said.abstained == ""
    assert "db is the likeliest cause" in said.conclusion
    assert said.began.startswith("2026-09-22 10:01:00 UTC, 4 min before its first alert: series of db (latency)")
    first, second = said.candidates[:2]
    assert (first.entity, second.entity) == ("db", "cart")
    assert any("deploy 4.2 of db" in one.text and "4 min before the onset" in one.text for one in first.speaks_for)
    assert any("is explained by its providers: db (latency by" in one.text for one in second.speaks_against)
    assert any("for how far it is to blame" in line for line in said.first_before_second)
    assert any("leaves unexplained: cart" in one.text for one in said.candidates[2].speaks_against)
    assert "db deviates without an alert since 2026-09-22 10:01:00 UTC, provider of cart" in said.text
    assert "were db found healthy, cart" in said.text
    json.loads(msgspec.json.encode(said))


def test_numbers_in_the_argument_are_those_of_the_terms() -> None:
    world = World(SHOP)
    slow_cart(world)
    for alert in world.driven.alerts.values():
        argued = alert_argued(json.loads(msgspec.json.encode(alert)))
        weights = [one.weight for one in (*argued.speaks_for, *argued.speaks_against, *argued.not_used)]
        assert sorted(weights) == sorted(term["log_odds"] for term in alert.terms)
        assert (argued.log_odds >= argued.confirmed_from) == (alert.verdict is Verdict.CONFIRMED)


def test_what_could_not_be_used_is_named_and_counts_for_nothing() -> None:
    world = World(SHOP)
    young: list[tuple[Millis, Signal]] = samples("cart", "cpu", "10:02", "10:05", 10)
    live(world, samples("cart", "latency", "09:00", "10:05", 100), young)
    world.at("10:05").fire("cart", "ErrorsHigh", severity="critical")
    live(world, samples("cart", "latency", "10:05", "10:09", 100), samples("cart", "cpu", "10:05", "10:09", 10))
    world.at("10:12")
    (alert,) = world.driven.alerts.values()
    unused = [term for term in alert.terms if term["group"] == "unusable"]
    assert [(term["facts"]["reason"], term["facts"]["metrics"]) for term in unused] == [("warming", ["cpu"])]
    assert all(term["log_odds"] == 0 for term in unused)
    argued = alert_argued(json.loads(msgspec.json.encode(alert)))
    assert "too little history to know what is usual: cpu" in argued.not_used[0].text
    assert "not used: 1 of its series" in alert_in_words(json.loads(msgspec.json.encode(alert)), "1-0", [])


def test_an_immaterial_latency_is_counter_evidence_with_its_numbers() -> None:
    facts = {"measured": True, "immaterial": {"moved": 3.0, "entity": "checkout", "takes": 90.0}}
    candidate = {
        "entity": "db",
        "silent": True,
        "explained": 7,
        "unexplained": 2,
        "terms": {"own": 0.02},
        "facts": facts,
    }
    said = [words for _, side, words in arguments(candidate) if side == "against"]
    assert "its latency rose by 3, where checkout usually takes 90: immaterial" in said


def test_the_engine_says_when_a_rise_of_latency_is_immaterial() -> None:
    world = World(SHOP)
    live(
        world,
        samples("shop", "latency", "09:00", "10:05", 900, "10:02", 1500),
        samples("cart", "latency", "09:00", "10:05", 30, "10:02", 45),
    )
    world.at("10:05").fire("shop", "LatencyHigh", severity="critical")
    world.at("10:14")
    cart = next(one for one in told(world).candidates if one.entity == "cart")
    assert cart.facts["immaterial"]["entity"] == "shop"
    said = next(one for one in _argued(world).candidates if one.entity == "cart")
    assert any("immaterial" in one.text for one in said.speaks_against)


def test_an_abstention_is_argued_with_the_scores() -> None:
    two = [{"entity": "a", "score": 0.9, "terms": {}}, {"entity": "b", "score": 0.899, "terms": {}}]
    tied = {"abstained": "a and b explain it equally well", "candidates": two}
    assert abstention(tied, FLOOR) == "a and b explain it equally well: a 0.900, b 0.899"
    low = {"abstained": "no candidate reaches 0.15", "candidates": [{"entity": "a", "score": 0.05}]}
    assert abstention(low, FLOOR) == "no candidate reaches 0.15: the best, a, has 0.05"
    assert first_before_second(two[0], two[1]) == []


def test_a_tie_says_what_would_decide_it() -> None:
    world = World(chain("a -> b", "b -> a"))
    world.at("10:00").fire("a", "Down", severity="critical").fire("b", "Down", severity="critical")
    world.at("10:03")
    said = _argued(world)
    assert said.cause is None
    assert "anything measured of a or b that the other does not show" in said.would_change


def test_a_verdict_says_how_far_it_is_from_another() -> None:
    term = {
        "kind": "neighbour_troubled",
        "group": "topology",
        "log_odds": 0.8,
        "facts": {"entity": "db"},
        "claim": False,
    }
    alert = {
        "no": 1, "name": "Slow", "entity": "cart", "verdict": "unverifiable", "disposition": "held",
        "reason": "awaiting_evidence", "terms": [term], "held_until": clock("10:05"),
    }  # fmt: skip
    said = alert_argued(alert)
    assert said.log_odds == 0.8
    assert said.would_change[0] == "0.7 more would confirm it, 3.3 less contradict it"
    assert "until 2026-09-22 10:05:00 UTC" in said.would_change[1]
    assert "log records" in said.nothing_from
    bare = alert_argued({**alert, "terms": []})
    assert bare.would_change[0].startswith("any evidence from elsewhere would: there is none from other series")
    assert msgspec.structs.fields(Term)  # the dictionary above is a term


def test_an_incident_of_an_earlier_version_is_explained_too() -> None:
    """Revisions that were stored before onsets and members were known."""
    world = World(SHOP)
    slow_cart(world)
    fields = json.loads(msgspec.json.encode(told(world)))
    for name in ("members", "members_total", "onset_by", "onset_provisional", "first_alert_at"):
        del fields[name]
    for one in fields["candidates"]:
        del one["facts"]
    said = explanation(fields, [])
    assert said.joined == []
    assert said.began.endswith("with its first alert")


def test_a_doubtful_beginning_says_so() -> None:
    sign = {
        "at": clock("10:00"), "entity": "cart", "source": "series", "what": "latency", "after": clock("09:49"),
        "unsure": True, "facts": {"usual": 100, "seen": 190},
    }  # fmt: skip
    said = began_in_words(
        {"onset": clock("10:00"), "first_alert_at": clock("10:05"), "onset_by": sign, "onset_provisional": True}
    )
    assert "perhaps earlier, as nothing was seen between 2026-09-22 09:49:00 UTC and then" in said
    assert said.endswith("not final yet, as late input may move it")


def test_members_are_told_by_kind() -> None:
    world = World(chain("a -> db", "b -> db", "c -> db", "d -> db"))
    moment = world.at("10:00")
    for name in "abcd":
        moment.fire(name, "Down", severity="critical")
    world.at("10:03")
    said = {one.entity: member_in_words(json.loads(msgspec.json.encode(one))) for one in told(world).members}
    assert said["db"] == "db is inferred, provider of a: nothing is measured of it"
    assert said["a"].endswith("it needs db, which never reported and would explain several")
