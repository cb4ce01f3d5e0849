"""A severity policy as data: hard rules, and a matrix of extent and tier."""

from __future__ import annotations

import msgspec


class When(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Conditions, all of which must hold; each says "at least". ``tier`` says "this tier or a more critical one".

    ``share`` is in thousandths of all users, ``transactions`` and ``value`` are daily averages (EUR), ``word`` is a
    severity word, durations are milliseconds. ``severity`` is for what follows from the level, not for the level.
    """

    users: int | None = None
    share: int | None = None
    tier: int | None = None
    business: int | None = None
    regions: int | None = None
    member_states: int | None = None
    critical: int | None = None
    transactions: int | None = None
    value: int | None = None
    down: int | None = None
    affected: int | None = None
    at_risk: int | None = None
    going_down: int | None = None
    stores_down: int | None = None
    word: str | None = None
    lasting: int | None = None
    down_for: int | None = None
    business_down_for: int | None = None
    critical_down_for: int | None = None
    user_impact: bool | None = None
    data_loss: bool | None = None
    regulatory: bool | None = None
    rto_breach: bool | None = None
    security: bool | None = None
    lost_heartbeat: bool | None = None
    severity: str | None = None


class SeverityRule(msgspec.Struct, frozen=True):
    """A hard rule: when all its conditions hold, the incident is at least this severe."""

    id: str
    level: str
    when: When


class Grade(msgspec.Struct, frozen=True):
    """A row of the matrix: an extent of user impact (reached by any of ``any``), and its level for each tier.

    ``levels`` has one level for each of the matrix's tiers and one more for all other or unknown tiers.
    """

    id: str
    any: tuple[When, ...]
    levels: tuple[str, ...]


class Matrix(msgspec.Struct, frozen=True):
    """Extent × tier -> level. ``tiers`` ascend (0 is the most critical); grades go from mild to bad."""

    tiers: tuple[int, ...] = ()
    grades: tuple[Grade, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """A severity policy. ``users_total``: how many users there are in all, where the catalogue does not say."""

    rules: tuple[SeverityRule, ...] = ()
    matrix: Matrix = Matrix()
    users_total: int | None = None
