"""What is shown of a recovery: the verdicts of indicators, entities, business services and the incident."""

from __future__ import annotations

import msgspec

from engine.signals import Millis


class IndicatorView(msgspec.Struct, kw_only=True, frozen=True):
    """One series against its baseline. ``harm`` is its shift in the direction that does harm with its 90 % interval
    ``least`` … ``most``, all in its unit, against the ``margin``; ``usual``: 5 %, 50 % and 95 % of the baseline.
    ``minutes``: how long it still takes until something can be said; None: nobody knows."""

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


class PartView(msgspec.Struct, kw_only=True, frozen=True):
    """The verdict of an entity or a business service; ``parts`` counts the verdicts below."""

    name: str
    verdict: str
    why: tuple[str, ...]
    parts: dict[str, int]
    minutes: int | None = None


class RecoveryView(msgspec.Struct, kw_only=True, frozen=True):
    """Is service back? ``verdict`` is that of the whole, ``measured`` that of the entities which have a baseline ("":
    none has); ``since`` when the last alert ended, ``at`` when it was judged. The gravest ``indicators`` come first;
    ``indicators_total`` counts all."""

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

    @property
    def said(self) -> tuple[object, ...]:
        """What makes it another answer than before: the verdicts, not the time nor the numbers."""
        parts = tuple((one.name, one.verdict) for one in (*self.entities, *self.services))
        return self.verdict, self.measured, self.since, parts


class Pinned(msgspec.Struct, array_like=True):
    """A series' points in the hour before the onset; ``critical`` ones decide the verdict of their entity."""

    entity: str
    metric: str
    critical: bool
    start: Millis
    end: Millis
    times: list[Millis]
    values: list[float]
