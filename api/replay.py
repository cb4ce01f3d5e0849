"""`headwater replay`: an event stream through the production core and service, in event time, without a disk.

The answer is the one at the last event, once it is settled: what would come later (a quiet time, an expiry) is not
waited for. The same stream gives the same bytes, whatever the batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from api.replay_recovery import leaning, stated
from api.replay_result import Collected, Result, result
from api.replay_stream import Stream
from engine import own
from engine.core import Core
from engine.library import Library
from engine.ports import Clock, Commit, Decode, Record, Source
from engine.service import Service
from engine.signals import Millis
from rules.ruleset import Mode, RuleSet
from topology.model import Topology

SETTLED: Millis = 500
"""How long after the last event the engine is given to settle what it still holds."""
Report = Callable[[int, str], None]
MakeService = Callable[[Library, Source, Decode, Clock, Callable[[Commit], None], int], Service]
"""(library, source, decode, clock, on_commit, records per transaction) -> a service on a store in memory."""


class ReplayFailed(Exception):
    """The engine stopped in the middle of a stream: a defect of Headwater, not of the stream."""


@dataclass(frozen=True)
class Replay:
    """How to replay. ``topology`` None takes it from the stream's own lines."""

    service: MakeService
    decode: Decode
    topology: Topology | None = None
    rules: RuleSet | None = None
    suppression: Mode = "enforce"
    batch: int = 256

    def run(
        self,
        id: str,
        lines: Iterable[bytes],
        report: Report,
        progress: Callable[[int], None] = lambda _: None,
        collected: Collected | None = None,
    ) -> Result:
        """Replay the lines of stream ``id``. ``progress`` hears the number of events so far; ``collected`` (empty at
        first) takes all that the engine says."""
        library = Library()
        rules = (self.rules or RuleSet.default()).with_mode(self.suppression)
        versions = {"rules": library.add_rules(rules), "topology": ""}
        first: list[Callable[[Millis], Record]] = [lambda at: own.activation("rules", rules.version, at)]
        if self.topology is not None:
            fixed = versions["topology"] = library.add_topology(self.topology)
            first.append(lambda at: own.activation("topology", fixed, at))

        def activate(topology: Topology, at: Millis) -> Record | None:
            if self.topology is not None:
                return None
            versions["topology"] = library.add_topology(topology)
            return own.activation("topology", topology.version, at)

        stream = Stream(lines, self.decode, activate, report, first)
        collected = Collected() if collected is None else collected

        def clock() -> Millis:
            return stream.last + SETTLED if stream.done else 0

        service = self.service(library, stream, self.decode, clock, collected.take, self.batch)
        _drive(service, stream, progress)
        told = result(
            collected,
            id=id,
            sent=stream.sent,
            named=stream.named,
            last=stream.last,
            suppression=self.suppression,
            versions=versions,
            events=stream.events,
            skipped=stream.bad,
        )
        told.anomalies = _anomalies(service)
        if isinstance(service.core, Core):
            likeliest = leaning(service.core.state.telemetry, stream.last)
            told.leaning, told.leaning_probability = likeliest.verdict, likeliest.probability
            said = stated(service.core, collected.latest(), stream.last)
            told.recovery, told.recovery_why = said.verdict, said.why
            told.recovery_incident, told.recovery_entities = said.incident, said.entities
        return told


def _anomalies(service: Service) -> list[tuple[float, float]]:
    """When any series was not as usual, in Unix seconds: stretches that do not touch each other, oldest first."""
    found: list[tuple[float, float]] = []
    for one in service.core.anomalies() if isinstance(service.core, Core) else ():
        start, end = one.start / 1000, one.end / 1000
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _drive(service: Service, stream: Stream, progress: Callable[[int], None]) -> None:
    """Step through the stream, then once more for the timers that are due at its last event."""
    service.recover()
    while not stream.done:
        service.step(0)
        if not service.health().ready:
            raise ReplayFailed(service.health().reason)
        progress(stream.events)
    service.step(0)
    progress(stream.events)
