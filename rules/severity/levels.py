"""The five levels of severity."""

from __future__ import annotations

LEVELS = ("SEV1", "SEV2", "SEV3", "SEV4", "SEV5")
"""Worst first."""
MILDEST = LEVELS[-1]


def weight(level: str) -> int:
    """The more the worse: SEV1 weighs 5, SEV5 weighs 1."""
    return len(LEVELS) - LEVELS.index(level)
