"""How the quantiles after compare with those before, with an interval.

A shift of levels says nothing of tails. So the ratios of the median, the 95 % and the 99 % quantile are given beside
it, each with a 95 % interval of a moving-block bootstrap: windows are put together anew from blocks of neighbours, so
that the memory of the series stays in them (H. R. Künsch, Ann. Stat. 17 (1989) 1217-1241). Blocks have the length
that is best for a series of memory φ, (2φ / (1 − φ²))^⅔ n^⅓ (E. Carlstein, Ann. Stat. 14 (1986) 1171-1179). The draws
are seeded, so the same windows give the same interval. No interval where samples are worth too few to have such a
quantile.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engine.recovery.autocorrelation import memory, worth
from engine.recovery.window import Floats

QUANTILES = (0.5, 0.95, 0.99)
DRAWS = 400
SEED = 6
FEWEST = 8


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A quantile after over that before; ``low`` and ``high`` are None where the samples cannot tell."""

    quantile: float
    before: float
    after: float
    ratio: float | None
    low: float | None = None
    high: float | None = None


def ratios(before: Sequence[Floats], after: Floats) -> list[Ratio]:
    """Of the windows before (in order of time) and the samples after.

    >>> usual = np.arange(40.0) % 7 + 10
    >>> one = ratios([usual], 2 * usual)[0]
    >>> one.ratio, one.low <= 2.0 <= one.high
    (2.0, True)
    """
    if not before or not len(after):
        return []
    phi = memory([before, [after]])
    past = np.concatenate(before)
    drawn = _drawn(before, after, phi) if min(len(past), len(after)) >= FEWEST else None
    worths = min(sum(worth(phi, len(one)) for one in before), worth(phi, len(after)))
    found = []
    for place, quantile in enumerate(QUANTILES):
        usual, seen = float(np.quantile(past, quantile)), float(np.quantile(after, quantile))
        low = high = None
        if drawn is not None and usual > 0 and worths * (1 - quantile) >= 1:
            low, high = (float(one) for one in np.quantile(drawn[:, place], (0.025, 0.975)))
        ratio = seen / usual if usual > 0 else None
        found.append(Ratio(quantile=quantile, before=usual, after=seen, ratio=ratio, low=low, high=high))
    return found


def _drawn(before: Sequence[Floats], after: Floats, phi: float) -> Floats:
    """(draws, quantiles) of ratios."""
    random = np.random.default_rng(SEED)
    found = np.empty((DRAWS, len(QUANTILES)))
    for row in range(DRAWS):
        past = np.concatenate([_anew(random, one, phi) for one in before])
        usual = np.quantile(past, QUANTILES)
        found[row] = np.quantile(_anew(random, after, phi), QUANTILES) / np.where(usual > 0, usual, np.nan)
    return np.nan_to_num(found, nan=np.inf)


def _anew(random: np.random.Generator, values: Floats, phi: float) -> Floats:
    """As many values, in blocks of neighbours."""
    count = len(values)
    length = max(1, min(count, round((2 * phi / (1 - phi * phi)) ** (2 / 3) * count ** (1 / 3))))
    starts = random.integers(0, count - length + 1, -(-count // length))
    found: Floats = values[(starts[:, None] + np.arange(length)).ravel()[:count]]
    return found
