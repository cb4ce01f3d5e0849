"""How far the engine may go with what evidence says: what a missed alert costs, and how long one waits for evidence."""

from __future__ import annotations

import msgspec

NEVER = "never"
TIER_NEVER = 0
"""The tier whose alerts are never held nor suppressed by inference, whatever anybody declares."""


class EvidencePolicy(msgspec.Struct, frozen=True):
    """``missed``: how many false alarms one missed alert costs, by tier; None: alerts of this tier are never held nor
    suppressed by inference. ``missed_else`` is for other tiers, and for entities without one. An alert is suppressed
    only if the odds that it is real are lower than one to this cost.

    An alert waits ``wait_samples`` sampling intervals of its entity's series for evidence, at most ``wait_most``
    milliseconds.
    """

    missed: tuple[tuple[int, float | None], ...] = ((0, None), (1, 50.0), (2, 20.0))
    missed_else: float | None = 10.0
    wait_most: int = 660_000
    wait_samples: float = 1.2

    def cost(self, tier: int | None) -> float | None:
        """What a missed alert of an entity of this tier costs; None: it must not be missed.

        >>> [EvidencePolicy().cost(tier) for tier in (0, 1, 3, None)]
        [None, 50.0, 10.0, 10.0]
        """
        return next((cost for known, cost in self.missed if known == tier), self.missed_else)
