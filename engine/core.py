"""The core: signals and time in, outcomes out. Pure and deterministic (law 3): no clock, no I/O, no random number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine import state as states
from engine.alerts import admission
from engine.alerts.inhibition import watch_all
from engine.alerts.intake import flap_due, take
from engine.alerts.view import alert_view
from engine.assess import reassess_due
from engine.backflow import flow_back
from engine.cadence import people_gauges, update_due
from engine.calling import call_due
from engine.clocks import clock_due, clock_gauges
from engine.commands import obey, silence_due
from engine.context import Context
from engine.continuity.closing import guard_closing
from engine.continuity.coordination import brief_due
from engine.continuity.measures import grant_due
from engine.continuity.reviewing import review_due
from engine.continuity.stepping import step_due
from engine.continuity.vendors import vendor_due
from engine.drills import DRILL, FIRST_ALERT, drilled, is_drill
from engine.evidence.telemetry import AnomalySeen
from engine.handover.arriving import take_over, take_what_waited
from engine.handover.leaving import hand_over, pass_on
from engine.heartbeats import dead_due, late_due, pulse
from engine.incidents import archive_due, declare_due, recover_due, recovery_gauges
from engine.judging import rule_gauges
from engine.library import Library
from engine.outcomes import AlertView, Decision, Outcomes
from engine.probing import take_answer
from engine.proof import compared, guard, proof_due
from engine.ranges import take_fetched
from engine.reasons import Disposition
from engine.recovery_views import RecoveryView
from engine.settle import evidence_due, final_due, settle_due
from engine.settled import unsettle
from engine.shards import ALONE, Shard
from engine.signals import (
    Activation,
    AlertEvent,
    Answer,
    Command,
    Downtime,
    Fetched,
    Handover,
    Heartbeat,
    Millis,
    Signal,
    TicketEvent,
)
from engine.state import CoreState
from engine.storms import storm_due
from engine.telemetry_intake import TELEMETRY, take_telemetry
from engine.versions import activate

_TIMERS: Mapping[str, Callable[[Context, str, Millis], None]] = {
    "settle": settle_due,
    "severity": reassess_due,
    "exposure": reassess_due,
    "evidence": evidence_due,
    "final": final_due,
    "declare": declare_due,
    "recover": recover_due,
    "archive": archive_due,
    "expiry": admission.expiry_due,
    "gate": admission.gate_due,
    "forget": admission.forget_due,
    "late": late_due,
    "dead": dead_due,
    "flap": flap_due,
    "silence": silence_due,
    "storm": storm_due,
    "clock": clock_due,
    "proof": proof_due,
    "call": call_due,
    "update": update_due,
    "brief": brief_due,
    "grant": grant_due,
    "vendor": vendor_due,
    "review": review_due,
    "step": step_due,
}
_SHIFTED = frozenset({"expiry", "recover", "forget", "archive", "late", "dead", "storm", "call", "proof"})
"""Timers that wait for the absence of something: own downtime moves them."""
_DISPOSITIONS = tuple(Disposition)
_COUNTED = ("received", *(one.value for one in Disposition))


class Core:
    """One engine's decisions. Not safe for threads: one owner calls it."""

    SCHEMA = states.SCHEMA

    def __init__(self, library: Library, state: CoreState | None = None, shard: Shard = ALONE) -> None:
        state = state or _empty(shard)
        self._library, self._shard = library, shard
        self._context = _ready(Context(state, library, shard))
        self._drill = _ready(Context(states.decode(state.drill), library, shard)) if state.drill else None
        self._lanes = _lanes(self._context, self._drill)
        state.drill = b""

    @classmethod
    def restore(cls, content: bytes, library: Library, shard: Shard = ALONE) -> Core:
        """The core of a snapshot; goes on exactly as the one that wrote it."""
        return cls(library, states.decode(content), shard)

    def snapshot(self) -> bytes:
        """All that the core remembers."""
        context = self._context
        context.state.timers = context.timers.snapshot()
        if self._drill is not None:
            self._drill.state.timers = self._drill.timers.snapshot()
            context.state.drill = states.encode(self._drill.state)
            self._drill.state.timers = []
        content = states.encode(context.state)
        context.state.timers, context.state.drill = [], b""
        return content

    def handle(self, position: int, signals: Sequence[Signal], now: Millis) -> Outcomes:
        """Fire the timers due by ``now``, then take the signals of input ``position`` in their order."""
        out = self._begin()
        self._fire(now)
        for context in self._lanes:
            context.comparable.clear()
            context.state.now = now
            context.state.position = position
        context = self._context
        for index, signal in enumerate(signals) if context.shard.total == 1 else self._own(signals):
            if type(signal) is AlertEvent:
                take(self._drilling(position, now) if signal.labels.drill else context, index, signal, now)
            else:
                self._unsettle()
                self._other(self._drilling(position, now) if is_drill(signal) else context, signal, now)
        return self._finish(out, now)

    def tick(self, now: Millis) -> Outcomes:
        """Fire the timers due by ``now``; when none is due, nothing happens and nothing is remembered."""
        out = self._begin()
        self._fire(now)
        return self._finish(out, self._context.state.now)

    def due(self) -> Millis | None:
        """When the next timer is due."""
        if self._drill is None:
            return self._context.timers.due()
        return min((due for lane in self._lanes if (due := lane.timers.due()) is not None), default=None)

    @property
    def counts(self) -> dict[str, int]:
        """Alert events received, and by current disposition."""
        found = [one.state.counts for one in self._lanes]
        return {name: sum([counts.get(name, 0) for counts in found]) for name in _COUNTED}

    @property
    def state(self) -> CoreState:
        """The state, to be read only."""
        return self._context.state

    def anomalies(self) -> list[AnomalySeen]:
        """When which of the watched series was not as usual, by start."""
        return self._context.state.telemetry.anomalies()

    def recovery(self, incident: str, now: Millis) -> RecoveryView | None:
        """What a comparison at this moment says of an incident, without keeping it; None while its alerts fire."""
        found = self._context.state.incidents.get(incident)
        return None if found is None else compared(self._context, found, now)

    def alert_view(self, number: int) -> AlertView:
        """The current state of one alert; KeyError when its life is over."""
        lane = self._lane_of(number)
        return alert_view(lane, lane.state.alerts[number])

    def knows(self, number: int) -> bool:
        """Is the alert still remembered?"""
        return number in self._lane_of(number).state.alerts

    def gauges(self) -> dict[str, float]:
        """Plain numbers for metrics."""
        context = self._context
        alerts = context.state.alerts.values()
        now = context.state.now
        pulses = context.state.pulses.values()
        return {
            "alerts_active": sum(a.spell.firing(now) for a in alerts),
            "unmapped": sum(not a.mapped and a.spell.firing(now) for a in alerts),
            "held": sum(a.disposition is Disposition.HELD for a in alerts),
            "suppressed": sum(a.disposition is Disposition.SUPPRESSED for a in alerts),
            "flapping": sum(a.flapping for a in alerts),
            "incidents_open": sum(len(d.open) for d in context.state.domains.values()),
            "sources_late": sum(p.state == "late" for p in pulses),
            "sources_dead": sum(p.state == "dead" for p in pulses),
            "storm": float(context.state.storm),
            "storm_waiting": len(context.state.storms.waiting),
            "series": context.state.telemetry.count,
            "samples_ignored": context.state.telemetry.ignored,
            **clock_gauges(context.state.incidents.values(), now),
            **rule_gauges(context),
            **recovery_gauges(context.state.incidents.values()),
            **people_gauges(context.state.incidents.values()),
            "ticket_events_unknown": context.state.strange_tickets,
            "series_evicted": context.state.telemetry.store.evicted,
            "log_lines": context.state.logs.seen,
            "log_lines_cut": context.state.logs.cut,
            "log_lines_ignored": context.state.logs.ignored,
            "log_groups": context.state.logs.groups,
            "log_groups_given_up": context.state.logs.given_up,
        }

    def _own(self, signals: Sequence[Signal]) -> Iterator[tuple[int, Signal]]:
        """Those of one of several shards, by their place; behind them what came with a parcel. The others are passed
        on."""
        context, waiting, place = self._context, list(signals), 0
        while waiting:
            upto = next((n for n, one in enumerate(waiting, 1) if isinstance(one, Activation | Handover)), len(waiting))
            yield from pass_on(context, waiting[:upto], place)
            place += upto
            waiting = [*waiting[upto:], *context.strays]
            context.strays = []

    def _unsettle(self) -> None:
        """Something other than an alert comes: how domains were settled may be so no longer."""
        for lane in self._lanes:
            lane.settled.clear()

    def _lane_of(self, number: int) -> Context:
        """Where an alert of this number is."""
        return self._drill if self._drill is not None and drilled(number) else self._context

    def _drilling(self, position: int, now: Millis) -> Context:
        """The drill lane, under the versions in force."""
        if self._drill is None:
            real = self._context.state
            state = _empty(self._shard)
            state.lane, state.next_alert = DRILL, self._shard.base + FIRST_ALERT
            state.topology, state.rules, state.position, state.now = real.topology, real.rules, position, now
            self._drill = _ready(Context(state, self._library, self._shard))
            self._drill.out = self._context.out
            self._lanes = _lanes(self._context, self._drill)
        return self._drill

    def _begin(self) -> Outcomes:
        out = Outcomes()
        for lane in self._lanes:
            lane.out = out
        return out

    def _fire(self, now: Millis) -> None:
        while (upto := self.due()) is not None and upto <= now:
            context = min(self._lanes, key=_next_due)
            timer = context.timers.pop(now)
            assert timer is not None  # noqa: S101 - it is the one that is due
            due, kind, key = timer
            due = context.state.now = max(context.state.now, due)  # one that was set for the past fires now
            unsettle(context.settled, context.state.incidents, kind, key)
            _TIMERS[kind](context, key, due)
            self._record(context, due)

    def _record(self, context: Context, at: Millis) -> None:
        made = context.recorder.take(context.state.position, at, context.versions())
        if context is self._drill:
            made = [Decision(f"{DRILL.lower()}:{one.domain}", one.position, one.at, one.payload) for one in made]
        context.out.decisions += made

    def _finish(self, out: Outcomes, now: Millis) -> Outcomes:
        changed: list[int] = []
        for context in self._lanes:
            self._record(context, now)
            if context.changed:
                changed += sorted(number for number in context.changed if number in context.state.alerts)
                context.changed = set()
        if out.ledger:
            drills = [entry for entry in out.ledger if drilled(entry.alert)] if self._drill is not None else []
            real = [entry for entry in out.ledger if not drilled(entry.alert)] if drills else out.ledger
            for context, entries in zip(self._lanes, (real, drills), strict=False):
                counts = context.state.counts
                counts["received"] = counts.get("received", 0) + len(entries)
                if entries:
                    _tally(counts, [entry.disposition for entry in entries])
        out.alerts = changed
        return out

    def _other(self, context: Context, signal: Signal, now: Millis) -> None:
        if isinstance(signal, TELEMETRY):
            take_telemetry(context, signal, now)
        elif isinstance(signal, Heartbeat):
            pulse(context, signal.source, signal.every, now if signal.at is None else signal.at, now)
        elif isinstance(signal, Command):
            obey(context, signal, now)
        elif isinstance(signal, TicketEvent):
            flow_back(context, signal, now)
        elif isinstance(signal, Answer):
            take_answer(context, signal, now)
        elif isinstance(signal, Fetched):
            take_fetched(context, signal)
        elif isinstance(signal, Downtime):
            self._slept(signal)
        elif isinstance(signal, Activation):
            self._activate(signal, now)
        elif isinstance(signal, Handover):
            take_over(context, signal, now)
        else:
            raise TypeError(f"{type(signal).__name__} is no signal")

    def _activate(self, signal: Activation, now: Millis) -> None:
        """One of several shards knows an activation that it has heard of, and gives away what is no longer its own."""
        context = self._context
        if 0 < signal.number <= context.state.shared.activated:
            return
        for lane in self._lanes:
            activate(lane, signal, now)
        if context.shard.total > 1:
            context.state.shared.activated = signal.number
            hand_over(context, now)
            take_what_waited(context, now)

    def _slept(self, gap: Downtime) -> None:
        """The engine was down: what it would have missed in that time is not held against anybody."""
        length = gap.until - gap.since
        for context in self._lanes:
            context.timers.shift(_SHIFTED, gap.since, length)
            context.state.arrivals.sleep(gap.since, gap.until)
            for alert in context.state.alerts.values():
                if gap.since < alert.spell.expires < 1 << 61:
                    alert.spell.expires += length
            for known in context.state.pulses.values():
                known.last += length
            context.state.logs.slept(gap.since, gap.until)


def _lanes(real: Context, drill: Context | None) -> tuple[Context, ...]:
    """What is real, and the drill lane once there was a drill."""
    return (real,) if drill is None else (real, drill)


def _next_due(context: Context) -> Millis:
    due = context.timers.due()
    return 1 << 62 if due is None else due


def _ready(context: Context) -> Context:
    """With what has to be watched, and the guards before the end of an incident."""
    watch_all(context)
    guard(context)
    guard_closing(context)
    return context


def _tally(counts: dict[str, int], dispositions: list[Disposition]) -> None:
    """Add them up; most often they are all alike (and hashing an enum's members is slow)."""
    left = len(dispositions)
    for disposition in (dispositions[0], *_DISPOSITIONS):
        number, name = dispositions.count(disposition), disposition._value_
        counts[name] = counts.get(name, 0) + number
        left -= number
        if left == 0:
            return
        dispositions = [other for other in dispositions if other is not disposition]


class Shards:
    """The cores of one shard of several, where a `Core` is expected (`engine.resume.EngineType`)."""

    SCHEMA = states.SCHEMA

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def __call__(self, library: Library, /) -> Core:
        """A core that has seen nothing."""
        return Core(library, None, self._shard)

    def restore(self, state: bytes, library: Library, /) -> Core:
        """A core with the state of a snapshot."""
        return Core.restore(state, library, self._shard)


def _empty(shard: Shard) -> CoreState:
    return CoreState(
        position=shard.base,
        next_alert=shard.base + 1,
        next_mark=shard.base + 1,
        alerts={},
        incidents={},
        domains={},
        pulses={},
        silences={},
        modes={},
        changes={},
        counts={},
        troubled={},
        expiring={},
        timers=[],
    )
