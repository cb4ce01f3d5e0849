"""Whether an entity's log records flow: a source that has stopped says nothing, neither good nor bad."""

from __future__ import annotations

from engine.evidence.logs.change import ENOUGH, UNLIKELY, Window
from engine.evidence.logs.counts import Counts
from engine.evidence.logs.kinds import FAILED, WORDED
from engine.evidence.logs.store import EntityLogs, Logs
from engine.evidence.logs.usual import Compared, compared, span

ALIVE, SILENT, UNKNOWN = "alive", "silent", "unknown"
ORDINARY = 0.05
"""One-sided probability above which a count is ordinary."""
LINES = 30
"""Lines in the window without which their being ordinary says nothing."""


def flow(logs: Logs, of_entity: EntityLogs) -> str:
    """As of the newest minute of any entity: silent where so long a silence is not by chance."""
    quiet = span(of_entity.lines.last + 1, logs.newest - 1, logs.gaps, of_entity.lines)
    if not quiet.known:
        return ALIVE
    before = span(of_entity.lines.first, of_entity.lines.last, logs.gaps, of_entity.lines)
    against = compared(of_entity.lines, quiet, before)
    if against is None:
        return UNKNOWN
    return SILENT if against.below < UNLIKELY else ALIVE


def dropped(logs: Logs, found: Window) -> Compared | None:
    """Far fewer lines than usual in the window, but not none: less is done, and the source lives."""
    of_entity = found.of_entity
    now = span(found.now.low, min(found.now.high, logs.newest - 1), logs.gaps, of_entity.lines)
    if found.before.known < ENOUGH or flow(logs, of_entity) != ALIVE:
        return None
    against = compared(of_entity.lines, now, found.before)
    return against if against is not None and against.seen and against.below < UNLIKELY else None


def ordinary(logs: Logs, found: Window, until: int) -> Compared | None:
    """The entity's lines in the window, where they are enough, as many as usual, and tell of no more failures.

    ``until`` is the last minute that the alert is about: an unfinished window is not ordinary yet.
    """
    of_entity, now = found.of_entity, found.now
    if logs.newest < until or now.high < until - 1 or found.before.known < ENOUGH:
        return None
    lines = compared(of_entity.lines, now, found.before)
    if lines is None or lines.seen < LINES or min(lines.above, lines.below) < ORDINARY:
        return None
    failures = [found.against(of_entity.of(said)) for said in (FAILED, WORDED)]
    return lines if all(one is not None and one.above > ORDINARY for one in failures) else None


def knows_failures(found: Window) -> bool:
    """Did the entity log failures in the history? Then it would do so again."""
    counts: list[Counts] = [found.of_entity.of(said) for said in (FAILED, WORDED)]
    return any(one.between(found.before.low, found.before.high) for one in counts)
