"""Back-tests over a recorded day: what other rules would have changed, and what they must not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.backtest import NothingThere
from api.kept import DATABASE
from engine.storage.sqlite.store import SqliteStore
from rules.ruleset import RuleSet
from tests.backtest.recorded import SINKS, alert, backtest, command, record, rules
from tests.scenarios.world import chain, clock
from topology.model import Entity, Topology

SHOP = chain(
    "shop -> cart -> db", "mail -> relay", "lab -> bench",
    entities=[Entity(id="shop", tier=1), Entity(id="mail", tier=3), Entity(id="lab", tier=3)],
)  # fmt: skip
DAY = (
    alert("09:00", "bench"),
    alert("09:10", "bench", firing=False),
    alert("10:00", "db"),
    alert("10:00:05", "cart"),
    alert("10:00:06", "shop", "Slow", severity="warning"),
    alert("10:20", "cart", firing=False),
    alert("10:20", "db", firing=False),
    alert("10:21", "shop", "Slow", firing=False),
    alert("11:00", "relay", "QueueLong", severity="warning"),
    alert("11:30", "relay", "QueueLong", firing=False),
)
SILENT_DB = """
gates:
  silences:
    - {id: quiet, match: {service: "%s"}, until: 2026-12-31T00:00:00Z, comment: too loud}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("data"), SHOP, RuleSet.default(), DAY, end="13:00")


def test_the_same_rules_make_no_difference(day: Path) -> None:
    found = backtest(day, RuleSet.default())
    assert found.equal
    assert not any(found.counts.values())
    assert (found.incidents.before, found.incidents.after, found.agreement) == (3, 3, 1.0)
    assert (found.alert_events, found.inputs) == (10, 12)
    assert found.start.how == "beginning"


def test_a_silence_that_is_too_broad_silences_a_fault_and_says_which(day: Path) -> None:
    two = "    - {id: too, match: ['service=~\"cart|shop\"'], until: 2026-12-31T00:00:00Z}\n"
    found = backtest(day, rules(SILENT_DB % "db" + two))
    assert found.counts["silenced"] == found.counts["gone"] == 1
    (fault,) = found.silenced
    assert (fault.incident.cause, fault.fault, fault.how) == ("db", "it hit tier 1", "kept_back")
    assert fault.rules == ("quiet", "too")
    assert found.unheard.total == 3
    assert {rule.rule: (rule.added, rule.removed) for rule in found.rules} == {"quiet": (1, 0), "too": (2, 0)}
    assert found.rules[0].examples[0].entity == "db"
    assert (found.tickets.before, found.tickets.after) == (3, 2)


def test_a_muted_symptom_takes_the_alert_and_not_the_fault(day: Path) -> None:
    found = backtest(day, rules(SILENT_DB % "shop"))
    assert (found.counts["silenced"], found.counts["gone"], found.unheard.total) == (0, 0, 1)
    assert found.unheard.examples[0].after == "suppressed (silenced)"
    assert found.agreement < 1


def test_what_hits_nobody_important_is_gone_but_no_fault_silenced(day: Path) -> None:
    found = backtest(day, rules(SILENT_DB % "relay"))
    assert (found.counts["silenced"], found.counts["gone"]) == (0, 1)
    assert found.gone[0].entities == ("relay",)


def test_what_people_acknowledged_is_a_fault_whatever_it_hit(tmp_path: Path) -> None:
    plain = record(tmp_path / "plain", SHOP, RuleSet.default(), DAY, end="13:00")
    name = backtest(plain, rules(SILENT_DB % "relay")).gone[0].id
    said = [*DAY[:-1], command("11:10", "acknowledge", name), DAY[-1]]
    found = backtest(record(tmp_path / "said", SHOP, RuleSet.default(), said, end="13:00"), rules(SILENT_DB % "relay"))
    assert [fault.fault for fault in found.silenced] == ["acknowledge by ada"]
    (lost,) = found.commands
    assert (lost.action, lost.target, lost.actor) == ("acknowledge", name, "ada")
    assert "does not exist" in lost.why


def _several(*services: str) -> RuleSet:
    return rules(SILENT_DB.replace('{service: "%s"}', f"""['service=~"{"|".join(services)}"']"""))


def test_what_people_dismissed_as_a_false_alarm_is_no_fault(tmp_path: Path) -> None:
    plain = record(tmp_path / "plain", SHOP, RuleSet.default(), DAY[2:], end="13:00")
    name = next(side.id for side in backtest(plain, _several("db", "cart", "shop")).gone)
    said = [*DAY[2:5], command("10:10", "false_alarm", name), *DAY[5:]]
    folder = record(tmp_path / "said", SHOP, RuleSet.default(), said, end="13:00")
    found = backtest(folder, _several("db", "cart", "shop"))
    assert (found.counts["gone"], found.counts["silenced"], found.counts["commands"]) == (1, 0, 1)


def test_commands_follow_their_incident_under_its_other_name(tmp_path: Path) -> None:
    """The first alert is held under the other rules, so that the incident is named after another input."""
    plain = record(tmp_path / "plain", SHOP, RuleSet.default(), DAY[2:], end="13:00")
    hold = rules("gates: {thresholds: [{id: wait, match: {service: db}, for: 5m}]}")
    names = [side.id for side in backtest(plain, rules(SILENT_DB % "relay")).gone]
    said = [*DAY[2:5], command("10:10", "acknowledge", "INC-3"), *DAY[5:]]
    found = backtest(record(tmp_path / "said", SHOP, RuleSet.default(), said, end="13:00"), hold)
    assert names
    assert found.counts["commands"] == found.counts["gone"] == found.counts["silenced"] == 0
    assert [(rule.rule, rule.what, rule.added) for rule in found.rules] == [("wait", "held", 1)]


def test_a_milder_word_changes_the_severity_and_says_by_which_rules(day: Path) -> None:
    found = backtest(day, rules("severity: {words: {critical: info}}"))
    assert found.counts["gone"] + found.counts["severity"] >= 2
    for change in found.severity:
        assert change.before.severity != change.after.severity
        assert "fired" in change.why


def test_a_longer_group_wait_tells_later_and_nothing_else(day: Path) -> None:
    found = backtest(day, rules("correlation: {group_wait: 2m}"))
    assert {kind for kind, count in found.counts.items() if count} == {"timing"}
    assert found.opening.later == len(found.timing) > 0
    assert found.opening.median == 90.0
    assert found.timing[0].why == "told 90 s later"


def test_another_catalogue_splits_what_it_does_not_connect(day: Path) -> None:
    apart = Topology.build([Entity(id=name) for name in ("shop", "cart", "db", "relay", "bench")], [])
    found = backtest(day, RuleSet.default(), topology=apart)
    assert found.counts["split"] >= 1
    assert found.versions["topology"][1] == apart.version
    assert len(found.split[0].after) > 1


def test_rules_in_shadow_keep_nothing_back(day: Path) -> None:
    found = backtest(day, rules(SILENT_DB % "db"), suppression="shadow")
    assert (found.counts["suppressed"], found.counts["gone"], found.incidents.after) == (0, 0, 3)


def test_a_span_begins_with_what_was_open_then(day: Path) -> None:
    found = backtest(day, rules(SILENT_DB % "relay"), since=clock("11:15"))
    assert (found.inputs, found.counts["suppressed"]) == (1, 1)
    assert found.unheard.total == 0, "people had heard of it before the span"


def test_a_span_ends_where_it_was_told_to(day: Path) -> None:
    found = backtest(day, RuleSet.default(), until=clock("09:30"))
    assert (found.inputs, found.alert_events, found.incidents.before) == (4, 2, 1)
    with pytest.raises(NothingThere):
        backtest(day, RuleSet.default(), since=clock("12:00"))


def test_a_snapshot_before_the_span_saves_the_past(tmp_path: Path) -> None:
    folder = record(tmp_path, SHOP, RuleSet.default(), DAY, end="13:00", every=4)
    found = backtest(folder, rules(SILENT_DB % "relay"), since=clock("10:25"))
    assert (found.start.how, found.start.position, found.inputs) == ("snapshot", 8, 2)
    whole = backtest(folder, rules(SILENT_DB % "relay"), since=clock("10:25"), warm_up=clock("10:25"))
    assert (whole.start.how, whole.start.position) == ("beginning", 0)
    assert (whole.counts, whole.gone, whole.dispositions) == (found.counts, found.gone, found.dispositions)


def test_a_log_that_was_cut_says_since_when_it_is_complete(tmp_path: Path) -> None:
    folder = record(tmp_path, SHOP, RuleSet.default(), DAY, end="13:00", every=4)
    store = SqliteStore(folder / DATABASE, SINKS)
    assert store.prune(clock("23:00"), 100) == 8
    found = backtest(folder, rules(SILENT_DB % "relay"), since=clock("08:00"))  # while an engine has it open
    store.close()
    assert found.since == found.start.complete_since == clock("10:20") / 1000
    assert (found.start.how, found.counts["gone"]) == ("snapshot", 1)
    assert any("does not reach back" in note for note in found.notes)


def test_an_empty_start_says_what_it_cannot_know(day: Path) -> None:
    found = backtest(day, RuleSet.default(), since=clock("10:15"), warm_up=60_000)
    assert found.start.how == "warm_up"
    assert any("not known" in note for note in found.notes)
    assert found.alert_events == 5


def test_it_works_on_a_copy_and_writes_nothing(day: Path, tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    shutil.copytree(day, copy)
    before = (copy / "headwater.db").read_bytes()
    assert backtest(copy, rules(SILENT_DB % "db")).counts == backtest(day, rules(SILENT_DB % "db")).counts
    assert (copy / "headwater.db").read_bytes() == before
