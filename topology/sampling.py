"""Worlds of independent basic failures: drawn sparsely, from a seed, so that a larger hazard only adds failures.

A basic failure of probability q has the hazard λ = −ln(1 − q). For each failure and world, points of a Poisson process
of rate 1 are strewn over a height, and it happens where one lies below its λ. Heights are cut into layers that double;
a layer is only drawn for those who reach into it, each from a stream of its own. So the work is that of the failures
that happen, and the worlds of two sets of probabilities are coupled: common random numbers (P. Glasserman, D. Yao, Some
guidelines and guarantees for common random numbers, Management Science 38, 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
LOWEST, HIGHEST = -20, 6
"""Layers end at 2**LOWEST … 2**HIGHEST; the first begins at 0."""
CERTAIN = 40.0
"""The largest hazard: 1 − e⁻⁴⁰ is 1 in double precision."""


def hazards(probabilities: Floats) -> Floats:
    """−ln(1 − q), at most `CERTAIN`."""
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log1p(-probabilities), CERTAIN)


def failing(hazard: Floats, worlds: int, seed: tuple[int, ...]) -> tuple[Numbers, Numbers]:
    """(failure, world) of all that happens, in no order, some twice."""
    ends = 2.0 ** np.arange(LOWEST, HIGHEST + 1)
    failures: list[Numbers] = []
    places: list[Numbers] = []
    for layer, (low, high) in enumerate(zip([0.0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
        who = np.flatnonzero(hazard > low)
        if not len(who):
            break
        generator = np.random.Generator(np.random.PCG64([*seed, layer]))
        key = generator.integers(0, 2**63, dtype=np.uint64)
        counts = generator.poisson(worlds * (high - low), len(hazard))[who]
        failure = np.repeat(who, counts)
        turn = np.arange(len(failure)) - np.repeat(np.cumsum(counts) - counts, counts)
        drawn = _mixed(key ^ ((failure.astype(np.uint64) << np.uint64(40)) + turn.astype(np.uint64)))
        height = low + (high - low) * (drawn & np.uint64(0xFFFF_FFFF)).astype(np.float64) / 2.0**32
        here = height < hazard[failure]
        failures.append(failure[here])
        places.append((((drawn[here] >> np.uint64(32)) * np.uint64(worlds)) >> np.uint64(32)).astype(np.int64))
    if not failures:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(failures), np.concatenate(places)


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64 (G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014)."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Several:
    """Worlds in which at least two failures happen. ``probability`` is that of such a world."""

    hazard: Floats
    first: Floats
    probability: float
    after: Floats

    @classmethod
    def of(cls, hazard: Floats) -> Several:
        """With the hazards of all failures, in their order."""
        total = np.cumsum(hazard)
        after = np.append(np.cumsum(hazard[::-1])[::-1][1:], 0.0)
        first = np.exp(hazard - total) * -np.expm1(-hazard) * -np.expm1(-after)
        return cls(hazard, first, float(first.sum()), after)

    def failing(self, worlds: int, seed: tuple[int, ...]) -> tuple[Numbers, Numbers]:
        """As `failing`: the first two that happen from their joint distribution, those behind as they come."""
        generator = np.random.Generator(np.random.PCG64([*seed, HIGHEST - LOWEST + 1]))
        u, v = generator.random((2, worlds))
        last = len(self.hazard) - 1
        one = np.minimum(np.searchsorted(np.cumsum(self.first), u * self.probability, side="right"), last - 1)
        total = np.cumsum(self.hazard)
        height = total[one] - np.log1p(v * np.expm1(-self.after[one]))
        two = np.clip(np.searchsorted(total, height, side="right"), one + 1, last)
        failure, world = failing(self.hazard, worlds, seed)
        behind = failure > two[world]
        every = np.arange(worlds)
        return np.concatenate([one, two, failure[behind]]), np.concatenate([every, every, world[behind]])


Z95 = 1.959963984540054


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a share (E. B. Wilson, J. American Statistical Association 22, 1927)."""
    share, z2 = hits / trials, Z95**2
    middle = share + z2 / (2 * trials)
    half = Z95 * ((share * (1 - share) + z2 / (4 * trials)) / trials) ** 0.5
    scale = 1 + z2 / trials
    low, high = (middle - half) / scale, (middle + half) / scale
    return (0.0 if hits == 0 else max(0.0, low)), (1.0 if hits == trials else min(1.0, high))
