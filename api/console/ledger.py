"""The ledger: every alert with what became of it and why; and what a silence would hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from api.argument import alert_argued
from api.parts import Parts
from api.plain import csv_text
from engine.outcomes import AlertView
from engine.reasons import Disposition, Verdict
from rules.errors import Flaw
from rules.matchers import parse_matchers

PAGE = 100
LOOKED_AT = 20_000
"""Firing alerts that a preview looks at."""
SHOWN = 50
EXPORTED = 20_000
COLUMNS = (
    "no", "name", "entity", "severity", "state", "disposition", "reason", "rule", "verdict", "incident", "starts_at",
    "ends_at",
)  # fmt: skip
STATES = ("firing", "flapping", "resolved")
FILTERS = ("disposition", "state", "verdict", "entity", "name", "incident")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; all of it stands in the URL."""

    disposition: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    entity: str = ""
    name: str = ""
    incident: str = ""


class Preview(msgspec.Struct, kw_only=True):
    """What a silence would hide now: ``matching`` firing alerts, of ``looked_at``; ``incidents`` and ``alerts`` are the
    first of them. Not ``complete``: there were more to look at."""

    matching: int
    incidents: list[str]
    entities: int
    alerts: list[dict[str, Any]]
    looked_at: int
    complete: bool


def ledger(running: Parts, wanted: Filter, cursor: str) -> dict[str, Any]:
    """The values of the template."""
    page = running.reader.alerts(**_asked(wanted), cursor=cursor, limit=PAGE)
    return {
        "title": "Alerts",
        "alerts": page.items,
        "next": page.next,
        "cursor": cursor,
        "wanted": wanted,
        "dispositions": [one.value for one in Disposition],
        "states": STATES,
        "verdicts": [one.value for one in Verdict],
        "totals": dict(running.reader.totals()),
        "silences": list(running.silences()),
    }


def alert_page(running: Parts, alert: AlertView) -> dict[str, Any]:
    """One alert: its labels, its history, and what evidence says."""
    event = alert.last_event or alert.first_event
    fields = msgspec.json.decode(msgspec.json.encode(alert))
    return {
        "title": f"Alert {alert.no}",
        "alert": alert,
        "labels": sorted(fields["labels"].items()),
        "annotations": sorted(fields["annotations"].items()),
        "event": event,
        "history": running.reader.why(event) if event else [],
        "argued": alert_argued(fields),
    }


def exported(running: Parts, wanted: Filter) -> str:
    """The ledger as CSV, with the newest `EXPORTED` alerts."""
    rows: list[Sequence[object]] = []
    cursor = ""
    while len(rows) < EXPORTED:
        page = running.reader.alerts(**_asked(wanted), cursor=cursor, limit=500)
        rows += [[_plain(getattr(one, column)) for column in COLUMNS] for one in page.items]
        cursor = page.next
        if not cursor:
            break
    return csv_text(COLUMNS, rows)


def preview(running: Parts, text: str) -> Preview:
    """What a silence with these matchers would hide. Raises `rules.errors.Flaw`."""
    matchers = parse_matchers(text)
    if not matchers:
        raise Flaw("matchers", "name at least one matcher: a silence of everything is none")
    found: list[AlertView] = []
    cursor, looked_at = "", 0
    while looked_at < LOOKED_AT:
        page = running.reader.alerts(state=("firing", "flapping"), cursor=cursor, limit=500)
        alerts = cast("list[AlertView]", page.items)
        looked_at += len(alerts)
        found += [one for one in alerts if all(matcher.matches(_labels(one)) for matcher in matchers)]
        cursor = page.next
        if not cursor:
            break
    return Preview(
        matching=len(found),
        incidents=sorted({one.incident for one in found if one.incident})[:SHOWN],
        entities=len({one.entity for one in found}),
        alerts=[
            {"no": one.no, "name": one.name, "entity": one.entity, "severity": one.severity, "incident": one.incident}
            for one in found[:SHOWN]
        ],
        looked_at=looked_at,
        complete=not cursor,
    )


def query(wanted: Filter) -> list[tuple[str, str]]:
    """The filter as the parameters of a URL."""
    found: list[tuple[str, str]] = []
    for name in FILTERS:
        value = getattr(wanted, name)
        found += [(name, one) for one in value] if isinstance(value, tuple) else [(name, value)] if value else []
    return found


def _asked(wanted: Filter) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in FILTERS}


def _labels(alert: AlertView) -> Mapping[str, str]:
    found: Mapping[str, str] = msgspec.json.decode(bytes(alert.labels))
    return found


def _plain(value: object) -> object:
    return getattr(value, "value", value)
