"""What is done between incidents: exercises, restore tests, confirmed contacts, reviewed contracts. Plain data."""

from __future__ import annotations

import msgspec

from engine.signals import Millis


class ExerciseDone(msgspec.Struct, kw_only=True, frozen=True):
    """An exercise that was held: who filled which role, how it went (``passed``: yes, no, partly), what was found.
    ``drill`` is the incident of the drill lane that it was measured by, if any; ``broke`` are assumptions
    (entity/assumption) that it showed not to hold."""

    exercise: str
    at: Millis
    by: str
    passed: str
    findings: str = ""
    people: tuple[tuple[str, str], ...] = ()
    drill: str = ""
    broke: tuple[str, ...] = ()


class RestoreTest(msgspec.Struct, kw_only=True, frozen=True):
    """A backup of ``entity`` was restored in a test: in how many ``seconds``, with data up to ``age`` seconds old, at
    ``mb_per_second`` (0: not measured); ``integrity``: yes, no, unknown."""

    entity: str
    at: Millis
    by: str
    seconds: int
    integrity: str
    age: int | None = None
    mb_per_second: int = 0
    note: str = ""


class Confirmed(msgspec.Struct, kw_only=True, frozen=True):
    """A vendor was reached, or not, when somebody tried."""

    vendor: str
    at: Millis
    by: str
    reached: bool
    note: str = ""


class ContractReviewed(msgspec.Struct, kw_only=True, frozen=True):
    """The contract with ``entity`` was reviewed: capacity, separation and access as promised (yes, no, unknown)."""

    entity: str
    at: Millis
    by: str
    capacity: str
    separation: str
    access: str
    note: str = ""


class OrderSigned(msgspec.Struct, kw_only=True, frozen=True):
    """Business units in the ``order`` in which a shared provider is restored for them, signed under a topology."""

    provider: str
    order: tuple[str, ...]
    at: Millis
    by: str
    topology: str
    why: str = ""


class Preparedness(msgspec.Struct, kw_only=True, frozen=True):
    """All of it, oldest first, cut at `engine.continuity.readiness.KEPT` each. ``revised`` are (playbook, digest of its
    content, since when) of those in force; ``updates`` are (playbook, when) of the changes seen."""

    exercises: tuple[ExerciseDone, ...] = ()
    restores: tuple[RestoreTest, ...] = ()
    contacts: tuple[Confirmed, ...] = ()
    contracts: tuple[ContractReviewed, ...] = ()
    revised: tuple[tuple[str, str, Millis], ...] = ()
    updates: tuple[tuple[str, Millis], ...] = ()
    initiated: tuple[tuple[str, Millis, Millis], ...] = ()
    orders: tuple[OrderSigned, ...] = ()
