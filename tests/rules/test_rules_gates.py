"""Gates: what a person declared keeps alerts out, nothing more, and for no longer."""

from __future__ import annotations

from datetime import datetime

import pytest

from rules.gates import Gate, Inhibition, Silence, Subject
from rules.matchers import parse_matchers
from rules.parse import parse_rules
from rules.ruleset import RuleSet

MINUTE = 60_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def rules(text: str) -> RuleSet:
    found, problems = parse_rules({"rules.yaml": text})
    assert found is not None, problems
    return found


def test_by_default_everything_passes_but_what_the_catalogue_leaves_out() -> None:
    default = RuleSet.default()
    assert default.gate(Subject({"alertname": "x"}, entity="db", tier=0, security=True), 0) is None
    left_out = default.gate(Subject({"alertname": "x"}, entity="db", in_scope=False), 0)
    assert left_out == Gate("suppress", "out_of_scope", "catalogue-scope", None)


def test_a_window_covers_its_entity_until_it_ends_and_never_its_consumers() -> None:
    declared = rules(
        "gates: {maintenance: [{id: up, entities: [db],"
        " from: 2026-03-01T22:00:00+01:00, until: 2026-03-01T23:00:00+01:00}]}"
    )
    during = at("2026-03-01T21:30:00+00:00")
    end = at("2026-03-01T22:00:00+00:00")
    assert declared.gate(Subject({}, entity="db"), during) == Gate("suppress", "maintenance", "up", end)
    assert declared.gate(Subject({}, entity="shop-that-needs-db"), during) is None
    assert declared.gate(Subject({}), during) is None
    assert declared.gate(Subject({}, entity="db"), end) is None
    assert declared.gate(Subject({}, entity="db"), at("2026-03-01T20:59:59+00:00")) is None


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-02-28T22:30:00+01:00", "2026-03-01T02:00:00+01:00"),  # a Saturday
        ("2026-03-01T01:59:00+01:00", "2026-03-01T02:00:00+01:00"),  # past midnight, still the Saturday's window
        ("2026-03-01T02:00:00+01:00", None),
        ("2026-03-01T22:30:00+01:00", None),  # a Sunday
        ("2026-02-28T21:59:00+01:00", None),
        ("2026-03-28T22:30:00+01:00", "2026-03-29T03:00:00+02:00"),  # 2:00 does not exist: the clocks go forward
        ("2026-07-04T22:30:00+02:00", "2026-07-05T02:00:00+02:00"),  # summer time
        ("2026-07-04T21:30:00+02:00", None),
    ],
)
def test_a_weekly_window_follows_the_wall_clock_of_its_zone(moment: str, end: str | None) -> None:
    declared = rules(
        "gates: {maintenance: [{id: weekly, entities: [db], every: sat 22:00-02:00, zone: Europe/Berlin}]}"
    )
    gate = declared.gate(Subject({}, entity="db"), at(moment))
    assert (None if gate is None else gate.until) == (None if end is None else at(end))


def test_a_weekly_window_within_dates_ends_with_the_last_date() -> None:
    declared = rules(
        "gates: {maintenance: [{id: w, entities: [db], every: daily 00:00-24:00,"
        " from: 2026-03-01T00:00:00Z, until: 2026-03-02T12:00:00Z}]}"
    )
    subject = Subject({}, entity="db")
    assert declared.gate(subject, at("2026-02-28T12:00:00+00:00")) is None
    inside = declared.gate(subject, at("2026-03-02T06:00:00+00:00"))
    assert inside is not None
    assert inside.until == at("2026-03-02T12:00:00+00:00")


def test_a_silence_needs_all_matchers_and_one_of_its_entities() -> None:
    silence = Silence("s", parse_matchers('alertname="x"'), ("a", "b"), 1000, 2000)
    assert silence.covers(Subject({"alertname": "x"}, entity="b"), 1000)
    assert not silence.covers(Subject({"alertname": "x"}, entity="c"), 1000)
    assert not silence.covers(Subject({"alertname": "y"}, entity="b"), 1000)
    assert not silence.covers(Subject({"alertname": "x"}, entity="b"), 999)
    assert not silence.covers(Subject({"alertname": "x"}, entity="b"), 2000)


def test_a_silence_that_names_nothing_covers_nothing() -> None:
    assert not Silence("s", (), (), 0, 2000).covers(Subject({"alertname": "x"}, entity="b"), 1000)


def test_an_alert_is_held_until_it_has_fired_long_enough() -> None:
    declared = rules("gates: {thresholds: [{id: t, match: {alertname: cpu}, for: 10m}]}")
    subject = Subject({"alertname": "cpu"}, starts_at=5 * MINUTE)
    assert declared.gate(subject, 6 * MINUTE) == Gate("hold", "below_threshold", "t", 15 * MINUTE)
    assert declared.gate(subject, 15 * MINUTE) is None
    assert declared.gate(Subject({"alertname": "disk"}, starts_at=5 * MINUTE), 6 * MINUTE) is None


def test_a_value_counts_beyond_the_line_and_until_it_is_past_the_clear_line_for_long_enough() -> None:
    declared = rules(
        "gates: {thresholds: [{id: t, match: {alertname: disk}, above: 90, clear_below: 80, clear_for: 5m}]}"
    )

    def gate(value: float | None, *, counted: bool = False, cleared_at: int | None = None) -> str:
        subject = Subject({"alertname": "disk"}, value=value, counted=counted, cleared_at=cleared_at)
        answer = declared.gate(subject, 20 * MINUTE)
        return "pass" if answer is None else f"{answer.action} {answer.reason}"

    assert gate(95) == "pass"
    assert gate(85) == "suppress never_reached_threshold"
    assert gate(None) == "pass"
    assert gate(85, counted=True) == "pass"
    assert gate(80, counted=True, cleared_at=16 * MINUTE) == "pass"
    assert gate(80, counted=True, cleared_at=15 * MINUTE) == "suppress below_threshold"
    assert gate(None, counted=True) == "pass"


def test_gates_are_asked_in_order_and_a_suppression_beats_a_hold() -> None:
    declared = rules(
        """
gates:
  thresholds: [{id: t, match: {alertname: x}, for: 10m}]
  silences: [{id: s, match: {alertname: x}, until: 2030-01-01T00:00:00Z}]
  maintenance: [{id: m, match: {alertname: x}, until: 2029-01-01T00:00:00Z}]
  scope: [{id: lab, match: {env: lab}}]
"""
    )
    now = at("2028-06-01T00:00:00+00:00")
    subject = Subject({"alertname": "x"}, starts_at=now)
    order = [
        declared.gate(Subject({"alertname": "x", "env": "lab"}, starts_at=now), now),
        declared.gate(subject, now),
        declared.gate(subject, at("2029-06-01T00:00:00+00:00")),
        declared.gate(
            Subject({"alertname": "x"}, starts_at=at("2030-01-01T00:00:00+00:00")), at("2030-01-01T00:01:00+00:00")
        ),
    ]
    assert [gate and (gate.action, gate.rule) for gate in order] == [
        ("suppress", "lab"),
        ("suppress", "m"),
        ("suppress", "s"),
        ("hold", "t"),
    ]


def test_a_declared_silence_holds_for_tier_0_and_security_too() -> None:
    declared = rules("gates: {silences: [{id: s, entities: [vault], until: 2030-01-01T00:00:00Z}]}")
    gate = declared.gate(Subject({"alertname": "x"}, entity="vault", tier=0, security=True), 0)
    assert gate is not None
    assert gate.rule == "s"


def test_an_inhibition_needs_equal_labels_and_spares_alerts_that_match_both_sides() -> None:
    rule = Inhibition("i", parse_matchers("alertname=NodeDown"), parse_matchers('severity=~"warning|info"'), ("node",))
    down = {"alertname": "NodeDown", "severity": "critical", "node": "n1"}
    assert rule.inhibits(down, {"alertname": "Cpu", "severity": "warning", "node": "n1"})
    assert not rule.inhibits(down, {"alertname": "Cpu", "severity": "warning", "node": "n2"})
    assert not rule.inhibits(down, {"alertname": "Cpu", "severity": "critical", "node": "n1"})
    both = {"alertname": "NodeDown", "severity": "warning", "node": "n1"}
    assert not rule.inhibits(both, both)
    assert rule.inhibits(down, both)
    assert rule.key({}) == ("",)


def test_a_later_suppression_beats_an_earlier_hold_and_of_two_holds_the_first_is_told() -> None:
    declared = rules(
        """
gates:
  thresholds:
    - {id: slow, match: {alertname: x}, for: 10m}
    - {id: slower, match: {alertname: x}, for: 20m}
    - {id: high, match: {alertname: x}, above: 90, clear_below: 80}
"""
    )
    low, high = (declared.gate(Subject({"alertname": "x"}, value=value), MINUTE) for value in (50, 95))
    assert low == Gate("suppress", "never_reached_threshold", "high")
    assert high == Gate("hold", "below_threshold", "slow", 10 * MINUTE)
