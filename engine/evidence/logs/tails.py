"""Tails of the negative binomial distribution, given mean and variance; the Poisson distribution where they are equal.

Summed term by term from the observed count outwards: exact to rounding where it matters (small probabilities), without
a library of special functions in the running server.
"""

from __future__ import annotations

from math import exp, lgamma, log

ENOUGH = 0.5
"""A tail that is larger is not told exactly: nothing is decided by it."""
MOST_TERMS = 20_000


def upper(seen: int, mean: float, variance: float) -> float:
    """P(X ≥ seen).

    >>> round(upper(3, 1.0, 1.0), 4), round(upper(3, 1.0, 2.0), 4)
    (0.0803, 0.125)
    """
    if seen <= mean:
        return 1.0
    shape, share, rate = _shape(mean, variance)
    term = exp(_log_probability(seen, shape, share, rate))
    total, count = term, seen
    while total < ENOUGH and term > total * 1e-12 and count - seen < MOST_TERMS:
        term *= (count + shape) * share / (count + 1) if share else rate / (count + 1)
        total += term
        count += 1
    return min(1.0, total)


def lower(seen: int, mean: float, variance: float) -> float:
    """P(X ≤ seen).

    >>> round(lower(0, 5.0, 5.0), 4), round(lower(0, 5.0, 10.0), 4)
    (0.0067, 0.0312)
    """
    if seen >= mean:
        return 1.0
    shape, share, rate = _shape(mean, variance)
    term = exp(_log_probability(seen, shape, share, rate))
    total, count = term, seen
    while count and total < ENOUGH and term > total * 1e-12:
        term *= count / ((count - 1 + shape) * share) if share else count / rate
        total += term
        count -= 1
    return min(1.0, total)


def _shape(mean: float, variance: float) -> tuple[float, float, float]:
    """(r, 1 − p, mean) of the negative binomial distribution; r = 1 − p = 0 for Poisson's."""
    excess = variance - mean
    if excess <= 1e-9 * mean:
        return 0.0, 0.0, mean
    return mean * mean / excess, excess / variance, mean


def _log_probability(count: int, shape: float, share: float, rate: float) -> float:
    if not share:
        return count * log(rate) - rate - lgamma(count + 1)
    choose = lgamma(count + shape) - lgamma(shape) - lgamma(count + 1)
    return choose + shape * log(1 - share) + count * log(share)
