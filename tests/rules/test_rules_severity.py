"""Severity: unknown is not no, more harm never lowers it, and every fired rule is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rules.packs.severity import DEFAULT
from rules.ruleset import RuleSet
from rules.severity import LEVELS, FiredRule, Grade, Matrix, Policy, SeverityFacts, SeverityRule, When, assess
from rules.severity.conditions import next_change
from rules.ternary import Ternary
from rules.words import WORDS

RULES = RuleSet.default()
YES, NO, OPEN = Ternary.YES, Ternary.NO, Ternary.CANNOT_EXCLUDE


def test_nothing_known_excludes_nothing() -> None:
    result = RULES.severity(SeverityFacts())
    assert (result.user_impact, result.data_loss, result.regulatory) == (OPEN, OPEN, OPEN)
    assert result.level == "SEV5"
    assert set(result.missing) == {"users", "share", "tier", "data_loss", "regulatory", "stores_down", "rto_breach"}


def test_everything_known_and_harmless_is_no() -> None:
    facts = SeverityFacts(
        users=(0, 0),
        users_total=(100, 100),
        tier=3,
        regions_open=False,
        critical_open=False,
        obligations=(),
        rpo_exposed=False,
        data_stores_down=0,
        nondurable=False,
        rto_breach=False,
    )
    result = RULES.severity(facts)
    assert (result.user_impact, result.data_loss, result.regulatory) == (NO, NO, NO)
    assert (result.level, result.fired, result.missing) == ("SEV5", (), ())


def test_a_tier_0_outage_is_the_worst_with_its_numbers() -> None:
    result = RULES.severity(SeverityFacts(tier=0, entities_down=1, users=(10, 20), business=("payments",)))
    assert result.level == "SEV1"
    assert FiredRule("tier0-down", "SEV1", {"tier": 0, "down": 1}) in result.fired
    assert FiredRule("business-down", "SEV2", {"business": ["payments"], "down": 1}) in result.fired
    assert result.user_impact is YES


def test_user_bounds_that_start_at_zero_decide_nothing_but_are_missed_as_far_as_they_reach() -> None:
    result = RULES.severity(SeverityFacts(users=(0, 5000), tier=3))
    assert result.user_impact is OPEN
    assert not [rule for rule in result.fired if "users" in rule.because]
    open_rules = {(rule.id, rule.level): rule.missing for rule in result.open}
    assert open_rules["matrix-many", "SEV3"] in ({"users": (0, 5000)}, {"share": (0, None)})
    assert ("matrix-most", "SEV2") in open_rules, "the share of all users is not known"
    counted = replace(SeverityFacts(users=(0, 5000), tier=3), users_total=(1_000_000, 1_000_000))
    assert "matrix-most" not in {rule.id for rule in RULES.severity(counted).open}, (
        "at most 5,000, at most 5 thousandths"
    )


def test_what_has_lasted_fires_with_its_beginning_and_says_when_the_next_rule_will() -> None:
    hour = 3_600_000
    policy = Policy(
        (
            SeverityRule("two-hours", "SEV2", When(down_for=2 * hour)),
            SeverityRule("a-day", "SEV1", When(lasting=24 * hour)),
        )
    )
    facts = SeverityFacts(at=100, since=0, down_since=50)
    assert assess(policy, facts).level == "SEV5"
    assert next_change([rule.when for rule in policy.rules], facts) == 50 + 2 * hour
    later = replace(facts, at=50 + 2 * hour)
    result = assess(policy, later)
    assert result.fired == (FiredRule("two-hours", "SEV2", {"down_for": {"since": 50, "at_least": 2 * hour}}),)
    assert next_change([rule.when for rule in policy.rules], later) == 24 * hour
    assert next_change([rule.when for rule in policy.rules], replace(facts, at=24 * hour)) is None


def test_a_third_country_of_the_union_counts_as_a_member_state_and_another_does_not() -> None:
    policy = Policy((SeverityRule("r", "SEV2", When(member_states=2)),))
    assert assess(policy, SeverityFacts(regions=("DE", "FR", "US"), regions_open=False)).level == "SEV2"
    swiss = assess(policy, SeverityFacts(regions=("DE", "CH"), regions_open=False))
    assert (swiss.level, swiss.open) == ("SEV5", ())
    unsaid = assess(policy, SeverityFacts(regions=("DE",), regions_open=True))
    assert unsaid.open[0].missing == {"member_states": (1, None)}


def test_no_data_store_down_leaves_only_queues_in_question() -> None:
    assert RULES.severity(SeverityFacts(data_stores_down=0, nondurable=False)).data_loss is NO
    assert RULES.severity(SeverityFacts(data_stores_down=1, nondurable=False)).data_loss is OPEN
    assert RULES.severity(SeverityFacts(data_stores_down=0)).data_loss is OPEN
    assert RULES.severity(SeverityFacts(nondurable=True)).data_loss is YES


def test_a_security_alert_may_have_to_be_reported_even_without_obligations() -> None:
    assert RULES.severity(SeverityFacts(obligations=(), security=True)).regulatory is OPEN
    assert RULES.severity(SeverityFacts(obligations=("dora",))).regulatory is YES
    assert RULES.severity(SeverityFacts(obligations=())).regulatory is NO


def test_an_input_is_missing_only_if_knowing_it_could_matter() -> None:
    worst = RULES.severity(SeverityFacts(tier=0, entities_down=1))
    assert (worst.level, worst.missing) == ("SEV1", ())
    assert "tier" in RULES.severity(SeverityFacts(entities_down=1)).missing


def test_the_matrix_has_a_last_column_for_unknown_tiers() -> None:
    policy = Policy((), Matrix((0,), (Grade("some", (When(affected=1),), ("SEV1", "SEV4")),)))
    assert assess(policy, SeverityFacts(entities_degraded=1, tier=0)).level == "SEV1"
    assert assess(policy, SeverityFacts(entities_degraded=1, tier=1)).level == "SEV4"
    assert assess(policy, SeverityFacts(entities_degraded=1)).level == "SEV4"
    assert assess(policy, SeverityFacts(entities_degraded=1)).missing == ("tier",)


def test_the_page_shows_the_built_in_policy() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules" / "severity.md").read_text()
    for rule in DEFAULT.rules:
        assert f"| {rule.id} | {rule.level} |" in page
    for grade in DEFAULT.matrix.grades:
        assert f"| {' | '.join(grade.levels)} |" in page


maybe_bool = st.none() | st.booleans()
instants = st.none() | st.integers(0, 20_000)
names = st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(tuple)
closed = st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)).map(lambda pair: (min(pair), max(pair)))
bounds = closed | st.integers(0, 200_000).map(lambda low: (low, None))
countries = st.lists(st.sampled_from(["DE", "FR", "US", "CH"]), unique=True).map(tuple)
all_facts = st.builds(
    SeverityFacts,
    users=st.none() | bounds,
    users_total=st.none() | bounds,
    tier=st.none() | st.integers(0, 5),
    business=names,
    regions=countries,
    regions_open=st.booleans(),
    critical=names,
    critical_open=st.booleans(),
    transactions=st.none() | bounds,
    value=st.none() | bounds,
    obligations=st.none() | names,
    rpo_exposed=maybe_bool,
    data_stores_down=st.none() | st.integers(0, 3),
    nondurable=maybe_bool,
    worst_word=st.sampled_from(WORDS),
    entities_down=st.integers(0, 20),
    entities_degraded=st.integers(0, 20),
    entities_at_risk=st.integers(0, 20),
    entities_uncertain=st.integers(0, 3),
    tier_possible=st.none() | st.integers(0, 5),
    later_down=st.integers(0, 5),
    security=st.booleans(),
    lost_heartbeat=st.booleans(),
    at=st.integers(0, 20_000),
    since=instants,
    down_since=instants,
    business_down_since=instants,
    critical_down_since=instants,
    rto_breach=maybe_bool,
)


@st.composite
def whens(draw: st.DrawFn) -> When:
    wanted = {
        "users": st.integers(0, 100_000),
        "share": st.integers(0, 1000),
        "tier": st.integers(0, 4),
        "business": st.integers(0, 3),
        "down": st.integers(0, 10),
        "affected": st.integers(0, 10),
        "stores_down": st.integers(0, 2),
        "regions": st.integers(1, 3),
        "member_states": st.integers(1, 3),
        "critical": st.integers(1, 3),
        "transactions": st.integers(1, 100_000),
        "value": st.integers(1, 100_000),
        "at_risk": st.integers(1, 30),
        "going_down": st.integers(1, 10),
        "lasting": st.integers(1000, 15_000),
        "down_for": st.integers(1000, 15_000),
        "business_down_for": st.integers(1000, 15_000),
        "critical_down_for": st.integers(1000, 15_000),
        "user_impact": st.booleans(),
        "rto_breach": st.booleans(),
        "word": st.sampled_from(WORDS),
        "data_loss": st.booleans(),
        "regulatory": st.booleans(),
        "security": st.booleans(),
        "lost_heartbeat": st.booleans(),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(wanted)), unique=True, max_size=3))
    return msgspec.convert({fact: draw(wanted[fact]) for fact in chosen}, When)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    tiers = tuple(sorted(draw(st.sets(st.integers(0, 3), max_size=3))))
    row = st.lists(st.sampled_from(LEVELS), min_size=len(tiers) + 1, max_size=len(tiers) + 1)
    rules = draw(st.lists(st.builds(SeverityRule, st.just("r"), st.sampled_from(LEVELS), whens()), max_size=4))
    grade = st.builds(
        Grade, st.just("g"), st.lists(whens(), min_size=1, max_size=2).map(tuple), row.map(sorted).map(tuple)
    )
    return Policy(tuple(rules), Matrix(tiers, tuple(draw(st.lists(grade, max_size=3)))))


def earlier(draw: st.DrawFn, since: int | None) -> int | None:
    """What has lasted at least as long."""
    return draw(instants) if since is None else draw(st.integers(0, since))


def more(draw: st.DrawFn, amount: tuple[int, int | None] | None) -> tuple[int, int | None] | None:
    """Bounds of at least as much: the lower one never falls, the upper one never does either."""
    if amount is None:
        return None
    low, high = amount
    plus = draw(st.integers(0, 5000))
    return low + plus, None if high is None or draw(st.booleans()) else high + plus


def worse(draw: st.DrawFn, facts: SeverityFacts) -> SeverityFacts:
    """The same incident with at least as much harm everywhere."""
    since = None if facts.since is None and draw(st.booleans()) else earlier(draw, facts.since)
    down = earlier(draw, facts.down_since)
    return replace(
        facts,
        users=more(draw, facts.users),
        tier=None if facts.tier is None else draw(st.integers(0, facts.tier)),
        business=(*facts.business, *draw(names)),
        regions=tuple(dict.fromkeys((*facts.regions, *draw(countries)))),
        regions_open=facts.regions_open or draw(st.booleans()),
        critical=(*facts.critical, *draw(names)),
        critical_open=facts.critical_open or draw(st.booleans()),
        transactions=more(draw, facts.transactions),
        value=more(draw, facts.value),
        obligations=None if facts.obligations is None else (*facts.obligations, *draw(names)),
        rpo_exposed=facts.rpo_exposed or (draw(st.booleans()) if facts.rpo_exposed is False else None),
        data_stores_down=None if facts.data_stores_down is None else facts.data_stores_down + draw(st.integers(0, 2)),
        nondurable=facts.nondurable or (draw(st.booleans()) if facts.nondurable is False else None),
        worst_word=WORDS[draw(st.integers(WORDS.index(facts.worst_word), len(WORDS) - 1))],
        entities_down=facts.entities_down + draw(st.integers(0, 5)),
        entities_degraded=facts.entities_degraded + draw(st.integers(0, 5)),
        entities_at_risk=facts.entities_at_risk + draw(st.integers(0, 5)),
        entities_uncertain=facts.entities_uncertain + draw(st.integers(0, 5)),
        tier_possible=None if facts.tier_possible is None else draw(st.integers(0, facts.tier_possible)),
        later_down=facts.later_down + draw(st.integers(0, 5)),
        security=facts.security or draw(st.booleans()),
        lost_heartbeat=facts.lost_heartbeat or draw(st.booleans()),
        at=facts.at + draw(st.integers(0, 5000)),
        since=since,
        down_since=down,
        business_down_since=earlier(draw, facts.business_down_since),
        critical_down_since=earlier(draw, facts.critical_down_since),
        rto_breach=facts.rto_breach or (draw(st.booleans()) if facts.rto_breach is False else None),
    )


@given(data=st.data(), facts=all_facts, policy=st.just(DEFAULT) | policies())
def test_more_harm_never_lowers_the_severity(data: st.DataObject, facts: SeverityFacts, policy: Policy) -> None:
    harmed = data.draw(st.composite(worse)(facts))
    before, after = assess(policy, facts), assess(policy, harmed)
    assert after.level <= before.level
    harm = (NO, OPEN, YES)
    for dimension in ("user_impact", "data_loss", "regulatory"):
        assert harm.index(getattr(after, dimension)) >= harm.index(getattr(before, dimension))


def inside(amount: tuple[int, int | None] | None) -> st.SearchStrategy[tuple[int, int | None]]:
    """The exact number, as far as the bounds leave it open."""
    low, high = amount or (0, None)
    return st.integers(low, 400_000 if high is None else high).map(lambda number: (number, number))


def real_tier(facts: SeverityFacts) -> st.SearchStrategy[int]:
    """The best tier that is hit indeed, as far as the facts leave it open."""
    most = 5 if facts.tier is None else facts.tier
    least = facts.tier_possible
    if least is None:
        least = 0 if facts.tier is None else facts.tier
    return st.integers(min(least, most), most)


@given(data=st.data(), facts=all_facts, policy=st.just(DEFAULT) | policies())
def test_a_level_is_final_when_nothing_is_missing(data: st.DataObject, facts: SeverityFacts, policy: Policy) -> None:
    before = assess(policy, facts)
    if before.missing:
        return
    known = replace(
        facts,
        users=data.draw(inside(facts.users)),
        users_total=data.draw(inside(facts.users_total)),
        tier=data.draw(real_tier(facts)),
        tier_possible=None,
        regions=(*facts.regions, *data.draw(countries)) if facts.regions_open else facts.regions,
        regions_open=False,
        critical=(*facts.critical, *data.draw(names)) if facts.critical_open else facts.critical,
        critical_down_since=facts.critical_down_since if not facts.critical_open else facts.down_since,
        critical_open=False,
        transactions=data.draw(inside(facts.transactions)),
        value=data.draw(inside(facts.value)),
        obligations=data.draw(names) if facts.obligations is None else facts.obligations,
        rpo_exposed=data.draw(st.booleans()) if facts.rpo_exposed is None else facts.rpo_exposed,
        data_stores_down=data.draw(st.integers(0, 3)) if facts.data_stores_down is None else facts.data_stores_down,
        nondurable=data.draw(st.booleans()) if facts.nondurable is None else facts.nondurable,
        rto_breach=data.draw(st.booleans()) if facts.rto_breach is None else facts.rto_breach,
    )
    assert assess(policy, known).level == before.level


@given(facts=all_facts)
def test_the_level_is_the_worst_of_all_that_fired(facts: SeverityFacts) -> None:
    result = RULES.severity(facts)
    assert result.level == min((rule.level for rule in result.fired), default="SEV5")


def test_a_tier_condition_holds_for_that_tier_and_more_critical_ones() -> None:
    policy = Policy((SeverityRule("r", "SEV2", When(tier=1)),))
    levels = [assess(policy, SeverityFacts(tier=tier)).level for tier in (0, 1, 2)]
    assert levels == ["SEV2", "SEV2", "SEV5"]
