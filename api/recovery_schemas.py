"""What the API answers about recovery. Times are milliseconds since 1970."""

from __future__ import annotations

import msgspec

from engine.recovery_views import AcceptedView, CheckView, IndicatorView, PartView
from engine.recovery_windows import Windows
from engine.signals import Millis


class LeaningOf(msgspec.Struct, kw_only=True):
    """The likelier of `restored` and `residual_degradation` with its probability; no gate reads it. ``present`` is how
    much of the trouble is still there (0 to 1), ``series`` how many series showed any."""

    verdict: str
    probability: float
    present: float
    series: int


class RecoveryOf(msgspec.Struct, kw_only=True):
    """Is service back? As of revision ``revision``: the ``verdict`` of the whole, ``measured`` that of the entities
    which have a baseline (empty: none has), each with why. ``since`` is when the last alert ended, ``at`` when it
    was judged, ``minutes`` how long it still takes (null: it is said, or nobody knows). The gravest ``indicators``
    come first; ``charts`` are their pictures, empty where the points are not kept. ``checks`` are the latest answers
    of probes and data checks, ``held_open`` why it is not resolved yet. ``unmeasured`` are entities without a
    baseline for which nobody answers, ``accepted`` those for which somebody does: these are left out of the verdict.
    ``closed_as``: `restored`, `ended` (not proven), `deviation` (by a person), empty while it is open. ``leaning``
    is null once nothing is at hand."""

    incident: str
    revision: int
    state: str
    closed_as: str
    verdict: str
    why: tuple[str, ...]
    measured: str
    since: Millis
    at: Millis
    minutes: int | None
    leaning: LeaningOf | None
    entities: tuple[PartView, ...]
    services: tuple[PartView, ...]
    indicators: tuple[IndicatorView, ...]
    indicators_total: int
    checks: tuple[CheckView, ...] = ()
    unmeasured: tuple[str, ...] = ()
    accepted: tuple[AcceptedView, ...] = ()
    held_open: tuple[str, ...] = ()
    charts: list[str] = []
    versions: dict[str, str] = {}


class WindowsOf(msgspec.Struct, kw_only=True):
    """What the gravest indicators of an incident were compared with: the windows of the baseline, also those that were
    not used and why, and the samples since its alerts ended, at most 120 of a window, counters as rates per second."""

    incident: str
    revision: int
    closed_as: str
    verdict: str
    since: Millis
    indicators: list[Windows]
    versions: dict[str, str] = {}
