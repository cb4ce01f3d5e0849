"""What a recovery was compared with, as tables: windows, samples, summaries, ratios of quantiles, closings."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from functools import cache

import msgspec
import numpy as np
import pytest

from api.recovery import windows_answer
from api.recovery_report import table
from api.recovery_report.ratios import ratios
from api.recovery_report.written import written
from api.recovery_schemas import WindowsOf
from engine.recovery_windows import KEPT, POINTS, Kept, Windows
from tests.engine.test_engine_recovery import outage, seen
from tests.recovery.made import ar1, level
from tests.scenarios.world import clock

HOUR = 3_600_000
MONDAY = 4 * 86_400_000
"""Monday, 5 January 1970, at midnight."""


def kept(occasion: str, start: int, values: list[float], *, weeks: int = 0, unused: str = "", offset: int = 0) -> Kept:
    times = tuple(start + 60_000 * n for n in range(len(values)))
    end = start + 60_000 * len(values)
    return Kept(
        occasion=occasion, weeks=weeks, start=start, end=end, offset=offset, unused=unused, times=times,
        values=tuple(values),
    )  # fmt: skip


@cache
def cart() -> Windows:
    """Three past weeks, one of which was not used, and an hour after at half again the level."""
    week = 7 * 24 * HOUR
    past = [
        kept("past_week", MONDAY + (3 - n) * week, list(level(60, n)), weeks=n, unused="tainted" * (n == 3))
        for n in (1, 2, 3)
    ]
    return Windows(
        entity="cart", metric="latency", windows=(*past, kept("after", MONDAY + 3 * week, list(1.5 * level(60, 9))))
    )


def test_every_sample_is_a_row_with_its_hour_of_the_week_on_the_wall() -> None:
    frame = table.samples(
        [cart(), Windows(entity="x", metric="m", windows=(kept("after", MONDAY, [1.0], offset=-HOUR),))]
    )
    assert len(frame) == 241
    assert set(frame["window"]) == {"1 weeks ago", "2 weeks ago", "3 weeks ago", "after"}
    assert set(frame[frame["entity"] == "cart"]["hour_of_week"]) == {0}
    assert list(frame[frame["entity"] == "x"]["hour_of_week"]) == [167], "an hour before Monday on the wall"
    assert set(frame[frame["unused"] == "tainted"]["window"]) == {"3 weeks ago"}


def test_a_summary_has_both_sides_without_what_was_not_used() -> None:
    before, after = table.summary([cart()]).to_dict("records")
    assert (before["side"], before["windows"], before["n"]) == ("before", 2, 120)
    assert (after["side"], after["windows"], after["n"]) == ("after", 1, 60)
    assert before["median"] == pytest.approx(100, rel=0.03)
    assert before["p50"] < before["p95"] < before["p99"]
    assert before["iqr"] == pytest.approx(1.35 * 5, rel=0.4)
    assert after["effective_n"] <= 60


def test_ratios_of_quantiles_have_intervals_that_are_the_same_each_time() -> None:
    median, p95, p99 = ratios([level(60, 1), level(60, 2)], 1.5 * level(60, 9))
    assert median.low is not None
    assert median.high is not None
    assert median.low < 1.5 < median.high
    assert median.high - median.low < 0.15
    assert p95.low is not None
    assert (p99.ratio is not None, p99.low) == (True, None), "60 samples have no 99 % quantile to be sure of"
    assert ratios([level(60, 1), level(60, 2)], 1.5 * level(60, 9))[0] == median


def test_intervals_of_ratios_know_the_memory_of_a_series() -> None:
    def width(phi: float) -> float:
        random = np.random.default_rng(4)
        past, after = (100 + 10 * ar1(random, 1, 200, phi)[0] for _ in range(2))
        found = ratios([past], after)[0]
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(0.9) > 1.8 * width(0.0)


def test_one_sample_or_nothing_before_gives_no_interval_and_no_ratio() -> None:
    assert ratios([], np.ones(9)) == []
    assert ratios([np.ones(9)], np.empty(0)) == []
    assert ratios([np.zeros(60)], np.ones(60))[0].ratio is None
    assert ratios([np.ones(60)], np.ones(1))[0].low is None


def test_a_strangers_text_is_no_formula_no_markup_and_no_column() -> None:
    hostile = Windows(entity='=HYPERLINK("http://x")', metric="<b>|a", windows=cart().windows)
    tables = {"summary": table.summary([hostile])}
    rows = list(csv.DictReader(io.StringIO(written("t", tables, "csv"))))
    assert {row["entity"] for row in rows} == {'\'=HYPERLINK("http://x")'}
    assert "<b>" not in written("<b>", tables, "html")
    markdown = written("<b>", tables, "md").splitlines()
    assert "<b>" not in "".join(markdown)
    assert {line.replace("\\|", "").count("|") for line in markdown if line.startswith("|")} == {12}
    assert json.loads(written("t", tables, "json"))["summary"][0]["entity"] == '=HYPERLINK("http://x")'


def test_negative_numbers_are_no_formulas() -> None:
    below = Windows(entity="cart", metric="m", windows=(kept("after", MONDAY, [-3.0, -5.0]),))
    rows = list(csv.DictReader(io.StringIO(written("t", {"samples": table.samples([below])}, "csv"))))
    assert [row["value"] for row in rows] == ["-3.0", "-5.0"]


def test_what_was_compared_is_kept_with_the_incident_when_it_is_closed() -> None:
    world = outage(after=100)
    view = seen(world)
    assert view.recovery is not None
    found = windows_answer(view, view.recovery, None, world.driven.timeline, lambda _: 0)
    again = msgspec.convert(msgspec.to_builtins(found), WindowsOf)
    assert {one.entity for one in again.indicators} >= {"cart", "shop"}
    by_occasion = {one.occasion: one for one in again.indicators[0].windows}
    assert by_occasion["before_onset"].end < clock("10:00")
    assert by_occasion["after"].start == clock("10:31")
    assert 15 <= len(by_occasion["after"].times) <= POINTS
    (line,) = [line for line in world.driven.timeline if line.kind == KEPT]
    assert "Kept for the record" in line.text
    assert set(table.summary(again.indicators)["side"]) == {"before", "after"}


def test_while_it_recovers_the_windows_are_those_at_hand() -> None:
    world = outage(after=140)
    view = seen(world)
    assert view.recovery is not None
    state = world.core.state
    found = windows_answer(view, view.recovery, state, [], lambda _: 0)
    slower = table.tails(found.indicators).query("entity == 'cart' and quantile == 0.5")
    assert list(slower["ratio"]) == pytest.approx([1.4], rel=0.05)


def test_a_period_tells_how_incidents_were_closed_and_how_long_their_proof_took() -> None:
    def closed(id: str, at: str | None, how: str, since: str = "10:00") -> dict:
        found = {"verdict": "restored", "since": clock(since), "unmeasured": [], "accepted": [{"entity": "mail"}]}
        when = clock(at) if at else None
        severity = {"level": "SEV2"}
        return {
            "id": id, "title": id, "severity": severity, "resolved_at": when, "closed_as": how, "recovery": found,
        }  # fmt: skip

    frame = table.period(
        [
            closed("INC-2", "10:30", "restored"), closed("INC-1", "10:10", "restored"), closed("INC-3", None, ""),
            closed("INC-4", "10:40", "deviation"), closed("INC-5", "11:00", "ended"),
        ],
        clock("10:00"),
        clock("11:00"),
    )  # fmt: skip
    assert list(frame["incident"]) == ["INC-1", "INC-2", "INC-4"]
    counted = table.closings(frame).set_index("closed_as")
    assert (counted.loc["restored", "incidents"], counted.loc["restored", "median"]) == (2, 20.0)
    assert counted.loc["deviation", "incidents"] == 1
    assert "| INC-4 |" in written("Recoveries", {"incidents": frame}, "md")


def test_the_server_answers_with_windows_without_the_analysts_packages() -> None:
    probe = "import sys\nfrom api import app, cli, recovery\nprint([m for m in ('pandas',) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
