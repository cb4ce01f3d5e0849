"""What is shown of a recovery: the verdicts of indicators, entities, business services and the incident."""

from __future__ import annotations

import msgspec

from engine.signals import Millis


class UnusedView(msgspec.Struct, kw_only=True, frozen=True):
    """A window of the baseline that was not compared with, and why."""

    occasion: str
    start: Millis
    why: str


class IndicatorView(msgspec.Struct, kw_only=True, frozen=True):
    """One series against its baseline. ``harm`` is its shift in the direction that does harm with its 90 % interval
    ``least`` … ``most``, all in its unit, against the ``margin``; ``usual``: 5 %, 50 % and 95 % of the baseline.
    ``minutes``: how long it still takes until something can be said; None: nobody knows. ``id``: as it was declared,
    empty where it was learned; ``detail``: what its source said where there are no samples. ``weeks`` past weeks were
    compared with, ``unused`` windows were not; ``memory`` is that of the series, and ``worth`` the independent samples
    (of shares and counts: events) that those after are worth."""

    entity: str
    metric: str
    kind: str
    worse: str
    critical: bool
    verdict: str
    why: tuple[str, ...]
    margin: float = 0.0
    harm: float | None = None
    least: float | None = None
    most: float | None = None
    probability: float | None = None
    minutes: int | None = None
    samples: int = 0
    usual: tuple[float, float, float] | None = None
    id: str = ""
    detail: str = ""
    weeks: int = 0
    unused: tuple[UnusedView, ...] = ()
    memory: float | None = None
    worth: float | None = None


class PartView(msgspec.Struct, kw_only=True, frozen=True):
    """The verdict of an entity or a business service; ``parts`` counts the verdicts below; ``because``: the checks that
    did not pass, or the shared providers that are not back, which keep it from being restored."""

    name: str
    verdict: str
    why: tuple[str, ...]
    parts: dict[str, int]
    minutes: int | None = None
    because: tuple[str, ...] = ()


class CheckView(msgspec.Struct, kw_only=True, frozen=True):
    """The latest answer of a probe or a data check since the alerts ended. ``passed`` is yes, no, unknown, or missing
    (none came yet)."""

    id: str
    entity: str
    kind: str
    passed: str
    value: float | None = None
    unit: str = ""
    detail: str = ""
    at: Millis | None = None


class AcceptedView(msgspec.Struct, kw_only=True, frozen=True):
    """Who answers for an entity that has no baseline, and why."""

    entity: str
    by: str
    why: str
    at: Millis


class RecoveryView(msgspec.Struct, kw_only=True, frozen=True):
    """Is service back? ``verdict`` is that of the whole, ``measured`` that of the entities which have a baseline ("":
    none has); ``since`` when the last alert ended, ``at`` when it was judged. The gravest ``indicators`` come
    first; ``indicators_total`` counts all. Only when all ``checks`` pass an incident resolves by itself.
    ``unmeasured`` are the entities without a baseline that nobody has ``accepted``; accepted ones are left out of
    ``verdict``, unless there are no others."""

    verdict: str
    why: tuple[str, ...]
    measured: str
    since: Millis
    at: Millis
    minutes: int | None = None
    entities: tuple[PartView, ...] = ()
    services: tuple[PartView, ...] = ()
    indicators: tuple[IndicatorView, ...] = ()
    indicators_total: int = 0
    checks: tuple[CheckView, ...] = ()
    unmeasured: tuple[str, ...] = ()
    accepted: tuple[AcceptedView, ...] = ()

    @property
    def said(self) -> tuple[object, ...]:
        """What makes it another answer than before: verdicts with their reasons, not the time nor the numbers."""
        parts = tuple((one.name, one.verdict) for one in (*self.entities, *self.services))
        checks = tuple((one.id, one.passed) for one in self.checks)
        reasons = tuple((one.entity, one.id, one.metric, one.verdict, one.why) for one in self.indicators)
        accepted = tuple(one.entity for one in self.accepted)
        return self.verdict, self.measured, self.since, parts, checks, self.unmeasured, accepted, sorted(reasons)


class Pinned(msgspec.Struct, array_like=True):
    """A series' points in the hour before the onset; ``critical`` ones decide the verdict of their entity."""

    entity: str
    metric: str
    critical: bool
    start: Millis
    end: Millis
    times: list[Millis]
    values: list[float]


class Stretch(msgspec.Struct, array_like=True):
    """Samples that were asked for: from ``start`` to ``end``, ``step`` milliseconds apart, as far as there are any."""

    start: Millis
    end: Millis
    step: Millis
    times: list[Millis]
    values: list[float]


class Ranges(msgspec.Struct, array_like=True):
    """What was given for a declared indicator: before the onset, in the same hours so many ``weeks`` earlier, and since
    the alerts ended. ``said``: by occasion, why there is nothing, as of the last try."""

    before: Stretch | None = None
    weeks: dict[int, Stretch] = {}
    after: Stretch | None = None
    said: dict[str, str] = {}
