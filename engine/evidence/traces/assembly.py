"""Assembly: each span is paired with its parent and its children, in whatever order they come.

A span counts from the moment it arrives; what it shows is taken back and counted anew when a child or its parent comes
later. So nothing waits for a trace to be complete, orphans count for what they show by themselves, and any order of
arrival leads to the same counts. Pairs are made of two spans only, so a cycle of parents is harmless.

A span waits `KEPT` minutes of event time for its relatives, as log records may be late, and the oldest traces go first
when there are more than `MOST_HELD`.
"""

from __future__ import annotations

from collections.abc import Callable, Set

import msgspec

from engine.evidence.traces.network_time import Shown, shown
from engine.evidence.traces.self_time import cover, within
from engine.evidence.traces.tally import Micros

KEPT = 5
"""Minutes for which a trace is held after its last span."""
MOST_HELD = 50_000
"""Spans held; each its own trace, they take some fifty megabytes."""
MOST_OF_ONE = 10_000
"""Spans held of one trace. Further ones are not looked at: without their relatives they would mislead."""
ASYNCHRONOUS = ("producer", "consumer")


class Held(msgspec.Struct, array_like=True):
    """A span that waits for its relatives, and what it has been counted as."""

    entity: str
    operation: str
    start: Micros
    duration: Micros
    minute: int
    kind: str
    failed: bool
    children: int = 0
    broken: bool = False
    provider: str = ""
    mixed: bool = False
    waited: Micros = 0
    covered: list[Micros] = []
    said: Shown | None = None


class Trace(msgspec.Struct, array_like=True):
    """The spans of one trace by id; ``orphans`` are ids of spans by the parent that they wait for."""

    latest: int
    spans: dict[str, Held] = {}
    orphans: dict[str, list[str]] = {}


Count = Callable[[Held, Shown, int], None]
"""Count what a span shows (1), or take it back (-1)."""
Call = Callable[[Held, Held], None]
"""Count a call from one span to another of another entity."""


class Assembly(msgspec.Struct, array_like=True):
    """The traces that are held, by id and by their last minute; and how many spans were not used, and why."""

    traces: dict[str, Trace] = {}
    by_minute: dict[int, list[str]] = {}
    held: int = 0
    repeated: int = 0
    beyond: int = 0
    early: int = 0

    def add(self, trace: str, span: str, parent: str, held: Held, count: Count, call: Call) -> bool:
        """Pair a span with its relatives; False when it is a repetition, or one too many of its trace."""
        of = self.traces.get(trace)
        if of is None:
            of = self.traces[trace] = Trace(held.minute)
            self.by_minute.setdefault(held.minute, []).append(trace)
        spans = of.spans
        if span in spans:
            self.repeated += 1
            return False
        if len(spans) >= MOST_OF_ONE:
            self.beyond += 1
            return False
        of.latest = max(of.latest, held.minute)
        spans[span] = held
        self.held += 1
        if of.orphans:
            for child in of.orphans.pop(span, ()):
                adopt(held, spans[child], call)
        if parent and parent != span:
            above = spans.get(parent)
            if above is None:
                of.orphans.setdefault(parent, []).append(span)
            else:
                adopt(above, held, call)
                recount(above, count)
        recount(held, count)
        return True

    def forget(self, latest: int) -> None:
        """Let go of the traces that are too old, and of the oldest while there are too many spans."""
        while self.by_minute:
            minute = min(self.by_minute)
            old = minute < latest - KEPT
            if not old and self.held <= MOST_HELD:
                return
            for trace in self.by_minute.pop(minute):
                of = self.traces[trace]
                if of.latest > minute:
                    self.by_minute.setdefault(of.latest, []).append(trace)
                    continue
                self.held -= len(of.spans)
                self.early += 0 if old else len(of.spans)
                del self.traces[trace]

    def let_go(self, gone: Set[str]) -> None:
        """Forget the spans of these entities; what they were counted as stays."""
        for of in self.traces.values():
            spans = {span for span, held in of.spans.items() if held.entity in gone}
            for span in spans:
                del of.spans[span]
            self.held -= len(spans)
            of.orphans = {
                parent: left
                for parent, waiting in of.orphans.items()
                if (left := [span for span in waiting if span not in spans])
            }


def adopt(parent: Held, child: Held, call: Call) -> None:
    """Note a child with its parent."""
    parent.children += 1
    parent.broken = parent.broken or child.failed
    remote = parent.entity != child.entity
    if remote:
        parent.mixed = parent.mixed or parent.provider not in ("", child.entity)
        parent.provider = min(parent.provider or child.entity, child.entity)
        parent.waited += child.duration
        call(parent, child)
    if parent.kind != ASYNCHRONOUS[0] and child.kind != ASYNCHRONOUS[1]:
        low, high = within(parent.start, parent.duration, child.start, child.duration, remote=remote)
        cover(parent.covered, low, high)


def recount(held: Held, count: Count) -> None:
    """Count what a span shows by now instead of what it showed before."""
    now = shown(held)
    if now != held.said:
        if held.said is not None:
            count(held, held.said, -1)
        held.said = now
        count(held, now, 1)
