"""How good probabilities are: Brier score, expected calibration error, reliability bins.

Brier, Monthly Weather Review 78 (1950) 1-3; ECE over ten bins of equal width as in Guo and others, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp

import msgspec

from engine.evidence.model.cases import Case, Piece
from engine.evidence.model.weights import EvidenceModel, weighed
from engine.evidence.verdict import Term, verdict
from engine.reasons import Verdict

BINS = 10


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts whose probability of being real lay in low … high: how many, the mean of it, and how many were real."""

    low: float
    high: float
    count: int
    mean: float | None
    real: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``count`` outcomes (``real`` and ``false``): scores (None where there are none), reliability by bin, and the
    verdicts that were wrong."""

    count: int
    real: int
    false: int
    brier: float | None
    ece: float | None
    bins: list[Bin]
    confirmed_false: int
    contradicted_real: int


def calibrate(cases: Iterable[Case], model: EvidenceModel | None, prior: float) -> Calibration:
    """The calibration of these outcomes' probabilities: the log-odds of their terms on top of the ``prior``'s."""
    rows: list[tuple[float, bool]] = []
    wrong = {Verdict.CONFIRMED: 0, Verdict.CONTRADICTED: 0}
    for case in cases:
        if case.outcome is None:
            continue
        said, odds = verdict(weighed(model, terms_of(case.terms)))
        real = case.outcome.real
        rows.append((probability(prior + odds), real))
        if said in wrong and (said is Verdict.CONFIRMED) != real:
            wrong[said] += 1
    bins = [_bin(number, [row for row in rows if _place(row[0]) == number]) for number in range(BINS)]
    count = sum(truth for _, truth in rows)
    return Calibration(
        count=len(rows),
        real=count,
        false=len(rows) - count,
        brier=round(sum((p - truth) ** 2 for p, truth in rows) / len(rows), 4) if rows else None,
        ece=round(sum(abs((b.mean or 0) * b.count - b.real) for b in bins) / len(rows), 4) if rows else None,
        bins=bins,
        confirmed_false=wrong[Verdict.CONFIRMED],
        contradicted_real=wrong[Verdict.CONTRADICTED],
    )


def probability(log_odds: float) -> float:
    """The probability of log-odds.

    >>> probability(0.0)
    0.5
    """
    return 1 / (1 + exp(-log_odds))


def terms_of(found: tuple[Piece, ...]) -> tuple[Term, ...]:
    """Terms at their prior weight, without facts."""
    return tuple(Term(kind=p.kind, group=p.group, log_odds=p.log_odds, facts={}, claim=p.claim) for p in found)


def _place(p: float) -> int:
    return min(BINS - 1, int(p * BINS))


def _bin(number: int, rows: list[tuple[float, bool]]) -> Bin:
    mean = round(sum(p for p, _ in rows) / len(rows), 4) if rows else None
    real = sum(truth for _, truth in rows)
    return Bin(low=number / BINS, high=(number + 1) / BINS, count=len(rows), mean=mean, real=real)
