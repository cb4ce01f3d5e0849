"""What counts as recovered: whether it must be proven, after which time, by which indicators, within which margins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from rules.matchers import Matcher
from rules.zones import zone

Proof = Literal["when_measured", "always", "never"]
IndicatorKind = Literal["latency", "errors", "success", "traffic", "saturation", "other"]
Worse = Literal["higher", "lower", "both"]
Unit = Literal["", "ratio", "percent"]
KINDS: tuple[IndicatorKind, ...] = ("latency", "errors", "success", "traffic", "saturation", "other")
SHARES = frozenset({"ratio", "percent"})


class Tolerance(msgspec.Struct, frozen=True):
    """How much worse still counts as recovered: in the indicator's unit, or as a share of the baseline."""

    size: float
    relative: bool = False


class IndicatorRule(msgspec.Struct, frozen=True, kw_only=True):
    """A declared indicator (SLI) of ``entity``. It is the series that were pushed whose ``metric`` matches, or what
    ``expr`` gives, every ``step`` milliseconds, on the Prometheus that the settings call ``prometheus`` (empty: the
    first one). ``kind`` and what is None are taken from the metric's name and kind. ``objective``: the promised share
    of good events; ``best``: the value that cannot be bettered. Only ``critical`` ones decide."""

    id: str
    entity: str
    metric: Matcher | None = None
    expr: str = ""
    prometheus: str = ""
    step: int = 30_000
    kind: IndicatorKind | None = None
    worse: Worse | None = None
    margin: Tolerance | None = None
    objective: float | None = None
    unit: Unit = ""
    best: float | None = None
    critical: bool = True

    def takes(self, metric: str) -> bool:
        """Is a pushed series of this name the indicator?"""
        return self.metric is not None and self.metric.accepts(metric)


class RecoveryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """``proof``: what is measured must be back before an incident resolves by itself; or only what is proven does; or
    nothing is held up by a comparison. ``settle``: milliseconds after the last alert that do not count. ``margins`` by
    kind. ``zone``: in which weeks are laid beside each other."""

    proof: Proof = "when_measured"
    settle: int = 300_000
    zone: str = "UTC"
    margins: tuple[tuple[IndicatorKind, Tolerance], ...] = ()
    indicators: tuple[IndicatorRule, ...] = ()

    def margin(self, kind: str) -> Tolerance | None:
        """The declared margin of indicators of this kind."""
        return next((size for known, size in self.margins if known == kind), None)

    def week_before(self, at: int, weeks: int) -> int:
        """The same time on the wall's clock so many weeks earlier (milliseconds).

        >>> RecoveryPolicy().week_before(7 * 86_400_000, 1)
        0
        """
        wall = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone(self.zone)) - timedelta(weeks=weeks)
        return round(wall.timestamp()) * 1000 + at % 1000

    def offset(self, at: int) -> int:
        """How far the clock on the wall is ahead of UTC at a moment (milliseconds)."""
        ahead = datetime.fromtimestamp(at // 1000, UTC).astimezone(zone(self.zone)).utcoffset()
        return round((ahead or timedelta()).total_seconds()) * 1000
