"""Wire shapes of what an entity's log records say. Times in milliseconds since 1970."""

from __future__ import annotations

import msgspec

from engine.signals import Millis


class LogTemplate(msgspec.Struct, frozen=True):
    """Lines that look alike, masked, `<*>` for what varies; ``lines`` of the minutes kept, ``recent`` of the last hour.

    ``level``: `failed` (error or critical), `worded` (words of failure where the level does not say), `warned` or
    `plain`. ``first`` and ``last`` are the beginnings of minutes.
    """

    text: str
    level: str
    lines: int
    recent: int
    first: Millis
    last: Millis


class LogsOf(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an entity's log records. ``flow`` is `alive`, `silent` (then they say neither good nor bad) or
    `unknown`. ``templates`` are those with most lines, of ``total``."""

    entity: str
    versions: dict[str, str]
    flow: str
    lines: int
    failed: int
    worded: int
    warned: int
    first: Millis | None
    last: Millis | None
    total: int
    templates: list[LogTemplate]
