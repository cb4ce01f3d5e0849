"""Scenarios on a time axis: say what happens when, and what people should then be told. Nothing sleeps.

    world = World(catalogue)
    world.at("10:00:00").fire("db-1", "DbDown", severity="critical").fire("shop", "HighErrorRate")
    world.at("10:02:00").expect(incident(cause="db-1", impacted={"shop"}))

Times are of one day, UTC; `at` only moves forward and fires the core's timers on its way. When an expectation is not
met, the failure shows what was sent and what the engine made of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from itertools import pairwise

from engine.outcomes import AlertView, IncidentView, LedgerChange, LedgerEntry
from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Change, Command, Downtime, Heartbeat, Labels, Millis, Signal, TicketEvent
from rules.ruleset import RuleSet
from tests.scenarios.drive import Driven
from topology.model import Dependency, Entity, Topology

MIDNIGHT: Millis = 1_790_035_200_000


def clock(text: str) -> Millis:
    """Milliseconds of a time of the scenario's day, ``HH:MM`` or ``HH:MM:SS``."""
    hours, minutes, seconds = (*(int(part) for part in text.split(":")), 0)[:3]
    return MIDNIGHT + 1000 * (hours * 3600 + minutes * 60 + seconds)


def shown(at: Millis) -> str:
    """The time of day as text."""
    seconds = (at - MIDNIGHT) // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def chain(*path: str, entities: Iterable[Entity] = ()) -> Topology:
    """A topology from lines such as ``"shop -> cart -> db-1"`` (consumer first) and entities that say more."""
    known = {entity.id: entity for entity in entities}
    dependencies = {}
    for line in path:
        names = [name.strip() for name in line.split("->")]
        known |= {name: Entity(id=name) for name in names if name not in known}
        for consumer, provider in pairwise(names):
            dependencies[consumer, provider] = Dependency(consumer=consumer, provider=provider)
    return Topology.build(known.values(), dependencies.values())


@dataclass(frozen=True)
class incident:  # noqa: N801 - reads as a word of the scenario
    """What an incident should be; what is left out is not looked at. Sets are lower bounds, numbers are exact."""

    cause: str | None = None
    impacted: Collection[str] = ()
    spared: Collection[str] = ()
    entities: Collection[str] = ()
    alerts: int | None = None
    state: str | None = None
    severity: str | None = None

    def misses(self, view: IncidentView) -> list[str]:
        """Why this view is not it; empty when it is."""
        hit = {impacted.entity for impacted in view.impact}
        found = []
        for name, is_now in (("cause", view.cause), ("alerts", view.alerts), ("state", view.state)):
            wanted = getattr(self, name)
            if wanted is not None and wanted != is_now:
                found.append(f"{name} is {is_now}")
        if self.severity is not None and view.severity.level != self.severity:
            found.append(f"severity is {view.severity.level}")
        if missing := set(self.impacted) - hit:
            found.append(f"impact lacks {sorted(missing)}")
        if wrong := set(self.spared) & hit:
            found.append(f"impact holds {sorted(wrong)}")
        if missing := set(self.entities) - set(view.entities):
            found.append(f"entities lack {sorted(missing)}")
        return found

    def __str__(self) -> str:
        asked = ((field.name, getattr(self, field.name)) for field in fields(self))
        return f"incident({', '.join(f'{name}={value!r}' for name, value in asked if value not in (None, ()))})"


class World:
    """One engine on one day."""

    def __init__(self, topology: Topology, rules: RuleSet | None = None) -> None:
        self.driven = Driven(topology, rules, start=MIDNIGHT)
        self.script: list[str] = []
        self.events: dict[tuple[str, str], list[str]] = {}

    def at(self, time: str) -> Moment:
        """Go on to a time."""
        now = clock(time)
        if now < self.driven.now:
            raise ValueError(f"{time} is before {shown(self.driven.now)}")
        self.driven.pass_time(now)
        return Moment(self, now)

    def story(self) -> str:
        """What was sent and what came of it, for a failing test's reader."""
        lines = ["sent:", *(f"  {line}" for line in self.script), f"incidents at {shown(self.driven.now)}:"]
        for view in self.driven.incidents():
            lines.append(
                f"  {view.id} {view.state} {view.severity.level} told={view.told} cause={view.cause} "
                f"{view.abstained} alerts={view.alerts} on {', '.join(view.entities)}; "
                f"impact {', '.join(hit.entity for hit in view.impact)}"
            )
        lines.append("timeline:")
        lines += [f"  {shown(line.at)} {line.incident} {line.kind}: {line.text}" for line in self.driven.timeline]
        lines.append("alert events:")
        for (entity, name), events in self.events.items():
            for event in events:
                said = " -> ".join(f"{e.disposition} ({e.reason})" for e in self.driven.history[event])
                lines.append(f"  {event} {entity} {name}: {said} in {self.driven.incident_of(event) or 'no incident'}")
        return "\n".join(lines)


class Moment:
    """A point in time: things happen, or are expected."""

    def __init__(self, world: World, now: Millis) -> None:
        self.world = world
        self.now = now

    def fire(
        self,
        entity: str,
        name: str,
        *,
        severity: str = "warning",
        since: str = "",
        ends: str = "",
        resent: bool = False,
        **labels: str,
    ) -> Moment:
        """An alert event arrives; ``since`` is its start (now). It stays until resolved, unless its sender announces an
        end (``ends``) or sends it again while it lasts (``resent``).
        """
        event = AlertEvent(
            labels=self._labels(entity, name, labels),
            starts_at=clock(since) if since else self.now,
            ends_at=clock(ends) if ends else None,
            annotations=b'{"severity":"%s"}' % severity.encode(),
            resent=resent or bool(ends),
        )
        return self._alert(entity, name, event, f"fire {entity} {name} {severity}")

    def resolve(self, entity: str, name: str, *, ended: str = "", **labels: str) -> Moment:
        """An alert's end arrives; it ended now unless ``ended`` says when."""
        ends = clock(ended) if ended else self.now
        event = AlertEvent(labels=self._labels(entity, name, labels), firing=False, ends_at=ends)
        return self._alert(entity, name, event, f"resolve {entity} {name}")

    def heartbeat(self, source: str, every: int) -> Moment:
        """A sign of life, due every so many seconds."""
        return self._send(Heartbeat(source=source, every=every * 1000, at=self.now), f"heartbeat of {source}")

    def change(self, entity: str, what: str, detail: str = "") -> Moment:
        """A change to an entity."""
        labels = Labels.of({"service": entity})
        return self._send(Change(labels=labels, at=self.now, what=what, detail=detail), f"{what} on {entity}")

    def command(self, action: str, target: str, *, actor: str = "ada", reason: str = "", **facts: str) -> Moment:
        """A person asks for something."""
        return self._send(Command(actor, action, target, reason, facts), f"{actor}: {action} {target}")

    def ticket(
        self,
        incident: str,
        field: str,
        value: str,
        *,
        sink: str = "desk",
        author: str = "bo",
        key: str = "",
        at: str = "",
    ) -> Moment:
        """Somebody changes a field of the incident's ticket; ``at`` says when (now), ``key`` tells the change apart."""
        when = clock(at) if at else self.now
        event = TicketEvent(sink, "T-1", incident, field, value, key or f"{field}-{value}-{when}", author, when)
        return self._send(event, f"{author} in the ticket of {incident}: {field} {value}")

    def downtime(self, until: str) -> Moment:
        """The engine itself is down from now until a time, and then comes back."""
        self._send(Downtime(since=self.now, until=clock(until)), f"own downtime until {until}")
        return self.world.at(until)

    def restart(self) -> Moment:
        """The engine carries on from a snapshot."""
        self.world.driven.restart()
        return self

    def expect(self, *wanted: incident) -> Moment:
        """People were told of exactly these incidents so far, in any order."""
        left = self.world.driven.told()
        unmet = []
        for one in wanted:
            match = next((view for view in left if not one.misses(view)), None)
            if match is not None:
                left.remove(match)
            else:
                unmet.append(one)
        if unmet or left:
            lines = [f"at {shown(self.now)}:"]
            for one in unmet:
                why = [f"{view.id}: {'; '.join(one.misses(view))}" for view in left]
                lines.append(f"  expected {one}" + "".join(f"\n    not {reason}" for reason in why))
            lines += [f"  not expected: {view.id} ({view.title})" for view in left[len(unmet) :]]
            raise AssertionError("\n".join([*lines, self.world.story()]))
        return self

    def expect_event(self, entity: str, name: str, disposition: Disposition, reason: Reason, nth: int = -1) -> Moment:
        """The current disposition of the latest (or nth) event of an alert."""
        entry = self.entry(entity, name, nth)
        if (entry.disposition, entry.reason) != (disposition, reason):
            raise AssertionError(
                f"at {shown(self.now)}: expected {entity} {name} to be {disposition} ({reason}), "
                f"it is {entry.disposition} ({entry.reason})\n{self.world.story()}"
            )
        return self

    def entry(self, entity: str, name: str, nth: int = -1) -> LedgerEntry | LedgerChange:
        """The ledger's current entry for the latest (or nth) event of an alert."""
        return self.world.driven.ledger[self.world.events[entity, name][nth]]

    def alert(self, entity: str, name: str) -> AlertView:
        """The alert as the API shows it."""
        return self.world.driven.alerts[self.entry(entity, name).alert]

    def incidents(self) -> list[IncidentView]:
        """The incidents told so far, merged ones left out, oldest first."""
        return self.world.driven.told()

    def _labels(self, entity: str, name: str, labels: dict[str, str]) -> Labels:
        return Labels.of({"alertname": name, "service": entity, **labels})

    def _alert(self, entity: str, name: str, event: AlertEvent, text: str) -> Moment:
        self._send(event, text)
        self.world.events.setdefault((entity, name), []).append(f"{self.world.driven.position}-0")
        return self

    def _send(self, signal: Signal, text: str) -> Moment:
        self.world.driven.feed(self.now, (signal,))
        self.world.script.append(f"{shown(self.now)} {text}")
        return self
