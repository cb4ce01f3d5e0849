"""What the API answers about probes and data checks."""

from __future__ import annotations

import msgspec

from engine.signals import Millis


class ProbeAnswer(msgspec.Struct, kw_only=True):
    """What one run found: ``passed`` is yes, no or unknown, ``duration`` in milliseconds."""

    probe: str
    entity: str
    kind: str
    at: Millis
    passed: str
    duration: Millis
    value: float | None = None
    unit: str = ""
    detail: str = ""


class ProbeRow(msgspec.Struct, kw_only=True):
    """A declared probe or data check. ``every`` is how often it is made now (0: when it is asked for), ``often``: more
    often than usual, as an open incident touches its entity. ``failures`` counts since the start."""

    id: str
    entity: str
    kind: str
    every: Millis
    often: bool
    running: bool
    runs: int
    failures: int
    skipped: int
    next: Millis | None
    last: ProbeAnswer | None


class ProbesOf(msgspec.Struct, kw_only=True):
    """A page of them by id, of one version of the rules."""

    items: list[ProbeRow]
    rules: str
    next: str = ""
