"""Evidence -> terms -> verdict: capped log-odds.

A term is one piece of evidence with its log-odds. Terms of one group are correlated, so each group is capped, and so is
every term. The alerting series itself is the claim, not evidence: `confirmed` needs a term from elsewhere. Missing
evidence has no term, so it counts for nothing (law 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from engine.reasons import Verdict

TERM_CAP = 2.0
GROUP_CAP = 2.5
CONFIRM = 1.5
CONTRADICT = -2.5


class Term(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One piece of evidence: its group, log-odds (positive: the alert is real) and the facts that show it.

    ``claim`` marks a term of the alerting series itself.
    """

    kind: str
    group: str
    log_odds: float
    facts: dict[str, Any]
    claim: bool = False


def verdict(terms: Iterable[Term]) -> tuple[Verdict, float]:
    """The verdict and the log-odds behind it; `unverifiable` unless evidence from elsewhere decides.

    >>> verdict([])
    (<Verdict.UNVERIFIABLE: 'unverifiable'>, 0.0)
    """
    groups: dict[str, float] = {}
    independent = False
    for term in terms:
        capped = max(-TERM_CAP, min(TERM_CAP, term.log_odds))
        groups[term.group] = groups.get(term.group, 0.0) + capped
        independent = independent or not term.claim
    total = round(sum((max(-GROUP_CAP, min(GROUP_CAP, value)) for value in groups.values()), 0.0), 6)
    if independent and total >= CONFIRM:
        return Verdict.CONFIRMED, total
    if independent and total <= CONTRADICT:
        return Verdict.CONTRADICTED, total
    return Verdict.UNVERIFIABLE, total
