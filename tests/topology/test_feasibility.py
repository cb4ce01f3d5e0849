"""What the audit finds, case by case, and that its page says so."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path

import pytest

from topology.catalogue import load_catalogue
from topology.continuity import Continuity
from topology.feasibility.audit import Audit, audit
from topology.feasibility.checks.registry import CHECKS
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.repair import repaired
from topology.feasibility.words import change
from topology.model import Dependency, Entity, Group, Kind, Topology

ROOT = Path(__file__).parents[2]
ON = date(2026, 3, 1)
PAGE = (ROOT / "docs/feasibility.md").read_text(encoding="utf-8")
SECTIONS = {
    section.split("\n", 1)[0]: section for section in PAGE.split("\n## ")[1:] if section.split("\n", 1)[0] in CHECKS
}
LAG = {"orders-db": 90}
"""The lag that the page speaks of."""


def topology(text: str) -> Topology:
    made, problems = load_catalogue([("a.yaml", text)])
    assert problems == []
    assert made is not None
    return made


def audited(text: str, on: date = ON, lag: dict[str, int] | None = None) -> Audit:
    return audit(topology(f"entities: [{text}]"), on, lag)


def of(check: str, text: str, on: date = ON, lag: dict[str, int] | None = None) -> list[Finding]:
    return [finding for finding in audited(text, on, lag).findings if finding.check == check]


def test_every_check_has_a_section_and_every_file_is_a_check() -> None:
    assert list(SECTIONS) == [one for one in SECTIONS if one in CHECKS]
    assert set(SECTIONS) == set(CHECKS)
    files = {path.stem.replace("_", "-") for path in (ROOT / "topology/feasibility/checks").glob("*.py")}
    assert files - {"--init--", "registry", "terms"} == set(CHECKS)


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_the_section_of_a_check_says_what_it_finds(check: str) -> None:
    example = re.search(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", SECTIONS[check], re.DOTALL)
    assert example is not None
    found = [one for one in audit(topology(example[1]), ON, LAG).findings if one.check == check]
    told = [f"{one.severity.value}: {one.sentence}" + (f"; {change(one.fix)}" if one.fix else "") for one in found]
    assert told == example[2].splitlines()


def test_nothing_is_found_where_nothing_is_said() -> None:
    assert audit(Topology.build(), ON) == Audit(Topology.build().version, "2026-03-01", (), {})
    assert audited("{id: a, depends_on: [b]}, {id: b}").findings == ()


def test_an_answer_names_the_version_and_the_day_and_the_least_slack() -> None:
    found = audited(
        "{id: a, rto: 1h, rpo: 10m, mtd: 3h, restore: 20m, depends_on: [b]},"
        "{id: b, kind: database, rto: 30m, replication: 5m}"
    )
    assert found.on == "2026-03-01"
    assert len(found.version) == 16
    assert found.slack == {"rto": 600, "rpo": 300, "mtd": 7200}


def test_the_promise_of_the_slowest_provider_decides_and_the_chain_ends_there() -> None:
    (finding,) = of(
        "rto-chain",
        "{id: a, rto: 1h, restore: 10m, depends_on: [b, c]}, {id: b, rto: 30m}, {id: c, depends_on: [d]},"
        "{id: d, rto: 2h, restore: 2h, depends_on: [e]}, {id: e, rto: 0, restore: 0s}",
    )
    assert finding.chain == ("a", "c", "d")
    assert finding.entities == ("a", "d")
    assert finding.slack == -70 * 60
    assert finding.severity is Level.ERROR
    assert finding.fix == Fix(entity="a", field="rto", value=130 * 60, before=3600)


def test_the_fix_is_a_promise_with_room_then_the_own_restoration_then_the_objective() -> None:
    text = "{{id: a, rto: 1h, restore: {0}, depends_on: [b]}}, {{id: b, rto: 50m, restore: {1}}}"
    fixes = [
        of("rto-chain", text.format(*restore))[0].fix for restore in (("20m", "10m"), ("20m", "50m"), ("12m", "50m"))
    ]
    assert fixes[0] == Fix(entity="b", field="rto", value=2400, before=3000)
    assert fixes[1] == Fix(entity="a", field="restore", value=600, before=1200)
    assert fixes[2] == Fix(entity="a", field="restore", value=600, before=720)
    (tight,) = of("rto-chain", "{id: a, rto: 1h, restore: 5m, depends_on: [b]}, {id: b, rto: 80m, restore: 80m}")
    assert tight.fix == Fix(entity="a", field="rto", value=85 * 60, before=3600)


GROUP = (
    "{{id: a, rto: 1h, depends_on: [{{on: b, group: g}}, {{on: c, group: g}}, {{on: d, group: g, weight: 2}}],"
    "groups: {{g: {0}}}}}, {{id: b, rto: 30m}}, {{id: c, rto: 90m}}, {{id: d, rto: 2h}}"
)


@pytest.mark.parametrize(
    ("group", "last"),
    [
        ("{need: 1}", None),
        ("{need: 2}", "c"),
        ("{need: 3}", "d"),
        ("{need: 1, capacity: 1}", None),
        ("{need: 1, capacity: 2}", "c"),
        ("{need: 1, capacity: 2.5}", "d"),
    ],
)
def test_a_group_waits_for_so_many_members_and_so_much_capacity(group: str, last: str | None) -> None:
    found = of("rto-chain", GROUP.format(group))
    assert [finding.entities for finding in found] == ([("a", last)] if last else [])


def test_a_buffer_gives_time_and_soft_and_info_dependencies_are_not_waited_for() -> None:
    text = "{{id: a, rto: 1h, depends_on: [{{on: b, semantics: {0}}}]}}, {{id: b, rto: 75m, restore: 75m}}"
    assert of("rto-chain", text.format("hard"))[0].slack == -900
    assert of("rto-chain", text.format("async, buffer: 10m"))[0].slack == -300
    assert of("rto-achievable", text.format("async, buffer: 10m"))[0].slack == -300
    for spared in ("async, buffer: 15m", "soft", "info"):
        assert of("rto-chain", text.format(spared)) == []


def test_members_of_a_cycle_are_restored_together_and_the_slowest_is_named() -> None:
    (found,) = of(
        "rto-achievable",
        "{id: a, rto: 1h, restore: 10m, depends_on: [b]}, {id: b, restore: 70m, depends_on: [a, c]},"
        "{id: c, restore: 5m}",
    )
    assert found.chain == ("a", "b", "c")
    assert found.slack == -15 * 60
    assert found.fix == Fix(entity="a", field="rto", value=75 * 60, before=3600)


def test_whatever_can_start_without_the_cycle_is_not_in_it() -> None:
    """Two of which each needs the other or the spare are not deadlocked: the spare starts one, that the other."""
    text = (
        "{id: a, rto: 1h, restore: 10m, depends_on: [{on: b, group: g}, {on: s, group: g}], groups: {g: {}}},"
        "{id: b, rto: 2h, restore: 15m, depends_on: [a]}, {id: s, restore: 30m}"
    )
    assert of("rto-achievable", text) == []
    assert audited(text).slack["rto"] == 20 * 60


def test_a_third_party_takes_what_its_contract_says_else_its_rto() -> None:
    text = "{{id: a, rto: 1h, depends_on: [t]}}, {{id: t, kind: third_party, {0}}}"
    of_both = of("rto-achievable", text.format("rto: 30m, contract: {rto: 2h}"))
    by_contract = [finding for finding in of_both if finding.entities == ("a", "t")]
    by_rto = of("rto-achievable", text.format("rto: 90m, contract: {response: 5m}"))
    assert [finding.slack for finding in by_contract + by_rto] == [-3600, -1800]
    assert by_contract[0].fix == Fix(entity="t", field="contract.rto", value=3600, before=7200)
    assert by_rto[0].fix == Fix(entity="t", field="rto", value=3600, before=5400)
    assert of("rto-achievable", text.format("restore: 30m, contract: {rto: 2h}")) == []


def test_an_rpo_looks_through_services_to_stores_and_takes_replication_before_backups() -> None:
    text = (
        "{{id: a, rpo: 5m, depends_on: [svc]}}, {{id: svc, rpo: 2h, depends_on: [db]}}, {{id: db, kind: database, {0}}}"
    )
    assert of("rpo-chain", text.format("replication: 30s, backup: 24h")) == []
    (found,) = of("rpo-chain", text.format("backup: 1h"))
    assert (found.chain, found.slack, found.fix) == (
        ("a", "svc", "db"),
        -3300,
        Fix(entity="db", field="backup", value=300, before=3600),
    )
    (declared,) = of("rpo-chain", text.format("rpo: 15m, replication: 30s"))
    assert declared.fix == Fix(entity="db", field="rpo", value=300, before=900)
    (held,) = of("rpo-chain", text.format("rpo: 15m, replication: 10m"))
    assert held.fix == Fix(entity="a", field="rpo", value=900, before=300), "the store loses more than a promise mends"


def test_a_lag_that_is_seen_is_counted_and_cannot_be_wished_away() -> None:
    text = "{id: a, rpo: 1m, depends_on: [db]}, {id: db, kind: database, rpo: 2m, replication: 30s}"
    assert of("rpo-store", text) == []
    (found,) = of("rpo-store", text, lag={"db": 300})
    assert "its replication lags by 5 min" in found.sentence
    assert found.fix == Fix(entity="db", field="rpo", value=300, before=120)
    assert of("replication-lag", text, lag={"db": 30, "unknown": 9}) == []
    assert of("replication-lag", text, lag={"db": 31})[0].slack == -1


def test_a_queue_that_forgets_is_told_to_those_who_may_lose_nothing() -> None:
    text = (
        "{{id: a, rpo: 0, depends_on: [b]}}, {{id: b, {0}depends_on: [{{on: q, semantics: {1}}}]}},"
        "{{id: q, kind: {2}, durable: false}}"
    )
    found = of("not-durable", text.format("", "async", "component"))
    assert [finding.chain for finding in found] == [("a", "b", "q")]
    assert found[0].fix == Fix(entity="q", field="durable", value=True, before=False)
    assert len(of("not-durable", text.format("", "hard", "queue"))) == 1
    assert of("not-durable", text.format("rpo: 1m, ", "async", "component")) == []
    assert of("not-durable", text.format("", "hard", "component")) == []
    assert of("not-durable", text.format("", "soft", "queue")) == []


@pytest.mark.parametrize(
    ("on", "severity", "days"),
    [
        (date(2026, 1, 29), None, 91),
        (date(2026, 1, 30), Level.WARNING, 90),
        (date(2026, 4, 30), Level.WARNING, 0),
        (date(2026, 5, 1), Level.ERROR, -1),
    ],
)
def test_a_contract_runs_to_the_end_of_its_last_day(on: date, severity: Level | None, days: int) -> None:
    found = of("contract-expired", "{id: t, kind: third_party, contract: {expires: 2026-04-30}}", on)
    assert [(one.severity, one.slack) for one in found] == ([(severity, days * 86400)] if severity else [])


@pytest.mark.parametrize(
    ("on", "stale"), [(date(2026, 2, 28), False), (date(2027, 2, 28), False), (date(2027, 3, 1), True)]
)
def test_an_assumption_is_stale_after_a_year(on: date, stale: bool) -> None:
    text = "{id: a, assumptions: [{id: x, on: b, agreed_by: coo, reviewed: 2026-02-28}]}, {id: b}"
    assert bool(of("assumption-stale", text, on)) is stale


def test_a_contract_is_held_against_the_tightest_of_those_who_cannot_do_without() -> None:
    """Through an entity without RTO, less restorations, plus a buffer; whoever has an alternative does not count."""
    text = (
        "{id: a, rto: 2h, restore: 10m, depends_on: [svc]}, {id: svc, restore: 20m, depends_on: [t]},"
        "{id: b, rto: 1h, depends_on: [{on: t, semantics: async, buffer: 45m}]},"
        "{id: c, rto: 1m, depends_on: [{on: t, group: g}, {on: u, group: g}], groups: {g: {}}}, {id: u},"
        "{id: t, kind: third_party, contract: {rto: 4h, response: 95m, support: business_hours, rpo: 0}}"
    )
    (found,) = of("contract-rto", text)
    assert (found.chain, found.slack) == (("a", "svc", "t"), 90 * 60 - 4 * 3600)
    assert found.fix == Fix(entity="t", field="contract.rto", value=90 * 60, before=4 * 3600)
    assert of("contract-response", text)[0].slack == -300
    assert of("contract-support", text)[0].chain == ("a", "svc", "t")
    assert of("contract-rpo", text) == []


def test_a_contract_is_held_against_the_own_rto_of_the_third_party() -> None:
    (found,) = of("contract-rto", "{id: t, kind: third_party, rto: 1h, contract: {rto: 2h}}")
    assert found.entities == ("t",)
    assert found.sentence == "by its contract t is back within 2 h, but its own objective is 1 h"


UNITS = "{{id: s, unit: retail, priority: 1, owner: ann, rto: 1h, depends_on: [ledger]}}, " + (
    "{{id: l, unit: lending, priority: {0}, owner: bob, rto: 4h, depends_on: [api]}},"
    "{{id: api, depends_on: [ledger]}}, {{id: ledger, {1}depends_on: [host]}}, {{id: host}}"
)


def checked(priority: int, agreement: str = "") -> list[tuple[str, tuple[str, ...]]]:
    text = UNITS.format(priority, f"agreement: {{{agreement}}}, " if agreement else "")
    checks = ("priority-conflict", "agreement-incomplete", "agreed-against-rto")
    return [(one.check, one.entities) for one in audited(text).findings if one.check in checks]


def test_units_conflict_where_they_meet_and_no_signed_agreement_covers_them() -> None:
    conflict = [("priority-conflict", ("ledger", "l", "s"))]
    assert checked(1) == conflict
    assert checked(1, "order: [retail], by: coo") == conflict
    assert checked(1, "order: [retail, lending]") == conflict
    assert checked(1, "order: [retail, lending], by: coo") == []
    assert checked(2) == []
    assert checked(2, "order: [lending, retail]") == conflict
    assert checked(2, "order: [lending, retail], by: coo") == [("agreed-against-rto", ("ledger", "l", "s"))]
    assert checked(2, "order: [retail], by: coo") == [("agreement-incomplete", ("ledger", "l"))]
    (found,) = of("priority-conflict", UNITS.format(1, ""))
    assert found.owners == ("bob", "ann")
    assert found.fix is None


def test_a_third_unit_below_makes_another_meeting_point() -> None:
    text = UNITS.format(1, "") + ", {id: t, unit: treasury, priority: 1, depends_on: [host]}"
    assert [one.entities[0] for one in of("priority-conflict", text)] == ["host", "ledger"]


def test_what_is_missing_of_important_entities_is_told_in_one_line() -> None:
    (found,) = of("objective-missing", "{id: a, tier: 1}, {id: b, tier: 2}, {id: c, tier: 0, scope: false}")
    assert found.sentence == "a is of tier 1, but it has no owner, no rto, no rpo, no restore"
    assert of("objective-missing", "{id: t, kind: third_party, tier: 0, owner: o, rto: 1h, rpo: 0}") == []


def test_a_group_inverts_tiers_only_when_its_better_members_do_not_suffice() -> None:
    text = (
        "{{id: a, tier: 0, depends_on: [{{on: b, group: g}}, {{on: c, group: g}}], groups: {{g: {{need: {0}}}}}}}, {1}"
    )
    members = "{id: b, tier: 0}, {id: c, tier: 3}"
    assert of("tier-inversion", text.format(1, members)) == []
    assert [one.entities for one in of("tier-inversion", text.format(2, members))] == [("a", "c")]
    (found,) = of("tier-inversion", "{id: a, tier: 1, depends_on: [b]}, {id: b, tier: 2}")
    assert found.severity is Level.INFO


def test_the_last_day_that_there_is_can_be_audited() -> None:
    (found,) = of("contract-expired", "{id: t, kind: third_party, contract: {expires: 2026-04-30}}", date.max)
    assert found.fix == Fix(entity="t", field="contract.expires", value="9999-12-31", before="2026-04-30")


def test_findings_come_worst_first() -> None:
    found = audit(topology((ROOT / "examples/catalogue/shop.yaml").read_text()), ON).findings
    ranks = [list(Level).index(one.severity) for one in found]
    assert ranks == sorted(ranks)
    slacks = [one.slack for one in found if one.severity is Level.ERROR]
    assert slacks == sorted(slack for slack in slacks if slack is not None)


def test_a_topology_with_a_fix_applied_differs_in_that_value_only() -> None:
    before = topology("entities: [{id: a, contract: {rto: 1h, rpo: 0}, assumptions: [{id: x.y, on: b}]}, {id: b}]")
    after = repaired(before, Fix(entity="a", field="contract.rto", value=60))
    after = repaired(after, Fix(entity="a", field="assumptions.x.y.reviewed", value="2026-03-01"))
    after = repaired(after, Fix(entity="b", field="rto", value=5))
    same = topology(
        "entities: [{id: a, contract: {rto: 60, rpo: 0}, assumptions: [{id: x.y, on: b, reviewed: 2026-03-01}]},"
        "{id: b, rto: 5}]"
    )
    assert after.version == same.version


def test_ten_thousand_entities_with_cycles_in_cycles_are_audited_in_a_moment() -> None:
    """A chain of 2,500 circles, each of which waits for the next, closed by a soft dependency to one large cycle."""
    count = 10_000
    entities = [
        Entity(id=f"e{n:05}", kind=Kind.DATABASE, rto=60 * n, continuity=Continuity(restore=120)) for n in range(count)
    ]
    dependencies = [Dependency(consumer=f"e{n:05}", provider=f"e{n - n % 4 + (n + 1) % 4:05}") for n in range(count)]
    dependencies += [Dependency(consumer=f"e{n:05}", provider=f"e{n - 4:05}", group="g") for n in range(4, count, 4)]
    dependencies += [
        Dependency(consumer="e00000", provider=f"e{count - 1:05}", semantics=dependencies[0].semantics.SOFT)
    ]
    groups = [Group(consumer=f"e{n:05}", name="g") for n in range(4, count, 4)]
    large = Topology.build(entities, dependencies, groups)
    before = time.process_time()
    found = audit(large, ON)
    assert time.process_time() - before < 10
    assert found.slack["rto"] == -120
