"""Is service back? Over the API, as charts, in words, in messages and in metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from api.charts import POLICY, Chart, svg
from api.kept import DATABASE
from api.recovery import chart_of, latest, points_by_indicator, recovery_of
from api.telling import incident_in_words
from engine.core import Core
from engine.evidence.baselines.track import SLOTS
from engine.incidents import recovery_gauges
from engine.metrics import EngineMetrics
from engine.ports import Commit
from engine.publish.texts import business, technical
from engine.recovery_points import KEPT, POINTS
from engine.signals import Command
from engine.storage.sqlite import SqliteStore
from tests.api.live import Live, alert, live
from tests.engine.laws import World
from tests.engine.test_engine_onset import live as feed
from tests.engine.test_engine_recovery import SHOP, latency, outage, seen
from tests.scenarios.world import clock
from tests.zygote import program

SVG = "{http://www.w3.org/2000/svg}"


def answered(world: World) -> Any:
    view, state = seen(world), world.core.state
    found = latest(view, state)
    assert found is not None
    return recovery_of(view, found, state, world.driven.timeline)


def drawn(world: World, place: int = 1) -> Chart:
    view, state = seen(world), world.core.state
    points = points_by_indicator(view, state, world.driven.timeline)
    found = chart_of(view, latest(view, state), points, place)
    assert found is not None
    return found


def words(world: World) -> str:
    view = msgspec.to_builtins(seen(world))
    return incident_in_words(view, [], []).split("Is it back? ")[1].split("\n\n")[0]


def test_while_it_recovers_the_answer_is_of_now_and_leans_the_way_that_it_is() -> None:
    found = answered(outage(after=140))
    assert (found.verdict, found.state, found.closed_as) == ("residual_degradation", "recovering", "")
    assert found.at >= clock("10:48"), "numbers are of the latest look, not of the first that said so"
    assert found.leaning.verdict == "residual_degradation"
    assert found.charts[0] == f"/api/v1/incidents/{found.incident}/recovery/1.svg"
    gravest = found.indicators[0]
    assert gravest.least > gravest.margin


def test_what_was_closed_can_be_drawn_when_its_points_are_long_forgotten() -> None:
    world = outage(after=100)
    kept = [line for line in world.driven.timeline if line.kind == KEPT]
    assert len(kept) == 1
    assert len(kept[0].facts["points"]) <= 12
    assert all(len(one["times"]) <= POINTS < SLOTS for one in kept[0].facts["points"])
    view = seen(world)
    points = points_by_indicator(view, None, world.driven.timeline)
    chart = chart_of(view, view.recovery, points, 1)
    assert chart is not None
    assert "restored" in chart.verdict
    assert max(chart.values) > 380, "the incident is in it"
    assert chart.times[0] < clock("09:40")
    assert chart.times[-1] > clock("10:38")
    found = recovery_of(view, view.recovery, None, world.driven.timeline) if view.recovery else None
    assert found is not None
    assert (found.leaning, found.closed_as) == (None, "restored")


def test_an_indicator_that_is_not_there_has_no_chart() -> None:
    world = outage(after=140)
    view, points = seen(world), points_by_indicator(seen(world), world.core.state, [])
    assert [chart_of(view, view.recovery, points, place) for place in (0, 99)] == [None, None]
    assert chart_of(view, view.recovery, {}, 1) is None


def test_a_chart_shows_the_baseline_the_incident_and_the_margin_and_says_so_in_text() -> None:
    root = Tree.fromstring(svg(drawn(outage(after=140))))
    said = [str(one.text) for one in root.iter(f"{SVG}text")]
    assert {"onset", "alerts ended", "margin", "usual, 5 to 95 %"} <= set(said)
    assert any(re.match(r"residual degradation, [34]", text) for text in said)
    assert any(text.startswith("to 4") for text in said), "how far it went, where it leaves the chart"
    assert any(text.endswith("UTC") for text in said)
    described = next(root.iter(f"{SVG}desc")).text or ""
    assert "Incident on 2026-09-22 from 10:0" in described
    assert root.get("role") == "img"
    assert {one.get("class") for one in root.iter(f"{SVG}rect")} == {"b", "i"}


def test_a_chart_runs_nothing_and_fetches_nothing() -> None:
    text = svg(drawn(outage(after=140)))
    assert not {"<script", "href", "url(", "@import", "<image"} & set(text.replace(">", " ").split())
    assert text.count("http") == 1  # its namespace
    assert "script" not in text
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")


def test_a_strangers_text_stays_text_in_a_chart() -> None:
    hostile = '</title><script>alert(1)</script>" onload="x\x00\x1b\ud800'
    chart = msgspec.structs.replace(drawn(outage(after=140)), title=hostile, verdict=hostile)
    root = Tree.fromstring(svg(chart))
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {
        "svg", "title", "desc", "style", "text", "line", "rect", "polyline",
    }  # fmt: skip
    assert "onload" not in root.attrib


@pytest.mark.parametrize("values", [(), (5.0,), (5.0, 5.0), (float("nan"), 1e300), (-1e9, 1e9)])
def test_strange_points_can_be_drawn(values: tuple[float, ...]) -> None:
    times = tuple(60_000 * place for place in range(len(values)))
    chart = Chart(
        title="x", verdict="", usual=(0.0, 0.0, 0.0), bounds=(), onset=0, quiet=None, times=times, values=values
    )
    assert "nan" not in svg(chart).split("<text")[0].split("</desc>")[1]


def test_is_it_back_is_told_in_words_with_intervals_and_margins() -> None:
    told = words(outage(after=140))
    assert told.startswith("No, it is still worse than before (residual degradation)")
    assert re.search(r"request_latency_ms of (cart|shop): residual degradation, [34]", told)
    assert "above its baseline (" in told
    assert "margin " in told
    told = words(outage(after=100))
    assert told.startswith("Yes, it is back at its baseline (restored)")
    assert told.endswith("It was closed as restored: recovery is proven.")
    told = words(outage(after=100, until="10:33"))
    assert "It cannot be said yet (inconclusive)" in told


def test_messages_say_which_way_it_was_closed() -> None:
    proven = outage(after=100).driven.outbox
    assert "Closed as: restored, recovery is proven (restored)" in technical(_last(proven, "engineers")).body
    deviating = World(SHOP)
    feed(deviating, latency("cart", ("09:15", 100), ("10:00", 400), until="10:10"))
    deviating.at("10:10").fire("cart", "Down", severity="critical")
    deviating.at("10:12")
    incident = seen(deviating)
    deviating.driven.feed(clock("10:13"), (Command("ann", "close", incident.id, "good enough"),))
    said = technical(_last(deviating.driven.outbox, "engineers")).body
    assert "Closed as: a deviation by a person, recovery is not proven" in said
    for outbox, expected in ((proven, "it works as before."), (deviating.driven.outbox, "a decision of the team")):
        assert expected in business(_last(outbox, "stakeholders")).body


def _last(outbox: Any, audience: str) -> Any:
    return next(one for one in reversed(outbox) if one.audience == audience and one.action == "resolve")


def test_metrics_count_what_recovers_and_how_it_was_closed() -> None:
    world = outage(after=140)
    assert recovery_gauges(world.core.state.incidents.values()) == {"recovering:residual_degradation": 1}
    assert isinstance(world.core, Core)
    metrics = EngineMetrics(CollectorRegistry())
    metrics.sample(world.core.counts, world.core.gauges())
    verdict = {"verdict": "residual_degradation"}
    assert metrics.registry.get_sample_value("headwater_recovery_verdict", verdict) == 1
    proven = outage(after=100).driven
    metrics.closed(proven.timeline, proven.incidents())
    sampled = metrics.registry.get_sample_value
    assert sampled("headwater_incidents_closed_total", {"closed_as": "restored"}) == 1
    took = sampled("headwater_recovery_proof_seconds_sum")
    assert took is not None
    assert 300 < took < 1200


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("recovery")
    with live(folder) as served:
        assert served.send(alert("Down", "db")).status_code == 200
        yield served


def test_while_alerts_fire_there_is_nothing_to_say_and_of_unknown_ones_neither(firing: Live) -> None:
    incident = firing.incident_of("db")["id"]
    answer = firing.client.get(f"/api/v1/incidents/{incident}/recovery")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:headwater:problem:not-compared")
    assert "alerts still fire" in answer.json()["detail"]
    assert firing.client.get(f"/api/v1/incidents/{incident}/recovery/windows").status_code == 409
    unknown = ("INC-999/recovery", "INC-999/recovery/1.svg", "INC-999/recovery/windows")
    for path in (*unknown, f"{incident}/recovery/1.svg"):
        assert firing.client.get(f"/api/v1/incidents/{path}").status_code == 404, path
    assert firing.client.get(f"/api/v1/incidents/{incident}/recovery/0.svg").status_code in (400, 422)


def test_what_was_compared_is_had_from_the_data_of_a_closed_incident_as_tables(tmp_path: Path) -> None:
    world = outage(after=100)
    _stored(tmp_path, world)
    incident = seen(world).id
    done = program.run_fresh("recovery", "report", incident, "--data", tmp_path, "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {(row["entity"], row["side"]) for row in told["summary"]} >= {("cart", "before"), ("cart", "after")}
    assert {row["quantile"] for row in told["ratios"]} == {0.5, 0.95, 0.99}
    assert len(told["samples"]) > 100
    table = program.run("recovery", "report", incident, "--data", tmp_path, "-f", "csv", "--table", "summary")
    assert table.stdout.startswith("entity,metric,side,windows,n,effective_n,median,p50")
    closed = program.run("recovery", "period", "--data", tmp_path, "--from", "2020-01-01T00:00:00Z", "-f", "csv")
    assert "restored,1," in closed.stdout
    unknown = program.run("recovery", "report", "INC-999", "--data", tmp_path)
    assert unknown.returncode == 1
    assert "nothing was compared" in unknown.stderr


def _stored(folder: Path, world: World) -> None:
    """The last revision and the timeline of its incident, as a server leaves them on disk."""
    view = seen(world)
    with closing(SqliteStore(folder / DATABASE, {})) as store:
        commit = Commit(incidents=[view], timeline=[line for line in world.driven.timeline if line.incident == view.id])
        store.commit(commit)
