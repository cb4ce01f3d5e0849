"""What a redundancy group leaves its consumer: the arithmetic of k of n, weights and required capacity.

Healths are integers 0 (down) … 1000 (up); weights, capacities and factors are thousandths. Everything is integer
arithmetic with one floor at the end, that of the loss (a third lost leaves 667, and what still gives anything is not
down), so results depend neither on the order nor on the names of the members.
"""

from __future__ import annotations

from collections.abc import Sequence

UP = 1000
"""Full health."""


def softened(factor: int, numerator: int, denominator: int = 1) -> int:
    """1000 − ⌊factor · (1000 − g) / 1000⌋ for g = numerator / denominator; with factor 1000 it is ⌈g⌉."""
    return UP - factor * (UP * denominator - numerator) // (UP * denominator)


def group_health(
    need: int, capacity: int | None, weights: Sequence[int], healths: Sequence[int], factor: int = UP
) -> int:
    """0 when fewer than ``need`` members are not down, before ``factor`` softens it. Else without a ``capacity`` the
    health of the ``need``-th best member; with one, the share of it that is delivered: min(1000, ⌈Σ wᵢ·cᵢ / R⌉).

    A need above the number of members, or a capacity above their weights, counts as the most they can give.
    """
    need = max(1, min(need, len(healths)))
    if sum(health > 0 for health in healths) < need:
        return softened(factor, 0)
    if capacity is None:
        return softened(factor, sorted(healths, reverse=True)[need - 1])
    required = min(capacity, sum(weights))
    if required <= 0:
        return UP
    delivered = sum(weight * health for weight, health in zip(weights, healths, strict=True))
    return softened(factor, min(UP * required, delivered), required)


def margin_lost(
    need: int, capacity: int | None, weights: Sequence[int], healths: Sequence[int], factor: int = UP
) -> bool:
    """The group still gives all it should, but any further loss may show, which is not so when all members are up."""
    if group_health(need, capacity, weights, healths, factor) < UP:
        return False
    up = [UP] * len(weights)
    return _spare(need, capacity, weights, up, factor) and not _spare(need, capacity, weights, healths, factor)


def _spare(need: int, capacity: int | None, weights: Sequence[int], healths: Sequence[int], factor: int) -> bool:
    """Whether the group would give all it should without its best member."""
    shares = [weight * health for weight, health in zip(weights, healths, strict=True)]
    best = max(range(len(shares)), key=(healths if capacity is None else shares).__getitem__)
    return group_health(need, capacity, weights, [*healths[:best], 0, *healths[best + 1 :]], factor) == UP
