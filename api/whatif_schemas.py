"""What the API answers to what-if questions and of saved scenarios. Times are seconds after the onset."""

from __future__ import annotations

import msgspec

from api.schemas import GroupState, MismatchOf, Reached, Versions
from engine.outcomes import HarmView, SeverityView
from topology.objectives import Objective


class Assumed(msgspec.Struct):
    """An entity that the question assumes to be in trouble, and why: down, in maintenance, down with a fate, …"""

    entity: str
    why: str


class Waiting(msgspec.Struct):
    """An entity that answers ``delay`` seconds later, and whom it waits for; empty when it is slow itself."""

    entity: str
    delay: float
    waits_for: str = ""


class Changed(msgspec.Struct):
    """An entity whose state differs, in words: up, at risk, at 800, down."""

    entity: str
    before: str
    after: str


class MomentOf(msgspec.Struct, kw_only=True):
    """The assumed world at one moment. ``items`` are the entities that are hit, at risk or will be hit, soonest and
    worst first; ``changed`` compares with doing nothing. ``margins`` are redundancy groups that work and have no margin
    left. ``worse_together`` are worse off than from what is planned alone and from all else alone. ``objectives`` are
    the countdowns of what is down, against the restoration plan (moments in milliseconds after the onset)."""

    at: float
    total: int
    items: list[Reached]
    margins: list[GroupState]
    worse_together: list[str]
    changed: list[Changed]
    changed_total: int
    severity: SeverityView
    harm: HarmView
    obligations: tuple[str, ...] = ()
    objectives: tuple[Objective, ...] = ()


class WhatIf(msgspec.Struct, kw_only=True):
    """The answer to a what-if question. ``now``: it builds on what is the matter now."""

    versions: Versions
    now: bool
    assumed: list[Assumed]
    waiting: list[Waiting]
    moments: list[MomentOf]


class ScenarioRun(msgspec.Struct, kw_only=True):
    """A saved scenario and how it went: ``passed`` or ``failed``; ``unknown`` are names that the catalogue lacks."""

    id: str
    title: str
    result: str
    file: str
    line: int
    mismatches: list[MismatchOf] = []
    unknown: list[str] = []


class ScenarioRuns(msgspec.Struct, kw_only=True):
    """Saved scenarios by id as they went with these versions; ``findings`` is what is wrong with their files."""

    versions: Versions
    passed: int
    failed: int
    items: list[ScenarioRun]
    findings: list[str] = []
    next: str = ""
