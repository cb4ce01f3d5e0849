"""A severity matrix in which a more critical tier gets a milder level: more harm would lower the severity."""

from __future__ import annotations

from collections.abc import Sequence

from rules.errors import Flaw

ID = "milder-for-worse"


def ascending(tiers: Sequence[int]) -> None:
    """Raises `Flaw` when the columns do not go from critical to uncritical."""
    if list(tiers) != sorted(set(tiers)):
        raise Flaw(ID, "tiers must ascend, each once", "tier 0 is the most critical and comes first")


def column(before: tuple[str, Sequence[str]], grade: str, levels: Sequence[str]) -> None:
    """Raises `Flaw` when a worse grade gets a milder level than the one before it, for any tier."""
    milder, known = before
    if any(now > then for then, now in zip(known, levels, strict=True)):
        raise Flaw(
            ID,
            f"grade {grade}: a milder level than {milder} for some tier",
            "grades go from mild to bad, top to bottom",
        )


def row(grade: str, levels: Sequence[str], columns: int) -> None:
    """Raises `Flaw` when a row has the wrong length, or gets worse towards less critical tiers."""
    if len(levels) != columns + 1:
        raise Flaw(
            ID, f"grade {grade}: {len(levels)} levels for {columns} tiers", "one for each tier and one for all others"
        )
    if list(levels) != sorted(levels):
        raise Flaw(ID, f"grade {grade}: a less critical tier gets a worse level", "levels go from bad to mild in a row")
