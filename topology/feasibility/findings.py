"""What an audit finds, worst first."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """An ``error`` is an objective that cannot be met; a ``warning`` may become one; ``info`` is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value to change. ``field`` is its name in the catalogue (``contract.rto``, ``assumptions.ID.reviewed``);
    durations are seconds."""

    entity: str
    field: str
    value: int | bool | str
    before: int | bool | str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``entities``: the one it is about, then others involved. ``chain``: from an objective down to what breaks it.
    ``slack``: seconds that are left, negative when they are missing, None when it is not about time. ``fix``: the
    smallest single change after which the check finds nothing here, if there is one that is no decision of people.
    ``owners``: who has to be asked."""

    check: str
    severity: Level
    entities: tuple[str, ...]
    sentence: str
    chain: tuple[str, ...] = ()
    slack: int | None = None
    fix: Fix | None = None
    owners: tuple[str, ...] = ()


RANK = {level: rank for rank, level in enumerate(Level)}


def worst_first(finding: Finding) -> tuple[object, ...]:
    """Sort key: severity, then the least slack, then check and entities."""
    late = finding.slack is None
    return (RANK[finding.severity], late, finding.slack or 0, finding.check, finding.entities)
