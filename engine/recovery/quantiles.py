"""Quantiles and tails of the normal, Student's and the χ² distribution, by scipy, which is loaded when first needed:
a server that compares nothing does without it."""

from __future__ import annotations

from engine.recovery.window import Floats


def student(probability: float, freedom: float) -> float:
    """The quantile of Student's distribution.

    >>> round(student(0.95, 10.0), 3)
    1.812
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - see above

    return float(stdtrit(freedom, probability))


def student_above(value: float, freedom: float) -> float:
    """P(T > value).

    >>> round(student_above(1.812, 10.0), 3)
    0.05
    """
    from scipy.special import stdtr  # noqa: PLC0415 - see above

    return float(stdtr(freedom, -value))


def normal(probabilities: Floats) -> Floats:
    """The quantiles of the normal distribution.

    >>> import numpy as np
    >>> [round(one, 3) for one in normal(np.array([0.5, 0.95])).tolist()]
    [0.0, 1.645]
    """
    from scipy.special import ndtri  # noqa: PLC0415 - see above

    found: Floats = ndtri(probabilities)
    return found


def chi_squared_above(value: float, freedom: float) -> float:
    """P(χ² > value).

    >>> round(chi_squared_above(7.815, 3.0), 3)
    0.05
    """
    from scipy.special import chdtrc  # noqa: PLC0415 - see above

    return float(chdtrc(freedom, value))


def poisson_at_least(count: int, mean: float) -> float:
    """P(X ≥ count).

    >>> round(poisson_at_least(1, 0.5), 4)
    0.3935
    """
    from scipy.special import pdtrc  # noqa: PLC0415 - see above

    return 1.0 if count <= 0 else float(pdtrc(count - 1, mean))


def binomial_at_least(count: int, trials: int, share: float) -> float:
    """P(X ≥ count).

    >>> round(binomial_at_least(1, 10, 0.01), 4)
    0.0956
    """
    from scipy.special import bdtrc  # noqa: PLC0415 - see above

    return 1.0 if count <= 0 else float(bdtrc(count - 1, trials, share))
