"""Regulatory clocks through what befalls an incident: a split, an end and a return, a restart between two versions."""

from __future__ import annotations

from datetime import date

import msgspec

from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.regimes import PAY, deadline, do, iso, mark, name, outage, regime, rules
from tests.engine.severities import only
from tests.scenarios.world import clock


def test_after_a_split_the_clocks_stay_with_the_incident_and_what_is_split_off_has_its_own() -> None:
    world = World(PAY, rules())
    world.at("10:00").fire("ledger", "Down", severity="critical").fire("cards", "Down", severity="critical")
    world.at("10:02")
    do(world, "10:10", "mark", regime="dora", mark="aware", at=iso("10:05"))
    do(world, "10:20", "mark", regime="dora", mark="classified_major")
    first, number = name(world), world.at("10:21").alert("cards", "Down").no
    world.at("10:30").command("split", first, reason="another matter", alerts=str(number))
    world.at("10:32")
    by = {view.id: view for view in world.driven.incidents()}
    (other,) = by.keys() - {first}
    assert by[other].split_from == first
    assert deadline(by[first], "initial") == ("running", "2026-09-22 14:20")
    assert mark(by[first], "classified_major").at == clock("10:20")
    assert deadline(by[other], "initial")[0] == "waiting", "nobody has classified this one"
    assert mark(by[other], "aware").at is None
    world.at("10:40").command("mark", other, reason="as well", regime="dora", mark="classified_major")
    world.at("10:45").command("mark", first, reason="sent", regime="dora", mark="initial_submitted")
    by = {view.id: view for view in world.driven.incidents()}
    assert deadline(by[other], "initial") == ("running", "2026-09-22 14:40")
    assert deadline(by[first], "initial")[0] == "fulfilled"


def test_clocks_run_through_a_resolution_and_a_reopening() -> None:
    world = outage()
    do(world, "10:10", "mark", regime="dora", mark="classified_major")
    do(world, "11:00", "mark", regime="dora", mark="initial_submitted")
    world.at("11:10").resolve("cards", "Down")
    world.at("11:14:30")
    assert only(world).state == "resolved"
    before = {one.clock: (one.state, one.due) for one in only(world).clocks}
    assert before["intermediate"][0] == "running"
    world.at("11:15").fire("cards", "Down", severity="critical")
    world.at("11:16")
    view = only(world)
    assert (view.state, view.generation) == ("restoring", 2)
    after = {one.clock: (one.state, one.due) for one in view.clocks}
    assert after == before, "a return neither stops nor restarts a clock"
    assert mark(view, "classified_major").at == clock("10:10")
    do(world, "11:40", "mark", regime="dora", mark="intermediate_submitted")
    assert deadline(only(world), "intermediate")[0] == "fulfilled"


def test_a_restart_between_two_versions_of_a_regime_leaves_each_incident_with_the_version_of_its_day() -> None:
    [dora] = rules().regimes
    slower = tuple(
        msgspec.structs.replace(one, due=tuple(msgspec.structs.replace(due, amount=8) for due in one.due))
        if one.id == "initial"
        else one
        for one in dora.clocks
    )
    tomorrow = date(2026, 9, 23)
    versions = (
        msgspec.structs.replace(dora, until=tomorrow),
        msgspec.structs.replace(dora, since=tomorrow, clocks=slower),
    )
    both = RuleSet(msgspec.structs.replace(rules().content, regimes=versions))
    world = World(PAY, both)
    world.at("10:00").fire("cards", "Down", severity="critical")
    world.at("10:02")
    first = name(world)
    assert regime(only(world)).since == "2025-03-12"
    world.at("26:00").restart()
    world.at("26:01").command("mark", first, regime="dora", mark="classified_major", reason="the board")
    (view,) = world.driven.incidents()
    assert regime(view).since == "2025-03-12", "the day on which it was opened counts"
    assert deadline(view, "initial") == ("running", "2026-09-23 06:01")
    world.at("26:10").resolve("cards", "Down")
    world.at("28:00").fire("cards", "Down", severity="critical")
    world.at("28:02").restart()
    world.at("28:03")
    (second,) = (one for one in world.driven.incidents() if one.id != first)
    assert regime(second).since == "2026-09-23"
    world.at("28:10").command("mark", second.id, regime="dora", mark="classified_major", reason="the board")
    by = {view.id: view for view in world.driven.incidents()}
    assert deadline(by[second.id], "initial") == ("running", "2026-09-23 12:10"), "eight hours by the new version"
    assert deadline(by[first], "initial") == ("running", "2026-09-23 06:01")
