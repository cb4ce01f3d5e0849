"""All incidents, filtered by what stands in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from api.console.countdowns import countdowns
from api.console.states import cause_name
from api.parts import Parts
from api.plain import csv_text
from engine.lifecycle import State
from engine.outcomes import IncidentView
from rules.severity import LEVELS

PAGE = 50
EXPORTED = 5_000
COLUMNS = (
    "id", "severity", "state", "title", "cause", "onset", "opened_at", "resolved_at", "alerts", "hit",
    "acknowledged_by", "assigned", "closed_as",
)  # fmt: skip


def incident_list(
    running: Parts, state: tuple[str, ...], severity: tuple[str, ...], text: str, drill: bool | None, cursor: str
) -> dict[str, Any]:
    """The values of the template."""
    page = running.reader.incidents(state=state, severity=severity, text=text, drill=drill, cursor=cursor, limit=PAGE)
    views = cast("list[IncidentView]", page.items)
    return {
        "title": "Incidents",
        "rows": [(view, cause_name(view), next(iter(countdowns([view])), None)) for view in views],
        "next": page.next,
        "cursor": cursor,
        "state": state,
        "severity": severity,
        "text": text,
        "drill": drill,
        "states": [one.value for one in State],
        "levels": LEVELS,
        "query": [
            *(("state", one) for one in state),
            *(("severity", one) for one in severity),
            ("text", text),
            *([] if drill is None else [("drill", str(drill).lower())]),
        ],
    }


def incidents_csv(running: Parts, state: Sequence[str], severity: Sequence[str], text: str, drill: bool | None) -> str:
    """The newest ones as CSV."""
    rows: list[Sequence[object]] = []
    cursor = ""
    while len(rows) < EXPORTED:
        page = running.reader.incidents(
            state=state, severity=severity, text=text, drill=drill, cursor=cursor, limit=200
        )
        rows += [_row(view) for view in cast("list[IncidentView]", page.items)]
        cursor = page.next
        if not cursor:
            break
    return csv_text(COLUMNS, rows)


def _row(view: IncidentView) -> Sequence[object]:
    return (
        view.id, view.severity.level, str(view.state), view.title, view.cause, view.onset, view.opened_at,
        view.resolved_at, view.alerts, view.impact_total, view.acknowledged_by, view.assigned, view.closed_as,
    )  # fmt: skip
