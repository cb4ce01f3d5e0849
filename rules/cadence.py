"""How often stakeholders hear of an incident that lasts, by severity."""

from __future__ import annotations

import msgspec

MINUTE = 60_000


class Cadence(msgspec.Struct, frozen=True):
    """``every`` so many milliseconds, by severity; levels that are left out promise nothing."""

    every: tuple[tuple[str, int], ...] = (("SEV1", 30 * MINUTE), ("SEV2", 60 * MINUTE))

    def of(self, level: str) -> int | None:
        """The time between two updates; None: no update is promised."""
        return dict(self.every).get(level)
