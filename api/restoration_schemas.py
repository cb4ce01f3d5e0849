"""What the API answers about restoration. Spans are seconds from the begin of the restoration, moments milliseconds."""

from __future__ import annotations

import msgspec

from engine.signals import Millis
from topology.objectives import Objective


class RestorationTask(msgspec.Struct, kw_only=True):
    """One entity's return, at the earliest and at the latest (null: no bound is known).

    ``health`` is where it is now (0 down … 999). ``way``: ``repair`` (it has failed itself), ``itself`` (it comes back
    once what it needs does) or ``manual`` (it is to be started by hand without something it needs). ``stays_down``:
    without a manual start, its own or another's, it never comes back though all causes are healed. Work on it begins at
    ``start`` and ends at ``ready``; at ``finish`` it is in service. ``wave`` counts from 1 who can be worked on
    together; 0 where nothing is to be done. ``after`` is whom it waits for last. ``slack``: how much longer it may take
    before the whole is late. ``takes`` is what the catalogue declares, null where it declares nothing.
    """

    entity: str
    name: str
    kind: str
    owner: str
    health: int
    way: str
    stays_down: bool
    wave: int
    start: int
    start_latest: int | None
    ready: int
    finish: int
    finish_latest: int | None
    slack: int
    after: str
    takes: int | None


class ManualStart(msgspec.Struct):
    """``entity`` is to be started although these ``providers`` (of ``group``, if named) are still down."""

    entity: str
    providers: tuple[str, ...]
    group: str = ""


class Threatened(msgspec.Struct):
    """An entity that the buffer of ``held_by`` holds up ``until`` then; ``spared`` (``yes``, ``no``,
    ``cannot_exclude``): whether that provider is back before."""

    entity: str
    held_by: str
    until: Millis
    spared: str


class RestorationOf(msgspec.Struct, kw_only=True):
    """The order in which ``failed`` entities and what they hit come back.

    Of an ``incident`` (its ``revision``), or of failures that are assumed at moment 0. ``at`` is now, ``begun`` the
    begin that spans count from: now, unless restoration has begun. ``takes`` … ``takes_latest`` is what the whole
    takes, ``critical`` the chain of starts that decides on it, ``waves`` who can be worked on together. ``manual`` are
    the proposed manual starts in their order. ``missing`` entities declare no duration; the earliest times count
    them as none. ``total`` tasks, of which ``tasks`` are the first.
    """

    incident: str = ""
    revision: int = 0
    versions: dict[str, str]
    at: Millis
    begun: Millis
    failed: list[str]
    total: int
    takes: int
    takes_latest: int | None
    critical: tuple[str, ...]
    waves: list[tuple[str, ...]]
    manual: list[ManualStart]
    missing: list[str]
    objectives_total: int
    objectives: list[Objective]
    threatened: list[Threatened]
    tasks: list[RestorationTask]
