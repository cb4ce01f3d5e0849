"""Changes in an entity's log records: a rise of failures, its beginning, groups that rise or are new, and the flow."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.evidence.logs.counts import KEPT, MINUTE, Counts
from engine.evidence.logs.discoveries import discoveries
from engine.evidence.logs.kinds import FAILED, WORDED
from engine.evidence.logs.store import EntityLogs, Group, Logs
from engine.evidence.logs.usual import Compared, Span, compared, span
from engine.signals import Millis

UNLIKELY = 1e-3
"""One-sided probability from which a count is not by chance."""
AT_LEAST = 3
"""Failures below which a rise says nothing."""
GUARD = 5
"""Minutes before the window that are not taken for usual, as an alert fires some time after its trouble began …"""
ENOUGH = 15
"""… where so many minutes of history are left before them. New failures and a usual flow need as many."""
BACK = 30
"""Minutes before an onset in which its beginning is looked for."""
PAUSE = 3
"""Minutes without an unusual count that do not end a rise."""


class Rise(msgspec.Struct, frozen=True):
    """Failures in the window against what was usual; ``minutes`` known ones in it and in the history before it."""

    seen: int
    usual: float
    minutes: int
    history: int
    dispersion: float
    p: float
    text: str = ""


class Window(msgspec.Struct, frozen=True):
    """The minutes that an alert is about and the history they are compared with."""

    of_entity: EntityLogs
    now: Span
    before: Span

    def against(self, counts: Counts) -> Compared | None:
        """A count, relative to the number of other lines where there are more of those than usual."""
        lines, now, before = self.of_entity.lines, self.now, self.before
        other = lines.between(now.low, now.high) - counts.between(now.low, now.high)
        usually = lines.between(before.low, before.high) - counts.between(before.low, before.high)
        traffic = (other + 1) / (usually + 1) * before.known / now.known
        return compared(counts, now, before, traffic)


def window(logs: Logs, entity: str, since: Millis, until: Millis) -> Window | None:
    """None where nothing was logged by then, or nothing before it."""
    of_entity = logs.entities.get(entity)
    if of_entity is None:
        return None
    low, high = since // MINUTE, min(until // MINUTE, of_entity.lines.last)
    start = max(of_entity.first, of_entity.lines.last - KEPT)
    now = span(low, high, logs.gaps, of_entity.lines)
    before = span(start, low - 1 - GUARD, logs.gaps, of_entity.lines)
    if before.known < ENOUGH:
        before = span(start, low - 1, logs.gaps, of_entity.lines)
    return Window(of_entity, now, before) if now.known and before.known else None


def rise(logs: Logs, entity: str, since: Millis, until: Millis) -> Rise | None:
    """A rise of failures, by level, else by words; None when there is none, or nothing to compare with."""
    found = window(logs, entity, since, until)
    return (rise_of(found, FAILED) or rise_of(found, WORDED)) if found else None


def rise_of(found: Window, said: str) -> Rise | None:
    """A rise of one class of lines, with the text of its largest group."""
    counts = found.of_entity.of(said)
    against = found.against(counts) if counts.minutes else None
    if against is None or against.seen < AT_LEAST or (p := against.above) > UNLIKELY:
        return None
    now = found.now
    rows = [
        (-group.counts.between(now.low, now.high), group.text)
        for group in found.of_entity.groups.values()
        if group.said == said
    ]
    text = min(rows)[1] if rows else ""
    return Rise(against.seen, against.usual, now.known, found.before.known, against.dispersion, p, text)


def onset(logs: Logs, entity: str, around: Millis) -> Millis | None:
    """The beginning of the first minute of the rise of failures that leads up to a moment, or follows it at once.

    Minutes are tested one by one against what was usual before all of them; a pause of `PAUSE` minutes begins anew.
    """
    of_entity = logs.entities.get(entity)
    if of_entity is None:
        return None
    end = around // MINUTE
    start = max(of_entity.first, of_entity.lines.last - KEPT)
    low = max(end - BACK, (start + end) // 2)
    before = span(start, low - 1, logs.gaps, of_entity.lines)
    for said in (FAILED, WORDED):
        counts = of_entity.of(said)
        begin: int | None = None
        last: int | None = None
        for minute in counts.minutes:
            if not low <= minute <= end + PAUSE:
                continue
            against = compared(counts, Span(minute, minute, 1), before)
            if against is None or against.seen < AT_LEAST - 1 or against.above > UNLIKELY:
                continue
            begin = minute if last is None or minute - last > PAUSE else begin
            last = minute
        if begin is not None and last is not None and last >= end - PAUSE:
            return begin * MINUTE
    return None


def new_failures(found: Window) -> Iterator[tuple[Group, int]]:
    """Groups that tell of a failure and were not seen before the window, those by level and of many lines first.

    None where the history is short or groups of failures had to be given up: those might not be new.
    """
    of_entity, now = found.of_entity, found.now
    if found.before.known < ENOUGH or of_entity.lost >= found.before.low:
        return
    rows = [
        (group.said != FAILED, -group.counts.between(now.low, now.high), group.text, group.first, group)
        for group in of_entity.groups.values()
        if group.said in (FAILED, WORDED) and now.low <= group.first <= now.high
    ]
    for _, lines, _, _, group in sorted(rows, key=lambda row: row[:4]):
        if -lines >= AT_LEAST:
            yield group, -lines


def rising_groups(found: Window) -> list[tuple[Group, Compared, float]]:
    """Groups known before that have risen, with their one-sided probability; the share of false ones is bounded."""
    rows: list[tuple[tuple[float, str, str, int], Group, Compared]] = []
    for group in found.of_entity.groups.values():
        if group.first >= found.now.low or group.counts.last < found.now.low:
            continue
        against = found.against(group.counts)
        if against is not None and against.seen >= AT_LEAST:
            rows.append(((against.root_above, group.text, group.said, group.first), group, against))
    rows.sort(key=lambda row: row[0])
    return [(rows[i][1], rows[i][2], rows[i][0][0]) for i in discoveries([row[0][0] for row in rows])]
