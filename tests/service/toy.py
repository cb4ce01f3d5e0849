"""A small deterministic core: one incident per trouble, a timer for each, and a record it cannot bear.

It stands in for the real one where a test is about the shell: it is quick to start, and it can be told to fail.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.outcomes import (
    AlertView,
    Decision,
    IncidentView,
    LedgerEntry,
    Outcomes,
    Publication,
    SeverityView,
    TimelineEntry,
)
from engine.ports import Decoded, Record, Reject
from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Downtime, Labels, Millis, Signal

SETTLE = 50  # ms from the first event of a trouble to its timer


class _Alert(msgspec.Struct):
    no: int
    trouble: str
    since: Millis
    events: int
    disposition: Disposition
    last: str


class _State(msgspec.Struct):
    alerts: dict[str, _Alert] = {}
    counts: dict[str, int] = {}
    timers: list[tuple[Millis, str]] = []
    position: int = 0
    gaps: list[tuple[Millis, Millis]] = []


class ToyCore:
    """Interface of `engine.core.Core`."""

    SCHEMA = 1

    def __init__(self, library: object) -> None:
        self._state = _State(counts={"received": 0} | {one.value: 0 for one in Disposition})

    @classmethod
    def restore(cls, state: bytes, library: object) -> ToyCore:
        core = cls(library)
        core._state = msgspec.msgpack.decode(state, type=_State)
        return core

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    @property
    def counts(self) -> dict[str, int]:
        return self._state.counts

    @property
    def gaps(self) -> list[tuple[Millis, Millis]]:
        return self._state.gaps

    def gauges(self) -> dict[str, float]:
        return {"alerts_active": len(self._state.alerts)}

    def due(self) -> Millis | None:
        return min(self._state.timers)[0] if self._state.timers else None

    def tick(self, now: Millis) -> Outcomes:
        outcomes = Outcomes()
        while self._state.timers and min(self._state.timers)[0] <= now:
            due, trouble = min(self._state.timers)
            self._state.timers.remove((due, trouble))
            if trouble == "timer-fails":
                raise RuntimeError("a timer that fails")
            self._tell(outcomes, trouble, due, "update", 2)
        return outcomes

    def handle(self, position: int, signals: Sequence[Signal], now: Millis) -> Outcomes:
        outcomes = self.tick(now)
        self._state.position = position
        for index, signal in enumerate(signals):
            if isinstance(signal, Downtime):
                self._state.gaps.append((signal.since, signal.until))
            if isinstance(signal, AlertEvent):
                self._event(outcomes, index, signal, now)
        return outcomes

    def alert_view(self, no: int) -> AlertView:
        alert = next(alert for alert in self._state.alerts.values() if alert.no == no)
        labels = Labels.of({"trouble": alert.trouble})
        return AlertView(
            no=no, fingerprint=labels.fingerprint, labels=msgspec.Raw(labels.raw), annotations=msgspec.Raw(b"{}"),
            name=alert.trouble, entity=alert.trouble, mapped=True, domain="toy", severity="critical", state="firing",
            disposition=alert.disposition, reason=Reason.NEW_TROUBLE, incident=f"INC-{alert.trouble}",
            first_event=alert.last, last_event=alert.last, starts_at=alert.since,
        )  # fmt: skip

    def _event(self, outcomes: Outcomes, index: int, event: AlertEvent, now: Millis) -> None:
        state, trouble = self._state, event.labels.as_dict()["trouble"]
        if trouble == "poison":
            state.counts["received"] += 1000  # what a failing core leaves half done must not survive
            raise RuntimeError("a record the core cannot bear")
        alert = state.alerts.get(trouble)
        disposition = Disposition.OPENED if alert is None else Disposition.DUPLICATE
        if alert is None:
            alert = _Alert(len(state.alerts) + 1, trouble, now, 0, disposition, "")
            state.alerts[trouble] = alert
            state.timers.append((now + SETTLE, trouble))
            self._tell(outcomes, trouble, now, "open", 1)
        alert.events, alert.last = alert.events + 1, f"{state.position}-{index}"
        state.counts["received"] += 1
        state.counts[disposition.value] += 1
        outcomes.ledger.append(LedgerEntry(index, alert.no, disposition, Reason.NEW_TROUBLE, f"INC-{trouble}"))
        outcomes.alerts.append(alert.no)
        payload = f"{trouble} {disposition} {alert.events}".encode()
        outcomes.decisions.append(Decision("toy", state.position, now, payload))

    def _tell(self, outcomes: Outcomes, trouble: str, at: Millis, action: str, revision: int) -> None:
        id = f"INC-{trouble}"
        severity = SeverityView(level="SEV3", user_impact="no", data_loss="no", regulatory="no", fired=())
        outcomes.incidents.append(
            IncidentView(id=id, revision=revision, state="suspected", domain="toy", title=trouble, why=action,
                         onset=at, opened_at=at, updated_at=at, severity=severity)
        )  # fmt: skip
        outcomes.timeline.append(TimelineEntry(incident=id, at=at, kind=action, text=action))
        outcomes.outbox.append(
            Publication(key=f"{id}.{action}.1.{revision}", incident=id, revision=revision, generation=1,
                        action=action, audience="engineers", not_before=at, created_at=at,
                        body={"incident": {"id": id, "revision": revision, "title": trouble}})
        )  # fmt: skip
        if action == "update":
            outcomes.decisions.append(Decision("toy", self._state.position, at, f"{trouble} settled".encode()))


def decode(format: str, body: bytes) -> Decoded:
    """A body is troubles by name, separated by blanks; ``?`` is what cannot be decoded."""
    names = body.decode().split()
    good = tuple(AlertEvent(Labels.of({"trouble": name})) for name in names if name != "?")
    return Decoded(
        good, tuple(Reject(f"/{at}", "a question mark", b"?") for at, name in enumerate(names) if name == "?")
    )


def record(body: str, *, offset: int | None = None, source: str = "list", arrival: Millis | None = None) -> Record:
    return Record(source, "toy", body.encode(), offset=offset, arrival=arrival)
