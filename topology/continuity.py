"""What the business says of an entity beyond its dependencies: continuity, contracts, who shares its fate."""

from __future__ import annotations

import msgspec


class Assumption(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the continuity of an entity takes for granted of another one (``on``): broken while that one is not up for
    longer than its contract, or else its RTO, allows.

    ``agreed_by`` and ``reviewed`` (ISO 8601 date) are its record.
    """

    id: str
    on: str
    text: str = ""
    agreed_by: str = ""
    reviewed: str = ""


class Contract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The terms with a third party: seconds, ``support`` ("24x7" or "business_hours"), ``expires`` (ISO 8601 date)."""

    reference: str = ""
    rto: int | None = None
    rpo: int | None = None
    response: int | None = None
    support: str = ""
    expires: str = ""


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which business unit a shared provider is restored for first, and who signed that off, when (ISO 8601 date)."""

    order: tuple[str, ...]
    by: str = ""
    on: str = ""


class Continuity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All optional; durations are seconds.

    ``restore``: own restoration, once its providers are back. ``mtd``: maximum tolerable downtime. ``failure``:
    probability to fail within the horizon of the risk analysis, in parts per million. ``fates``: names of the groups
    that fail together with it (`SharedFate`). ``replication``: largest replication lag promised; ``backup``: time
    between backups; ``durable`` False: it forgets what it holds when it goes down. ``unit``: the business unit, whose
    ``priority`` 1 is restored first. ``regions``: ISO 3166-1 alpha-2 codes of where it is used. ``transactions`` and
    ``value`` (EUR): daily averages. ``critical``: it supports a critical or important function. ``sketch``: a theta
    sketch of its users' ids, base64 (Apache DataSketches, compact form).
    """

    restore: int | None = None
    mtd: int | None = None
    failure: int | None = None
    fates: tuple[str, ...] = ()
    replication: int | None = None
    backup: int | None = None
    durable: bool | None = None
    contract: Contract | None = None
    assumptions: tuple[Assumption, ...] = ()
    agreement: Agreement | None = None
    unit: str = ""
    priority: int | None = None
    regions: tuple[str, ...] = ()
    transactions: int | None = None
    value: int | None = None
    critical: bool | None = None
    sketch: str = ""


NOTHING_SAID = Continuity()
"""Of most entities; loaders use this very object, so that it is left out of the canonical content."""


class SharedFate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A common cause (rack, power feed, release) that takes down all entities that name it; ``failure`` as above."""

    name: str
    failure: int | None = None
