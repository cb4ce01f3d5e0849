"""An indicator: which series, what kind it is of, in which direction it does harm, and how much of that is tolerated.

The margin is how far an indicator may stay worse than its baseline and still count as restored. Defaults by kind:

| kind | worse is | margin |
|---|---|---|
| latency | higher | 10 % of the baseline |
| errors; success | higher; lower | half the error budget of a declared objective, else 0.1 points |
| traffic (throughput) | lower | 10 % of the baseline |
| saturation | higher | 10 points; 10 % where the unit is no share |
| other | both | 10 % of the baseline |
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from engine.evidence.baselines.counters import is_counter
from engine.evidence.kinds import Kind, kind_of


class Worse(StrEnum):
    """The direction that does harm."""

    HIGHER = "higher"
    LOWER = "lower"
    BOTH = "both"


class Measure(StrEnum):
    """What a window's values are: levels; a counter that only rises; events per sample; or bad events per sample, of
    the window's ``totals``."""

    GAUGE = "gauge"
    COUNTER = "counter"
    COUNT = "count"
    RATIO = "ratio"


class Margin(msgspec.Struct, frozen=True):
    """How much worse is tolerated: in the indicator's unit, or as a share of the baseline's median."""

    size: float
    relative: bool = False

    def of(self, usual: float) -> float:
        """In the indicator's unit.

        >>> Margin(0.1, relative=True).of(-20.0), Margin(0.001).of(5.0)
        (2.0, 0.001)
        """
        return self.size * abs(usual) if self.relative else self.size


TENTH = Margin(0.1, relative=True)
POINTS = {"ratio": 1.0, "percent": 100.0}
"""What all of a thing is in units that are shares."""
_WORSE = {
    Kind.LATENCY: Worse.HIGHER,
    Kind.ERRORS: Worse.HIGHER,
    Kind.SUCCESS: Worse.LOWER,
    Kind.SATURATION: Worse.HIGHER,
    Kind.TRAFFIC: Worse.LOWER,
    Kind.OTHER: Worse.BOTH,
}
ERROR_SHARE = 0.001
SATURATION_SHARE = 0.1


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One series to compare. What is None is taken from the kind. Only ``critical`` indicators decide the verdict of
    their entity. ``objective`` is the share of good events that is promised; ``best`` the value that cannot be
    bettered, at which a series may rest."""

    entity: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    kind: Kind
    measure: Measure = Measure.GAUGE
    unit: str = ""
    worse: Worse | None = None
    margin: Margin | None = None
    objective: float | None = None
    best: float | None = None
    critical: bool = True

    @property
    def direction(self) -> Worse:
        """The direction that does harm, declared or usual for the kind."""
        return self.worse or _WORSE[self.kind]

    @property
    def tolerated(self) -> Margin:
        """The margin, declared or usual for the kind."""
        return self.margin or _usual_margin(self.kind, self._whole(), self.objective)

    @property
    def rests_at(self) -> float | None:
        """The value at which the series may lie still in good health: no errors, or nothing but success."""
        if self.best is not None:
            return self.best
        if self.kind not in (Kind.ERRORS, Kind.SUCCESS):
            return None
        return 0.0 if self.direction is Worse.HIGHER else self._whole()

    def _whole(self) -> float | None:
        return 1.0 if self.measure is Measure.RATIO else POINTS.get(self.unit)


def _usual_margin(kind: Kind, whole: float | None, objective: float | None) -> Margin:
    if whole is None:
        return TENTH
    if kind in (Kind.ERRORS, Kind.SUCCESS):
        return Margin(whole * (ERROR_SHARE if objective is None else (1 - objective) / 2))
    return Margin(whole * SATURATION_SHARE) if kind is Kind.SATURATION else TENTH


def learned(entity: str, name: str, labels: tuple[tuple[str, str], ...] = (), unit: str = "") -> Indicator:
    """An indicator that nobody declared: its kind by its name, a counter by its suffix.

    >>> one = learned("cart", "http_request_duration_seconds")
    >>> one.kind.value, one.direction.value, one.tolerated.of(2.0)
    ('latency', 'higher', 0.2)
    """
    measure = Measure.COUNTER if is_counter(name) else Measure.GAUGE
    return Indicator(entity=entity, name=name, labels=labels, kind=kind_of(name), measure=measure, unit=unit)
