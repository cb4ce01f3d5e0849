"""The rule set as a whole: versions, words, heartbeats, modes, routes, and reading files."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import Problem
from rules.gates import Subject
from rules.parse import parse_rules
from rules.routing import RouteFacts
from rules.ruleset import RuleSet
from rules.schema import rules_schema
from rules.severity import SeverityFacts

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "rules" / "rules.yaml").read_text()


def rules(text: str) -> RuleSet:
    found, problems = parse_rules({"rules.yaml": text})
    assert found is not None, problems
    return found


def test_the_example_has_no_problem_and_survives_a_round_trip() -> None:
    found, problems = parse_rules({"rules.yaml": EXAMPLE})
    assert problems == []
    assert found is not None
    again = RuleSet.decode(found.encode())
    assert again.version == found.version
    assert again.content == found.content
    assert again.encode() == found.encode()


def test_no_files_and_an_empty_file_give_the_default() -> None:
    for files in ({}, {"rules.yaml": ""}, {"rules.yaml": "gates:\nroutes:\n"}):
        found, problems = parse_rules(files)
        assert problems == []
        assert found is not None
        assert found.version == RuleSet.default().version


def test_a_version_depends_on_content_and_not_on_files() -> None:
    gates, routes = "gates: {scope: [{id: lab, match: {env: lab}}]}\n", "routes: [{id: r, sinks: [chat]}]\n"
    split, _ = parse_rules({"a.yaml": gates, "b.yaml": routes})
    assert split is not None
    assert split.version == rules(routes + gates).version
    assert split.version != rules(gates).version


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("critical", "critical"), ("page", "critical"), ("P1", "critical"), ("Emergency", "critical"),
        ("FATAL", "critical"), ("1", "critical"), ("Disaster", "critical"), ("error", "error"), ("major", "error"),
        ("high", "error"), ("P2", "error"), ("warning", "warning"), (" minor ", "warning"), ("average", "warning"),
        ("P3", "warning"), ("info", "info"), ("informational", "info"), ("notice", "info"), ("P4", "info"),
        ("P5", "info"), ("ok", "info"), ("none", "none"), ("who knows", "warning"),
    ],
)  # fmt: skip
def test_severity_words_of_many_senders_become_five(theirs: str, ours: str) -> None:
    assert RuleSet.default().severity_word({"severity": theirs}, {}) == ours


def test_severity_comes_from_labels_then_annotations_then_is_warning() -> None:
    default = RuleSet.default()
    assert default.severity_word({"priority": "P1"}, {"severity": "info"}) == "critical"
    assert default.severity_word({}, {"severity": "info"}) == "info"
    assert default.severity_word({}, {}) == "warning"
    assert rules("severity: {words: {Wakeup: critical}}").severity_word({"severity": "WAKEUP"}, {}) == "critical"


def test_a_watchdog_is_a_heartbeat_of_the_prometheus_that_sends_it() -> None:
    default = RuleSet.default()
    labels = {"alertname": "Watchdog", "cluster": "eu-1", "prometheus": "monitoring/k8s"}
    beat = default.heartbeat(labels)
    assert beat is not None
    assert (beat.every, beat.source(labels)) == (None, "eu-1/monitoring/k8s")
    assert beat.source({"alertname": "Watchdog"}) == "Watchdog"
    assert default.heartbeat({"alertname": "WatchdogSlow"}) is None
    own = rules("heartbeats: [{id: watchdog, match: {alertname: Ping}, every: 1m, labels: [site]}]")
    assert own.heartbeat(labels) is None
    assert own.heartbeat({"alertname": "Ping"}) is not None


def test_what_a_person_declared_is_enforced_and_what_is_inferred_is_shadowed() -> None:
    gate = "gates: {scope: [{id: lab, match: {env: lab}}]}\n"
    assert (rules(gate).mode("lab"), rules(gate).mode("evidence.contradicted")) == ("enforce", "shadow")
    set_by_hand = rules(gate + "modes: {lab: shadow, evidence.contradicted: enforce}")
    assert (set_by_hand.mode("lab"), set_by_hand.mode("evidence.contradicted")) == ("shadow", "enforce")
    for mode in ("shadow", "enforce"):
        assert {set_by_hand.with_mode(mode).mode(rule) for rule in ("lab", "evidence.contradicted")} == {mode}


def test_the_first_route_decides_for_its_audiences_unless_it_continues() -> None:
    declared = rules(EXAMPLE)
    sev1 = RouteFacts(severity="SEV1", obligation=("sox", "dora-major"))
    assert declared.sinks(sev1) == {
        "stakeholders": ("compliance-desk", "chat"),
        "engineers": ("pager", "chat"),
        "tickets": ("chat",),
    }
    assert declared.sinks(RouteFacts(severity="SEV4"))["engineers"] == ("chat",)
    assert RuleSet.default().sinks(sev1) == {}


def test_a_negative_route_matcher_must_hold_for_all_values_of_a_list() -> None:
    declared = rules("routes: [{id: r, match: ['business!=\"payments\"'], sinks: [chat]}]")
    assert declared.sinks(RouteFacts(business=("payments", "mail"))) == {}
    assert declared.sinks(RouteFacts(business=("mail",))) != {}
    assert declared.sinks(RouteFacts()) != {}


def test_obligations_of_a_catalogue_that_nobody_declares_are_named() -> None:
    declared = rules(EXAMPLE)
    assert declared.undeclared(["nis2", "dora-major", "gdpr"]) == ("gdpr", "nis2")
    assert declared.obligations["dora-major"].regime == "DORA"


def test_an_operator_s_severity_rule_joins_or_replaces_the_built_in_ones() -> None:
    facts = SeverityFacts(entities_down=1)
    assert RuleSet.default().severity(facts).level == "SEV3"
    assert rules("severity: {rules: [{id: any, level: SEV1, when: {down: 1}}]}").severity(facts).level == "SEV1"
    milder = rules("severity: {without: [entity-down], rules: []}").severity(facts)
    assert "entity-down" not in [rule.id for rule in milder.fired]
    replaced = rules("severity: {rules: [{id: entity-down, level: SEV2, when: {down: 1}}]}").severity(facts)
    assert [rule.level for rule in replaced.fired if rule.id == "entity-down"] == ["SEV2"]


def test_correlation_keeps_defaults_for_what_is_not_given() -> None:
    limits = rules("correlation: {window: 90s, storm_threshold: 50}").correlation
    assert (limits.window, limits.storm_threshold, limits.group_wait) == (90_000, 50, 30_000)


def test_yaml_s_surprises_are_read_as_written() -> None:
    declared = rules("gates: {scope: [{id: 'no', match: {flag: no, at: 02:00, version: 1.10, day: 2026-01-01}}]}")
    subject = Subject({"flag": "no", "at": "02:00", "version": "1.10", "day": "2026-01-01"})
    assert declared.gate(subject, 0) is not None


def test_all_mistakes_of_all_files_are_told_at_once_with_their_lines() -> None:
    _, problems = parse_rules(
        {
            "b.yaml": "gates:\n  scope:\n    - {id: a, match: {x: y}, unknown: 1}\n    - {match: {x: '=~('}}\n",
            "a.yaml": "routes:\n  - {id: r, match: {severity: SEV1}}\n  - id: r\n    sinks: []\n  - 7\n",
            "c.yaml": "- a list\n",
            "d.yaml": "gates: {\n",
        }
    )
    assert [(problem.file, problem.line, problem.check) for problem in problems] == [
        ("a.yaml", 2, "missing-key"),
        ("a.yaml", 3, "duplicate-id"),
        ("a.yaml", 4, "bad-value"),
        ("a.yaml", 5, "bad-value"),
        ("b.yaml", 3, "unknown-key"),
        ("b.yaml", 4, "missing-key"),
        ("b.yaml", 4, "bad-regex"),
        ("c.yaml", 1, "bad-value"),
        ("d.yaml", 2, "not-yaml"),
    ]
    assert str(problems[0]) == "a.yaml:2: sinks is missing"


def test_a_warning_does_not_keep_the_rules_from_coming_into_force() -> None:
    found, problems = parse_rules({"r.yaml": "mapping: [team, team]"})
    assert found is not None
    assert [problem.warning for problem in problems] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x\n",
        "a: !!python/object/apply:os.system [id]\n",
        "[" * 5000,
        "? [a]\n: b\n",
        "\x00",
        "a: !x y\n",
        "--- a\n--- b\n",
    ],
)
def test_hostile_yaml_is_a_problem_and_not_a_crash(text: str) -> None:
    found, problems = parse_rules({"r.yaml": text})
    assert found is None
    assert problems
    assert all(isinstance(problem, Problem) and problem.line >= 1 for problem in problems)


class EditorLoader(yaml.SafeLoader):
    """As editors read: YAML 1.2 has no dates."""


EditorLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def test_the_schema_accepts_the_example_and_refuses_a_slip() -> None:
    schema = rules_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(yaml.load(EXAMPLE, Loader=EditorLoader))) == []
    assert list(validator.iter_errors({"gate": {}}))


plain = st.recursive(
    st.none() | st.text(max_size=12) | st.integers(-5, 5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "match", "entities", "until", "every", "level", "when", "any", "scope"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
SECTIONS = ["mapping", "gates", "heartbeats", "severity", "correlation", "routes", "obligations", "modes"]


@given(st.dictionaries(st.sampled_from(SECTIONS), plain, max_size=4))
def test_any_document_is_rules_or_problems(value: dict[str, object]) -> None:
    found, problems = parse_rules({"r.yaml": yaml.safe_dump(value, allow_unicode=True)})
    assert (found is None) == any(not problem.warning for problem in problems)


@given(st.text(max_size=80))
def test_any_text_is_rules_or_problems(text: str) -> None:
    found, problems = parse_rules({"r.yaml": text})
    assert (found is None) == any(not problem.warning for problem in problems)
