"""What a comparison of two samples says, whichever test was used."""

from __future__ import annotations

import msgspec


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """After minus before, in the indicator's unit: the estimate, and one-sided bounds of 95 % each. ``p_higher`` and
    ``p_lower``: one-sided probabilities of such a difference where there is none. ``worth_*``: the independent samples
    (for ratios and counts: events) that the two sides are worth."""

    method: str
    usual: float
    seen: float
    estimate: float
    low: float
    high: float
    p_higher: float
    p_lower: float
    worth_before: float
    worth_after: float
    memory: float = 0.0
    effect: float = 0.0
    """Cliff's δ: P(after > before) − P(after < before). Told, never decided by."""
