"""What people have heard of an incident, and what flowed back from its tickets: kept with it."""

from __future__ import annotations

import msgspec

from engine.signals import Millis

Deadline = tuple[str, str, Millis | None, bool, bool]
"""A clock as people heard of it: name, state, due, whether soon, whether passed."""


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """What somebody was told of an incident; the next news are what has changed since. All empty: nothing."""

    state: str = ""
    level: str = ""
    asked: str = ""
    cause: str = ""
    escalation: str = ""
    services: dict[str, str] = {}
    hit: int = 0
    firing: int = 0
    clocks: dict[str, Deadline] = {}
    duties: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    acknowledged: str = ""
    recovery: str = ""
    assigned: str = ""


class Told(msgspec.Struct, array_like=True):
    """What an audience was told last, due ``at``. Until then it may give way to a later one, which tells what is new
    since what the audience had ``before`` (None: nothing), and its ``lines`` too."""

    at: Millis
    said: Heard
    before: Heard | None = None
    lines: tuple[str, ...] = ()


class Desk(msgspec.Struct):
    """What flowed back from the tickets of an incident: ``keys`` of the latest changes taken, the latest one of each
    field as (at, key), how often Headwater has set a field back, and the tickets that are closed."""

    keys: list[str] = []
    latest: dict[str, tuple[Millis, str]] = {}
    disputes: dict[str, int] = {}
    closed: list[str] = []
