"""What an entity's log records say, for the API. Reads the running core's state from another thread: copies first."""

from __future__ import annotations

from api.log_schemas import LogsOf, LogTemplate
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.flow import UNKNOWN, flow
from engine.evidence.logs.kinds import FAILED, PLAIN, WARNED, WORDED
from engine.evidence.logs.store import EntityLogs, Group, Logs, templates

RECENT = 60
"""Minutes that count as recent."""
_WORST = (FAILED, WORDED, WARNED, PLAIN)


def logs_of(logs: Logs | None, entity: str, versions: dict[str, str], most: int) -> LogsOf:
    """Templates with most lines first; all zero where nothing was logged."""
    found = logs.entities.get(entity) if logs is not None else None
    if logs is None or found is None:
        return LogsOf(
            entity=entity, versions=versions, flow=UNKNOWN, lines=0, failed=0, worded=0, warned=0, first=None,
            last=None, total=0, templates=[],
        )  # fmt: skip
    rows = [_row(logs, text, groups) for text, groups in templates(found)]
    return LogsOf(
        entity=entity,
        versions=versions,
        flow=flow(logs, found),
        lines=found.lines.total,
        failed=found.of(FAILED).total,
        worded=found.of(WORDED).total,
        warned=found.of(WARNED).total,
        first=_first(found) * MINUTE,
        last=found.lines.last * MINUTE,
        total=len(rows),
        templates=rows[:most],
    )


def _first(found: EntityLogs) -> int:
    return max(found.first, found.lines.first)


def _row(logs: Logs, text: str, groups: list[Group]) -> LogTemplate:
    return LogTemplate(
        text,
        min((group.said for group in groups), key=_WORST.index),
        sum(group.counts.total for group in groups),
        sum(group.counts.between(logs.newest - RECENT + 1, logs.newest) for group in groups),
        min(group.first for group in groups) * MINUTE,
        max(group.counts.last for group in groups) * MINUTE,
    )
