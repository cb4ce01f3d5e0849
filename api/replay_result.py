"""The result of a replay: one JSON object that says what the engine made of a stream, as of its last event.

`ranked` and `impact` speak of the incident that is open at the last event and highest by (severity, confirmed
symptoms, latest first alert, id). `incidents` are all that were ever declared or would have told anyone, and the
suspected ones still open at the end. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from api.replay_stream import AlertSent
from engine.lifecycle import OPEN, State
from engine.outcomes import AlertView, Impacted, IncidentView, LedgerChange, LedgerEntry, TimelineEntry
from engine.ports import Commit
from engine.reasons import Reason, Verdict
from engine.recovery.words import Recovery
from engine.signals import Millis

UP = 1000


class IncidentTold(msgspec.Struct):
    """One incident of the stream."""

    id: str
    opened: float
    cause: str | None
    severity: str
    state: str


class Moment(msgspec.Struct):
    """One line of the timeline, in Unix seconds."""

    t: float
    incident: str
    kind: str
    text: str


class Result(msgspec.Struct, kw_only=True):
    """The result object; unknown keys are to be ignored by its readers."""

    id: str
    ranked: list[tuple[str, float]]
    impact: list[str]
    alerts: dict[str, str]
    dispositions: dict[str, str]
    incidents: list[IncidentTold]
    severity: str | None
    incident: str | None
    abstained: str
    why: str
    timeline: list[Moment]
    totals: dict[str, int]
    versions: dict[str, str]
    suppression: str
    events: int
    skipped: int
    anomalies: list[tuple[float, float]] = []
    recovery: str = Recovery.NO_BASELINE
    recovery_why: tuple[str, ...] = ()
    recovery_incident: str = ""
    recovery_entities: dict[str, str] = {}
    leaning: str = Recovery.NO_BASELINE
    leaning_probability: float = 0.0


class Collected:
    """What the engine committed, latest state of each thing. The same for all batch sizes."""

    def __init__(self) -> None:
        self.ledger: dict[str, LedgerEntry | LedgerChange] = {}
        self.alerts: dict[int, AlertView] = {}
        self.incidents: dict[str, IncidentView] = {}
        self.counting: set[str] = set()
        self.timeline: list[TimelineEntry] = []
        self.counts: dict[str, int] = {}

    def take(self, commit: Commit) -> None:
        """Listen to the service."""
        for position, entries in commit.ledger:
            self.ledger |= {f"{position}-{entry.index}": entry for entry in entries}
        self.ledger |= {change.event: change for change in commit.changes}
        self.alerts |= {view.no: view for view in commit.alerts}
        for view in commit.incidents:
            self.incidents[view.id] = view
            if view.told or view.declared_at is not None:
                self.counting.add(view.id)
        self.timeline += commit.timeline
        self.counts = commit.counts or self.counts

    def main(self) -> IncidentView | None:
        """The incident that the answer speaks of: none of which only the proof of recovery is missing."""
        open_ones = [view for view in self.incidents.values() if view.state in OPEN and not view.held_open]
        return max(open_ones, key=_rank, default=None)

    def latest(self) -> IncidentView | None:
        """The incident whose recovery is told: the gravest that is open, else the one that was closed last."""
        open_ones = [view for view in self.told() if view.state in OPEN]
        closed = [view for view in self.told() if view.resolved_at is not None]
        newest = max(closed, key=lambda view: (view.resolved_at or 0, view.id), default=None)
        return max(open_ones, key=_rank, default=newest)

    def around(self, incident: str) -> tuple[list[TimelineEntry], list[AlertView]]:
        """An incident's timeline and the alerts in it."""
        alerts = sorted((view for view in self.alerts.values() if view.incident == incident), key=lambda view: view.no)
        return [line for line in self.timeline if line.incident == incident], alerts

    def told(self) -> list[IncidentView]:
        """The incidents that count, oldest first."""
        counting = (v for v in self.incidents.values() if v.id in self.counting or v.state == State.SUSPECTED)
        return sorted(counting, key=lambda view: (view.opened_at, view.id))

    def verdict(self, event: str) -> Verdict:
        """What evidence says of an alert event: its alert's verdict, unless it was itself found contradicted."""
        entry = self.ledger[event]
        if entry.reason is Reason.CONTRADICTED:
            return Verdict.CONTRADICTED
        view = self.alerts.get(entry.alert)
        return view.verdict if view else Verdict.UNVERIFIABLE


def result(  # noqa: PLR0913 - the parts of one object
    collected: Collected,
    *,
    id: str,
    sent: Mapping[str, AlertSent],
    named: Collection[str],
    last: Millis,
    suppression: str,
    versions: Mapping[str, str],
    events: int,
    skipped: int,
) -> Result:
    """The answer at the last event."""
    main = collected.main()
    known = {event: alert.id or event for event, alert in sent.items() if event in collected.ledger}
    return Result(
        id=id,
        ranked=[(one.entity, one.score) for one in main.candidates] if main and not main.abstained else [],
        impact=sorted(hit.entity for hit in _hit_now(main.impact, named, last)) if main else [],
        alerts={alert: collected.verdict(event).value for event, alert in known.items()},
        dispositions={alert: collected.ledger[event].disposition.value for event, alert in known.items()},
        incidents=[_told(view) for view in collected.told()],
        severity=main.severity.level if main else None,
        incident=main.id if main else None,
        abstained=main.abstained if main else "no incident is open",
        why=main.why if main else "",
        timeline=[Moment(line.at / 1000, line.incident, line.kind, line.text) for line in collected.timeline],
        totals=_totals(collected.counts),
        versions=dict(versions),
        suppression=suppression,
        events=events,
        skipped=skipped,
    )


def _rank(view: IncidentView) -> tuple[int, int, Millis, str]:
    """SEV1 is the highest; symptoms are those of what still fires."""
    level = view.severity.level.removeprefix("SEV")
    lasting = view.confirmed if view.firing else 0
    start = view.onset if view.first_alert_at is None else view.first_alert_at
    return (-int(level) if level.isdecimal() else -9, lasting, start, view.id)


def _hit_now(impact: Iterable[Impacted], named: Collection[str], last: Millis) -> Iterable[Impacted]:
    """Below full health now: neither merely at risk nor to be hit later."""
    return (hit for hit in impact if hit.high < UP and (hit.at is None or hit.at <= last) and hit.entity in named)


def _told(view: IncidentView) -> IncidentTold:
    return IncidentTold(view.id, view.opened_at / 1000, view.cause, view.severity.level, view.state)


def _totals(counts: Mapping[str, int]) -> dict[str, int]:
    received = counts.get("received", 0)
    accounted = sum(count for name, count in counts.items() if name != "received")
    return {
        "received": received,
        **{k: v for k, v in sorted(counts.items()) if k != "received"},
        "unaccounted": received - accounted,
    }
