"""A figure of readiness: how many, how long, and whether it has changed; nothing is claimed of too few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, erfc, sqrt

import msgspec
import numpy as np

from engine.evidence.model.intervals import Share, share
from engine.readiness.phases import PHASES, Past
from engine.signals import Millis

ENOUGH = 30
"""Of fewer than so many in either half no direction is told."""
SURE = 0.01
"""A direction is told only where chance would show one as clear this seldom."""
LONGER, SHORTER, ALIKE, TOO_FEW = "longer", "shorter", "no_change_shown", "too_few"


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """The later half of the period against the earlier: longer, shorter, no_change_shown or too_few (fewer than
    `ENOUGH` in a half). ``p`` is how likely chance alone shows as much (Mann–Whitney, two-sided)."""

    direction: str
    earlier: int
    later: int
    p: float | None = None


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` durations of a phase: median, 90th percentile (nearest rank), longest and mean, in seconds."""

    phase: str
    text: str
    count: int
    median: float | None
    p90: float | None
    longest: float | None
    mean: float | None
    trend: Trend


class Attained(msgspec.Struct, frozen=True, kw_only=True):
    """How many objectives or deadlines of a kind were met; ``unknown`` ones are in no share."""

    kind: str
    met: Share
    unknown: int = 0


def durations(found: Sequence[Past], since: Millis, until: Millis) -> list[Duration]:
    """All phases, of incidents that were opened in a period. A phase that nobody went through has count 0."""
    middle = (since + until) // 2
    return [_duration(phase, text, found, middle) for phase, text in PHASES.items()]


def attained(found: Iterable[tuple[str, bool | None]], always: Sequence[str] = ()) -> list[Attained]:
    """(kind, met) -> shares by kind; those of ``always`` also where there was none."""
    rows: dict[str, list[bool | None]] = {kind: [] for kind in always}
    for kind, met in found:
        rows.setdefault(kind, []).append(met)
    return [
        Attained(kind=kind, met=share(mets.count(True), len(mets) - mets.count(None)), unknown=mets.count(None))
        for kind, mets in sorted(rows.items())
    ]


def _duration(phase: str, text: str, found: Sequence[Past], middle: Millis) -> Duration:
    earlier = [one.seconds[phase] for one in found if phase in one.seconds and one.opened_at < middle]
    later = [one.seconds[phase] for one in found if phase in one.seconds and one.opened_at >= middle]
    every = sorted(earlier + later)
    return Duration(
        phase=phase,
        text=text,
        count=len(every),
        median=_rank(every, 0.5),
        p90=_rank(every, 0.9),
        longest=every[-1] if every else None,
        mean=round(sum(every) / len(every), 3) if every else None,
        trend=trend(earlier, later),
    )


def _rank(ordered: Sequence[float], part: float) -> float | None:
    """The nearest-rank quantile.

    >>> _rank([1.0, 2.0, 3.0, 4.0], 0.5), _rank([], 0.5)
    (2.0, None)
    """
    return ordered[max(0, ceil(part * len(ordered)) - 1)] if ordered else None


def trend(earlier: Sequence[float], later: Sequence[float]) -> Trend:
    """Mann–Whitney's test with ties and the normal approximation (H. B. Mann and D. R. Whitney, Ann. Math. Stat. 18
    (1947) 50-60), which holds from about twenty on a side.

    >>> trend([1.0] * 29, [2.0] * 40).direction
    'too_few'
    >>> trend([float(n) for n in range(30)], [float(n + 20) for n in range(30)]).direction
    'longer'
    """
    m, n = len(earlier), len(later)
    if min(m, n) < ENOUGH:
        return Trend(direction=TOO_FEW, earlier=m, later=n)
    _, index, counts = np.unique(np.concatenate([earlier, later]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]
    above = float(ranks[m:].sum()) - n * (n + 1) / 2 - m * n / 2
    ties = float((counts.astype(float) ** 3 - counts).sum()) / ((m + n) * (m + n - 1))
    variance = m * n / 12 * (m + n + 1 - ties)
    if variance <= 0:
        return Trend(direction=ALIKE, earlier=m, later=n, p=1.0)
    p = min(1.0, erfc(abs(above) / sqrt(2 * variance)))
    direction = ALIKE if p > SURE else LONGER if above > 0 else SHORTER
    return Trend(direction=direction, earlier=m, later=n, p=round(p, 6))


def by_phase(found: Iterable[Past]) -> Mapping[str, list[tuple[str, float]]]:
    """Phase -> (severity, seconds) of all incidents."""
    rows: dict[str, list[tuple[str, float]]] = {phase: [] for phase in PHASES}
    for one in found:
        for phase, seconds in one.seconds.items():
            rows[phase].append((one.severity, seconds))
    return rows
