"""Frames of a recovery: every sample of the windows, a summary by indicator and side, the ratios of quantiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from api.recovery_report.ratios import ratios
from engine.recovery.autocorrelation import memory, worth
from engine.recovery.window import Floats
from engine.recovery_windows import Kept, Windows

HOUR = 3_600_000
MONDAY = 4
"""Days from Monday to the day on which 1970 began."""
SAMPLES = ("entity", "metric", "window", "side", "time", "hour_of_week", "value", "unused")
SUMMARY = ("entity", "metric", "side", "windows", "n", "effective_n", "median", "p50", "p95", "p99", "iqr")
RATIOS = ("entity", "metric", "quantile", "before", "after", "ratio", "low", "high")
PERIOD = (
    "incident", "title", "severity", "resolved", "closed_as", "verdict", "minutes_to_proof", "unmeasured", "accepted",
)  # fmt: skip


def samples(indicators: Iterable[Windows]) -> pd.DataFrame:
    """A row for each sample; the hour of the week is that of the clock on the wall, 0 on Monday at midnight."""
    rows = [row for one in indicators for window in one.windows for row in _rows(one, window)]
    return pd.DataFrame(rows, columns=list(SAMPLES))


def summary(indicators: Sequence[Windows]) -> pd.DataFrame:
    """By indicator and side, of the windows that were compared."""
    frame = samples(indicators)
    used = frame[frame["unused"] == ""]
    rows = []
    for (entity, metric, side), part in used.groupby(["entity", "metric", "side"], sort=False):
        values = part["value"]
        low, median, high = values.quantile([0.25, 0.5, 0.75])
        p95, p99 = values.quantile([0.95, 0.99])
        windows = [group["value"].to_numpy(np.float64) for _, group in part.groupby("window", sort=False)]
        effective = round(_worth(windows), 1)
        rows.append((entity, metric, side, len(windows), len(part), effective, median, median, p95, p99, high - low))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def tails(indicators: Iterable[Windows]) -> pd.DataFrame:
    """The ratios of quantiles, after over before."""
    rows = [
        (one.entity, one.metric, found.quantile, found.before, found.after, found.ratio, found.low, found.high)
        for one in indicators
        for found in ratios(*_sides(one))
    ]
    return pd.DataFrame(rows, columns=list(RATIOS))


def period(incidents: Iterable[Mapping[str, Any]], since: int, until: int) -> pd.DataFrame:
    """How incidents that were resolved in ``since … until`` (ms) were closed, and how long their proof took."""
    rows = []
    for one in incidents:
        if one["resolved_at"] is None or not since <= one["resolved_at"] < until:
            continue
        found = one.get("recovery") or {}
        proven = one["closed_as"] == "restored" and found
        minutes = round((one["resolved_at"] - found["since"]) / 60_000, 1) if proven else None
        accepted = ", ".join(said["entity"] for said in found.get("accepted", ()))
        said = (one["closed_as"] or "not compared", found.get("verdict", ""), minutes)
        resolved = pd.Timestamp(one["resolved_at"], unit="ms", tz="UTC")
        unmeasured = ", ".join(found.get("unmeasured", ()))
        rows.append((one["id"], one["title"], one["severity"]["level"], resolved, *said, unmeasured, accepted))
    return pd.DataFrame(rows, columns=list(PERIOD)).sort_values(["resolved", "incident"], ignore_index=True)


def closings(frame: pd.DataFrame) -> pd.DataFrame:
    """How many were closed which way, with the median and the 90 % quantile of the minutes to their proof."""
    grouped = frame.groupby("closed_as")["minutes_to_proof"]
    found = pd.DataFrame({"incidents": grouped.size(), "median": grouped.median(), "p90": grouped.quantile(0.9)})
    return found.reset_index()


def _rows(one: Windows, window: Kept) -> Iterator[tuple[Any, ...]]:
    name = f"{window.weeks} weeks ago" if window.weeks else window.occasion.replace("_", " ")
    side = "after" if window.occasion == "after" else "before"
    for at, value in zip(window.times, window.values, strict=True):
        hour = (at + window.offset) // HOUR + (MONDAY - 1) * 24
        when = pd.Timestamp(at, unit="ms", tz="UTC")
        yield one.entity, one.metric, name, side, when, hour % 168, value, window.unused


def _sides(one: Windows) -> tuple[list[Floats], Floats]:
    used = [window for window in one.windows if not window.unused and window.values]
    before = [np.array(window.values) for window in used if window.occasion != "after"]
    after = [np.array(window.values) for window in used if window.occasion == "after"]
    return before, after[0] if after else np.empty(0)


def _worth(windows: Sequence[Floats]) -> float:
    phi = memory([windows])
    return sum(worth(phi, len(one)) for one in windows)
