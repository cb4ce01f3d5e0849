"""Which of many indicators may be called degraded, when so many were looked at.

Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300: of those called degraded, the expected share that is
not is at most q. `restored` needs no such correction: it is claimed only where every critical indicator passes, and the
chance that all do although one is degraded is no larger than the chance that this one does (intersection-union test: R.
L. Berger, Technometrics 24 (1982) 295-300).
"""

from __future__ import annotations

from collections.abc import Sequence

FALSE_SHARE = 0.05


def discoveries(probabilities: Sequence[float], share: float = FALSE_SHARE) -> list[bool]:
    """Which of the tests reject.

    >>> discoveries([0.01, 0.04, 0.03, 0.9])
    [True, False, False, False]
    >>> discoveries([0.01, 0.02, 0.03, 0.9])
    [True, True, True, False]
    """
    count = len(probabilities)
    order = sorted(range(count), key=lambda place: probabilities[place])
    passing = [rank for rank, place in enumerate(order, 1) if probabilities[place] <= share * rank / count]
    rejected = set(order[: passing[-1]]) if passing else set()
    return [place in rejected for place in range(count)]
