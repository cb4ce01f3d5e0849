"""What duty rosters say: shifts of people, and the contacts of vendors. Moments and durations are milliseconds."""

from __future__ import annotations

import msgspec


class Shift(msgspec.Struct, frozen=True, array_like=True):
    """``person`` is on duty from ``starts_at`` until before ``ends_at``."""

    person: str
    starts_at: int
    ends_at: int


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Who fills the role ``id`` when, by start; ``contacts`` are (person, how to reach them).

    ``people`` is how many are on duty at a time, ``ahead`` for how long from now on there must be somebody.
    """

    id: str
    shifts: tuple[Shift, ...] = ()
    contacts: tuple[tuple[str, str], ...] = ()
    people: int = 1
    ahead: int = 14 * 86_400_000
    file: str = ""


class Contact(msgspec.Struct, frozen=True):
    """Somebody at a vendor, and how to reach them."""

    name: str
    reach: str


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody outside who has to help: of ``entity`` (whose contract counts), with a promised ``response`` of their
    own, if any. That they can be reached is confirmed ``confirm_every`` so often."""

    id: str
    entity: str = ""
    response: int | None = None
    contacts: tuple[Contact, ...] = ()
    confirm_every: int = 90 * 86_400_000
