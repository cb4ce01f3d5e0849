"""Regimes in rules files and in the rule set: packs that ship, an operator's settings, versions, own regimes."""

from __future__ import annotations

from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from rules.document import read
from rules.parse import parse_rules
from rules.regimes import Given, Interval, Regime, evaluate, explained_all, in_force
from rules.regimes.consistency import findings
from rules.regimes.loading import shipped, unchecked
from rules.ruleset import RuleSet
from rules.ternary import Ternary

ROOT = Path(__file__).parents[2]
BERLIN = "{zone: Europe/Berlin, country: DE, subdivision: HE}"
OWN = """
regime_packs:
  - id: acme.contract
    name: Contract with Acme
    jurisdiction: contract
    since: 2026-01-01
    acts: {contract: {act: Master agreement, against: the signed text}}
    facts: [{id: downtime_s, kind: number, unit: s, given: engine, question: 'How long was it down?'}]
    criteria:
      - {id: long, name: Long outage, source: {act: contract, article: '7.2', checked: true}, when: downtime_s > 2h}
    classification: {name: breach, when: long}
    marks: [{id: aware, question: 'When did we know?'}, {id: told, question: 'When was Acme told?'}]
    clocks: [{id: tell, name: Tell Acme, notify: Acme, stops: told, due: [aware + 2bd], close: '18:00'}]
    calendar: {zone: Europe/Berlin, country: DE}
"""


def rules(text: str) -> RuleSet:
    found, problems = parse_rules({"rules.yaml": text})
    assert found is not None, problems
    return found


def millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("regime", shipped(), ids=lambda regime: regime.id)
def test_a_pack_is_consistent_and_every_checked_figure_quotes_its_article(regime: Regime) -> None:
    assert list(findings(regime)) == []
    sources = [criterion.source for criterion in regime.criteria] + [clock.source for clock in regime.clocks]
    sources += [clock.shift.source for clock in regime.clocks if clock.shift]
    sources += [clock.later.source for clock in regime.clocks if clock.later]
    sources += [regime.classification.source] if regime.classification else []
    for source in sources:
        assert source.act
        if source.checked:
            assert source.article
            assert source.quote
            assert "read 2026-11" in source.against
        else:
            assert "not read" in source.against or "secondary" in source.against


@pytest.mark.parametrize("regime", shipped(), ids=lambda regime: regime.id)
def test_a_pack_with_an_unchecked_classification_ships_disabled(regime: Regime) -> None:
    figures = [figure for figure in unchecked(regime) if not figure.startswith("clock")]
    assert not (regime.enabled and figures)


def test_the_page_on_regimes_names_every_pack_and_every_figure_that_was_not_checked() -> None:
    page = (ROOT / "docs" / "regimes.md").read_text()
    for regime in shipped():
        assert f"`{regime.id}`" in page
        for figure in unchecked(regime) if regime.enabled else ():
            assert f"`{figure.removeprefix('clock ')}`" in page


def test_the_packs_ship_in_the_package_and_hold_no_alias() -> None:
    packs = [entry for entry in (files("rules") / "packs" / "regimes").iterdir() if entry.name.endswith(".yaml")]
    assert len(packs) == len(shipped())
    assert all(not read(entry.name, entry.read_text()).problems for entry in packs)


def test_no_regime_counts_until_an_operator_names_it() -> None:
    assert RuleSet.default().regimes == ()
    assert rules("obligations: [{id: report, regime: dora}]").regimes == ()


def test_settings_say_who_the_operator_is_and_the_dates_stand_in_the_content() -> None:
    found = rules(
        f"regimes: {{dora: {{entity_type: payment_institution, calendar: {BERLIN}, facts: {{clients_total: 1_000}}}}}}"
    )
    [dora] = found.regimes
    assert dora.entity == ("payment_institution",)
    assert dora.operator == {"clients_total": Given(1000, by="operator")}
    assert date(2026, 6, 4) in dora.calendar.holidays
    assert dora.calendar.years == (2024, 2035)
    again = RuleSet.decode(found.encode())
    assert again.version == found.version
    assert again.regimes == found.regimes
    assert found.version != rules("regimes: {dora: {entity_type: payment_institution}}").version


def test_what_an_operator_says_for_all_incidents_is_overridden_by_what_is_said_of_one() -> None:
    [dora] = rules("regimes: {dora: {facts: {clients_total: 1000}}}").regimes
    affected = {"clients_affected": Given(101)}
    assert _criterion(dora, affected, "clients_and_transactions") is Ternary.YES
    other = affected | {"clients_total": Given(2000, by="anna")}
    assert _criterion(dora, other, "clients_and_transactions") is Ternary.CANNOT_EXCLUDE


def _criterion(regime: Regime, facts: dict[str, Given], id: str) -> Ternary:
    result = evaluate(regime, facts, millis("2026-03-02T00:00:00+00:00"))
    return next(criterion.answer for criterion in result.criteria if criterion.id == id)


def test_a_regime_can_be_switched_off_and_an_unchecked_one_only_on_with_a_warning() -> None:
    assert rules("regimes: {dora: {enabled: false}}").regimes == ()
    assert rules("regimes: {mas: {enabled: false}}").regimes == ()
    found, problems = parse_rules({"rules.yaml": "regimes: {mas: {enabled: true}}"})
    assert found is not None
    assert [regime.id for regime in found.regimes] == ["mas"]
    assert [(problem.check, problem.warning) for problem in problems] == [("unchecked-regime", True)]


def test_clocks_that_were_not_checked_are_left_out_unless_asked_for() -> None:
    [nydfs] = rules("regimes: {us.nydfs: {enabled: true}}").regimes
    assert [clock.id for clock in nydfs.clocks] == ["notice"]
    [nydfs] = rules("regimes: {us.nydfs: {unchecked: true}}").regimes
    assert [clock.id for clock in nydfs.clocks] == ["notice", "payment", "payment_reasons"]


def test_a_regime_is_in_force_from_midnight_of_its_zone() -> None:
    [dora] = rules("regimes: {dora: {calendar: {zone: Europe/Berlin}}}").regimes
    assert not in_force(dora, millis("2025-03-11T23:59:59+01:00"))
    assert in_force(dora, millis("2025-03-12T00:00:00+01:00"))


def test_versions_of_a_regime_follow_each_other_without_a_gap() -> None:
    versions = """
regime_packs:
  - {id: contract, name: Old, jurisdiction: contract, since: 2025-01-01, until: 2026-01-01}
  - {id: contract, name: New, jurisdiction: contract, since: 2026-01-01}
"""
    found = rules(versions)
    assert [regime.name for regime in found.regimes_at(millis("2025-12-31T23:59:59+00:00"))] == ["Old"]
    assert [regime.name for regime in found.regimes_at(millis("2026-01-01T00:00:00+00:00"))] == ["New"]
    assert found.regimes_at(millis("2024-12-31T00:00:00+00:00")) == ()


def test_an_incident_is_judged_by_the_regimes_of_the_obligations_it_reaches() -> None:
    found = rules(
        "regimes: {dora: {enabled: true}, gdpr: {enabled: true}}\n"
        "obligations: [{id: dora-major, regime: DORA}, {id: sla, regime: SLA}]"
    )
    at = millis("2026-03-02T00:00:00+00:00")
    assert [regime.id for regime in found.regimes_for(["dora-major"], at)] == ["dora", "gdpr"]
    assert [regime.id for regime in found.regimes_for(["sla", "unheard-of"], at)] == ["gdpr"]


def test_an_operators_own_regime_is_written_like_those_that_ship() -> None:
    [own] = rules(OWN).regimes
    result = evaluate(
        own, {"downtime_s": Given(Interval(7000, 7300), estimated=True)}, millis("2026-03-02T00:00:00+00:00")
    )
    assert result.answer is Ternary.CANNOT_EXCLUDE
    assert result.criteria[0].because == ("downtime_s: 1h 56m 40s to 2h 1m 40s may be > 2h",)
    assert result.criteria[0].source.act == "Master agreement"
    assert result.estimated == ("downtime_s",)
    assert [(missing.fact, missing.decides) for missing in result.missing] == [("downtime_s", 2)]
    due = explained_all(own, {"aware": millis("2026-04-02T09:00:00+02:00")})["tell"]
    assert due.at == millis("2026-04-08T18:00:00+02:00")


def test_the_facts_that_decide_most_are_asked_for_first() -> None:
    [dora] = rules("regimes: {dora: {enabled: true}}").regimes
    known = {"critical_function": Given(True), "downtime_s": Given(7201), "malicious_access": Given(False)}
    result = evaluate(dora, known, millis("2026-03-02T00:00:00+00:00"))
    decides = [missing.decides for missing in result.missing]
    assert decides == sorted(decides, reverse=True)
    assert result.missing[0].decides == 1
    assert "member_states" in {missing.fact for missing in result.missing if missing.decides == 1}
    assert "same_root_cause" in {missing.fact for missing in result.missing if missing.decides == 0}


def test_a_value_that_does_not_fit_its_fact_is_refused_with_every_mistake() -> None:
    [dora] = rules("regimes: {dora: {enabled: true}}").regimes
    wrong = {"clients_affected": Given(-1), "in_the_media": Given(3), "costs_eur": Given(Interval(5, 4))}
    with pytest.raises(ValueError, match=r"clients_affected.*; in_the_media.*; costs_eur"):
        evaluate(dora, wrong, 0)


def test_the_rules_on_the_page_are_accepted_as_they_stand() -> None:
    blocks = (ROOT / "docs" / "regimes.md").read_text().split("```yaml\n")[1:]
    for number, block in enumerate(blocks):
        found, problems = parse_rules({f"{number}.yaml": block.split("```")[0]})
        assert problems == []
        assert found is not None
        assert found.regimes
