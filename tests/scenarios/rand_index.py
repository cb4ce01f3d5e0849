"""The adjusted Rand index of two partitions (L. Hubert and P. Arabie, Comparing partitions, 1985, equation 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb


def adjusted_rand_index(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """1.0 for equal partitions, about 0 for unrelated ones. Items are given by position, groups by any label."""
    if len(truth) != len(found):
        raise ValueError(f"{len(truth)} labels against {len(found)}")
    together = sum(comb(n, 2) for n in Counter(zip(truth, found, strict=True)).values())
    in_truth = sum(comb(n, 2) for n in Counter(truth).values())
    in_found = sum(comb(n, 2) for n in Counter(found).values())
    pairs = comb(len(truth), 2)
    expected = in_truth * in_found / pairs if pairs else 0.0
    best = (in_truth + in_found) / 2
    return 1.0 if best == expected else (together - expected) / (best - expected)
