"""Stored things with sensible defaults, so that a test names only what it is about."""

from __future__ import annotations

import msgspec

from engine.outcomes import (
    AlertView,
    Decision,
    IncidentView,
    LedgerChange,
    LedgerEntry,
    Publication,
    SeverityView,
    TimelineEntry,
)
from engine.ports import Commit, DeadLetter, Entry, Snapshot
from engine.reasons import Disposition, Reason
from engine.signals import Labels

NOON = 1_790_000_000_000
SINKS = {"log": {"engineers", "stakeholders"}, "tickets": {"tickets"}}


def entry(position: int, body: bytes = b"[]", *, arrival: int | None = None, poison: bool = False) -> Entry:
    when = NOON + position if arrival is None else arrival
    return Entry(position, "http", 0, None, "json", when, body, poison)


def alert(no: int, **changes: object) -> AlertView:
    labels = Labels.of({"alertname": "Down", "instance": f"host-{no}"})
    values: dict[str, object] = {
        "no": no, "fingerprint": labels.fingerprint, "labels": msgspec.Raw(labels.raw),
        "annotations": msgspec.Raw(b"{}"), "name": "Down", "entity": "db", "mapped": True, "domain": "shop",
        "severity": "critical", "state": "firing", "disposition": Disposition.OPENED, "reason": Reason.NEW_TROUBLE,
        "starts_at": NOON,
    }  # fmt: skip
    return AlertView(**(values | changes))  # type: ignore[arg-type]


def incident(id: str, revision: int = 1, **changes: object) -> IncidentView:
    severity = SeverityView(
        level=str(changes.pop("severity", "SEV3")), user_impact="no", data_loss="no", regulatory="cannot_exclude",
        fired=({"rule": "default", "level": "SEV3"},),
    )  # fmt: skip
    values: dict[str, object] = {
        "id": id, "revision": revision, "state": "declared", "domain": "shop", "title": f"Trouble {id}",
        "why": "two symptoms share a provider", "onset": NOON, "opened_at": NOON, "updated_at": NOON + revision,
        "severity": severity, "entities": ("web", "api"), "cause": "db",
    }  # fmt: skip
    return IncidentView(**(values | changes))  # type: ignore[arg-type]


def told(incident: str, kind: str = "opened", at: int = NOON) -> TimelineEntry:
    return TimelineEntry(incident=incident, at=at, kind=kind, text=f"{incident} was {kind}", facts={"alerts": 2})


def publication(
    key: str, incident: str = "INC-1", action: str = "open", *, audience: str = "tickets", not_before: int = NOON
) -> Publication:
    return Publication(
        key=key, incident=incident, revision=1, generation=1, action=action, audience=audience, not_before=not_before,
        created_at=NOON, body={"title": "Trouble"},
    )  # fmt: skip


def ledger(position: int, *alerts: int, disposition: Disposition = Disposition.OPENED) -> list[LedgerEntry]:
    reason = {
        Disposition.OPENED: Reason.NEW_TROUBLE, Disposition.HELD: Reason.SETTLING, Disposition.DUPLICATE: Reason.REPEAT
    }[disposition]  # fmt: skip
    return [LedgerEntry(index, no, disposition, reason, "INC-1") for index, no in enumerate(alerts)]


def change(event: str, no: int, before: Disposition, after: Disposition, reason: Reason) -> LedgerChange:
    return LedgerChange(event, no, NOON + 500, before, after, reason, "INC-1", "settle")


def decision(position: int, payload: bytes = b"opened INC-1", domain: str = "shop") -> Decision:
    return Decision(domain, position, NOON + position, payload)


def letter(reason: str = "not JSON", raw: bytes = b"{") -> DeadLetter:
    return DeadLetter(at=NOON, source="http", format="json", pointer="/0", reason=reason, raw=raw, position=1)


def snapshot(position: int, state: bytes = b"state", schema: int = 1) -> Snapshot:
    return Snapshot(position, NOON + position, schema, "0.1", state)


def whole(position: int, alerts: int = 2) -> Commit:
    """One input with everything that can come of it."""
    numbers = [position * 100 + i for i in range(alerts)]
    id = f"INC-{position}"
    return Commit(
        entries=[entry(position, b"x" * 1000)],
        ledger=[(position, ledger(position, *numbers))],
        alerts=[alert(no, incident=id, first_event=f"{position}-{i}") for i, no in enumerate(numbers)],
        incidents=[incident(id)],
        timeline=[told(id)],
        outbox=[publication(f"{id}/open", id)],
        decisions=[decision(position), decision(position, b"elsewhere", "web")],
        positions={("kafka", 3): position * 10},
        ticked=NOON + position,
        counts={"received": position * alerts, "opened": position * alerts},
    )
