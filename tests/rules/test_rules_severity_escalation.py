"""Escalation: who must be reached is data, more harm never lowers it, and files are told what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rules.escalation import Escalation, EscalationRule, escalate
from rules.packs.escalation import DEFAULT
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from rules.severity import LEVELS, SeverityFacts, When

RULES = RuleSet.default()
HOUR = 3_600_000


def fired(facts: SeverityFacts, level: str = "") -> tuple[str, set[str]]:
    """The level and the ids of the rules."""
    severity = RULES.severity(facts)
    result = RULES.escalate(facts, severity, level or severity.level)
    return result.level, {rule.id for rule in result.fired}


def test_a_tier_0_outage_calls_the_crisis_team() -> None:
    level, rules = fired(SeverityFacts(tier=0, entities_down=1))
    assert level == "crisis"
    assert {"worst", "major", "serious", "any"} <= rules


def test_nothing_that_matters_calls_nobody() -> None:
    assert fired(SeverityFacts(worst_word="info")) == ("", set())


def test_the_level_that_a_person_has_set_counts() -> None:
    quiet = SeverityFacts(entities_degraded=1, tier=3)
    assert fired(quiet)[0] == "team"
    assert fired(quiet, "SEV1")[0] == "crisis"
    assert fired(SeverityFacts(tier=0, entities_down=1), "SEV4")[0] == "team"


def test_what_cannot_be_excluded_is_kept_with_what_is_missing() -> None:
    facts = SeverityFacts(entities_down=1, tier=3)
    severity = RULES.severity(facts)
    result = RULES.escalate(facts, severity, severity.level)
    missing = {rule.id: set(rule.missing) for rule in result.open}
    assert missing["data-loss"] == {"data_loss"}
    assert missing["major"] == {"severity"}, "the level could be SEV2, were more known"


def test_the_pages_show_what_is_built_in() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules" / "escalation.md").read_text()
    for rule in DEFAULT.rules:
        assert f"| {rule.id} | {rule.level} |" in page
        assert f"| {', '.join(rule.reach)} |" in page


@given(
    level=st.sampled_from(LEVELS),
    worse=st.integers(0, 4),
    down=st.integers(0, 20),
    more=st.integers(0, 20),
    loss=st.sampled_from([False, None, True]),
    hours=st.integers(0, 30),
    longer=st.integers(0, 30),
)
def test_more_harm_never_lowers_the_escalation(
    level: str, worse: int, down: int, more: int, loss: bool | None, hours: int, longer: int
) -> None:
    facts = SeverityFacts(
        entities_down=down, rpo_exposed=loss, nondurable=False, at=hours * HOUR, since=0, critical_down_since=0
    )
    harmed = replace(facts, entities_down=down + more, rpo_exposed=loss or None, at=(hours + longer) * HOUR)
    before = escalate(DEFAULT, facts, RULES.severity(facts), level)
    after = escalate(
        DEFAULT,
        harmed if loss is not False else replace(harmed, rpo_exposed=False),
        RULES.severity(harmed),
        LEVELS[max(0, LEVELS.index(level) - worse)],
    )
    assert DEFAULT.rank(after.level) >= DEFAULT.rank(before.level)
    if loss is not False:
        assert {rule.id for rule in before.fired} <= {rule.id for rule in after.fired}


def test_declared_rules_join_the_built_in_ones_and_levels_of_ones_own_replace_them() -> None:
    added, problems = parse_rules(
        {
            "a.yaml": "escalation:\n  roles: {crisis_lead: [Ada]}\n  without: [lasting]\n  rules:\n"
            "    - {id: major, level: crisis, when: {severity: SEV2}, reach: [crisis_lead], within: 5m}\n",
            "b.yaml": "escalation:\n  roles: {crisis_lead: [Grace]}\n",
        }
    )
    assert added is not None, problems
    known = {rule.id: rule for rule in added.content.escalation.rules}
    assert known["major"] == EscalationRule("major", "crisis", When(severity="SEV2"), ("crisis_lead",), 300_000)
    assert "lasting" not in known
    assert "worst" in known
    assert added.content.escalation.names("crisis_lead") == ("Ada", "Grace")
    own, problems = parse_rules(
        {
            "a.yaml": "escalation:\n  levels: [desk, board]\n  rules:\n"
            "    - {id: x, level: board, when: {users: 10}, reach: [owners_of_cause], within: 5m}\n"
        }
    )
    assert own is not None, problems
    assert own.content.escalation == Escalation(
        ("desk", "board"), (EscalationRule("x", "board", When(users=10), ("owners_of_cause",), 300_000),), ()
    )


def test_everything_wrong_is_told_at_its_line() -> None:
    rules, problems = parse_rules(
        {
            "r.yaml": "severity:\n"
            "  rules:\n"
            "    - {id: a, level: SEV2, when: {user: 5}}\n"
            "    - {id: b, level: SEV2, when: {share: 1001}}\n"
            "    - {id: c, level: SEV2, when: {users: 0}}\n"
            "    - {id: d, level: SEV6, when: {member_states: 28}}\n"
            "    - {id: e, level: SEV1, when: {lasting: 10}}\n"
            "  matrix:\n"
            "    tiers: [0]\n"
            "    grades:\n"
            "      - {id: some, any: [{users: 1}], levels: [SEV2, SEV3]}\n"
            "      - {id: more, any: [{users: 9}], levels: [SEV1, SEV4]}\n"
            "exposure:\n"
            "  - {id: f, match: {__name__: lag}, gives: lag}\n"
            "escalation:\n"
            "  rules:\n"
            "    - {id: g, level: team, when: {severity: SEV9}, reach: [], within: soon}\n"
        }
    )
    assert rules is None
    told = [str(problem) for problem in problems]
    assert [line.split(":")[1] for line in told] == ["3", "4", "5", "6", "6", "7", "8", "14", "17", "17", "17"], told
    assert "unknown key 'user'" in told[0] or "user" in told[0]
    assert "a milder level than some" in told[6]


def test_samples_of_the_usual_exporters_say_how_far_copies_are_behind() -> None:
    def said(name: str, value: float = 3.0, at: int = 10_000) -> tuple[str, int] | None:
        rule = RULES.exposure({"__name__": name})
        return (rule.gives, rule.milliseconds(value, at)) if rule else None

    assert said("pg_replication_lag_seconds") == ("lag_seconds", 3000)
    assert said("mysql_slave_status_seconds_behind_master") == ("lag_seconds", 3000)
    assert said("mongodb_mongod_replset_member_replication_lag") == ("lag_seconds", 3000)
    assert said("aws_rds_replica_lag_average") == ("lag_seconds", 3000)
    assert said("pgbackrest_backup_since_last_completion_seconds") == ("backup_age_seconds", 3000)
    assert said("backup_last_success_timestamp_seconds", 4.0) == ("backup_age_seconds", 6000)
    assert said("node_cpu_seconds_total") is None
    own, _ = parse_rules(
        {"r.yaml": "exposure:\n  - {id: x, match: {__name__: behind}, gives: lag_seconds, unit: milliseconds}\n"}
    )
    assert own is not None
    rule = own.exposure({"__name__": "behind"})
    assert rule is not None
    assert rule.milliseconds(1500, 0) == 1500
