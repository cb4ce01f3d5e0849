"""Law 1 in numbers: what the core says it received against what the ledger shows."""

from __future__ import annotations

from collections.abc import Mapping

from engine.reasons import Disposition


def totals(received: int, counted: Mapping[str, int]) -> dict[str, int]:
    """``received``, one number per disposition as counted in the ledger, and ``unaccounted`` (0 by law 1).

    A negative number of a disposition means changes of events that never had it: those count as unaccounted too.
    """
    numbers = {disposition.value: counted.get(disposition.value, 0) for disposition in Disposition}
    excess = sum(max(0, -number) for number in numbers.values())
    return {"received": received, **numbers, "unaccounted": abs(received - sum(numbers.values())) + excess}
