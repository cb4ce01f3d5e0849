"""Which of many tests count: Benjamini and Hochberg's procedure (J. R. Stat. Soc. B 57, 1995)."""

from __future__ import annotations

from collections.abc import Sequence

RATE = 0.05
"""Share of false ones among the discoveries."""


def discoveries(probabilities: Sequence[float], rate: float = RATE) -> list[int]:
    """Places of the probabilities that are discoveries, smallest probability first.

    >>> discoveries([0.2, 0.001, 0.03, 0.9])
    [1]
    >>> discoveries([0.02, 0.001, 0.03, 0.9])
    [1, 0, 2]
    """
    order = sorted(range(len(probabilities)), key=lambda place: (probabilities[place], place))
    count = 0
    for rank, place in enumerate(order, 1):
        if probabilities[place] <= rate * rank / len(order):
            count = rank
    return order[:count]
