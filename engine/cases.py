"""What is kept of an incident under one regime: the version it is judged by, what people said, its clocks."""

from __future__ import annotations

import msgspec

from engine.clock_views import ClockView, Pressed, RegimeView, Said
from engine.signals import Millis
from rules.regimes.model import Given


class Stretch(msgspec.Struct):
    """Time that adds up: running since ``since`` (None: not), ``total`` before that, which ended at ``ended``."""

    since: Millis | None = None
    total: Millis = 0
    ended: Millis = 0


class Observed(msgspec.Struct):
    """The worst that the engine has seen of an incident: facts by id, and how long things have lasted.

    ``topology`` is the version that the upper bounds are from; ``sure``: all that is hit is known, and for certain.
    """

    known: dict[str, Given] = {}
    lasting: dict[str, Stretch] = {}
    topology: str = ""
    sure: bool = False


class Case(msgspec.Struct):
    """An incident under a regime. ``since`` and ``rules`` pin the version, ``content`` is a digest of it; ``inputs`` a
    digest of the facts behind ``view``; ``left``: the rules in force no longer declare it. ``told`` is the answer that
    people last heard beside their own classification."""

    regime: str
    since: str
    rules: str
    content: str
    said: dict[str, list[Said]] = {}
    pressed: dict[str, list[Pressed]] = {}
    clocks: dict[str, ClockView] = {}
    view: RegimeView | None = None
    inputs: str = ""
    left: bool = False
    told: str = ""
