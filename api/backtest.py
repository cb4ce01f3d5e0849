"""`headwater backtest`: the stored input log again, under the rules in force then and under others, side by side.

Both sides are the production core, fed with the same inputs at the same positions and times (law 3), so that whatever
differs comes from the rules. They share their past: one core runs up to the beginning of the span, the other is made
from its snapshot there, and the other rules come into force at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from api.backtest_difference import difference
from api.backtest_schemas import BackTest, LostCommand, Start
from api.backtest_side import Watched
from engine import state as states
from engine.core import Core
from engine.errors import StoreCorrupt
from engine.library import Library
from engine.ports import Decode, Entry, Snapshot, Version
from engine.signals import Activation, Command, Millis, Signal
from rules.ruleset import Mode, RuleSet
from topology.model import Topology

ELSEWHERE = frozenset({"silence", "unsilence", "promote_rule", "judge_alert", "activate_model"})
"""Commands that speak of no incident."""
STEP = 200
"""Inputs between two words on the progress."""


class NothingThere(Exception):
    """The span holds no input."""


class InputLog(Protocol):
    """What a reader of the data offers to a back-test."""

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position of the input log, and until when timers have fired."""

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The input log behind ``after``."""

    def snapshots(self) -> list[Snapshot]:
        """The undamaged snapshots of the core, newest first."""

    def versions(self, kind: str = "") -> list[Version]:
        """Versions of the operator's files, newest first."""


@dataclass(frozen=True)
class Asked:
    """What to replay and under what. ``since``, ``until`` None: from the log's beginning, to its end. ``warm_up``
    None: from the newest snapshot before ``since``, else from the log's beginning."""

    rules: RuleSet
    topology: Topology | None = None
    since: Millis | None = None
    until: Millis | None = None
    suppression: Mode | None = None
    warm_up: Millis | None = None


class _Beginning(NamedTuple):
    core: Core
    start: Start
    notes: list[str]


class BackTester:
    """One back-test over a log. ``library`` holds every stored version and takes up the ones that were asked about."""

    def __init__(self, log: InputLog, library: Library, decode: Decode, asked: Asked) -> None:
        self._log, self._library, self._decode, self._asked = log, library, decode, asked
        self._first, self._last, self._ticked = log.reach()
        if self._first > self._last:
            raise NothingThere("the input log is empty")
        mode = asked.suppression
        self._rules = asked.rules if mode is None else asked.rules.with_mode(mode)
        self._lost: list[LostCommand] = []
        self._inputs = 0

    @property
    def total(self) -> int:
        """How many inputs there are to read at most."""
        return self._last - self._first + 1

    def run(self, progress: Callable[[int], None] = lambda _: None) -> BackTest:
        """Replay both sides and compare. Raises NothingThere, `StoreCorrupt`, `UnknownVersion`."""
        asked = self._asked
        first = self._arrival(self._first)
        since = first if asked.since is None else max(asked.since, first)
        begun = self._begin(since, first)
        core, sides, position = begun.core, None, begun.start.position
        for entry in self._log.entries(position, self._last):
            if entry.position != position + 1:
                raise StoreCorrupt(f"input {position + 1} is missing from the log: it was cut while it was read")
            if asked.until is not None and entry.arrival > asked.until:
                break
            signals = () if entry.poison else self._decode(entry.format, entry.body).signals
            if sides is None and entry.arrival >= since:
                sides = self._part(core, position, since)
            if sides is None:
                core.handle(entry.position, signals, entry.arrival)
            else:
                self._both(sides, entry, signals)
            position = entry.position
            if position % STEP == 0:
                progress(position - begun.start.position)
        if sides is None:
            raise NothingThere("no input arrived in that span")
        until = self._ticked if asked.until is None else min(asked.until, self._ticked)
        for side in sides:
            side.tick(max(until, side.core.state.now))
        return difference(
            sides[0], sides[1], begun.start, (since, until), self._inputs, self._lost,
            suppression=asked.suppression or "as declared", notes=self._notes(begun.notes, since, first),
        )  # fmt: skip

    # --- the start ------------------------------------------------------------------------------------------------

    def _begin(self, since: Millis, first: Millis) -> _Beginning:
        """The newest usable snapshot before the span, the log's beginning, or an empty engine some time before."""
        notes: list[str] = []
        if self._asked.warm_up is None:
            for snapshot in self._log.snapshots():
                if snapshot.ticked > since or snapshot.position < max(self._first - 1, 1):
                    continue
                core = self._restored(snapshot, notes)
                if core is not None:
                    return _Beginning(core, self._start("snapshot", snapshot.ticked, snapshot.position, first), notes)
        after, at = self._first - 1, first
        if self._asked.warm_up is not None:
            after = self._position(since - self._asked.warm_up)
            at = max(since - self._asked.warm_up, first)
        core = Core(self._library)
        if after == 0:
            return _Beginning(core, self._start("beginning", first, 0, first), notes)
        for kind in ("topology", "rules"):
            known = [version for version in self._log.versions(kind) if version.at <= at]
            if known:
                core.handle(after, (Activation(kind, known[0].id),), at)
        notes.append("alerts and incidents that began before the warm-up, and silences set before it, are not known")
        return _Beginning(core, self._start("warm_up", at, after, first), notes)

    def _restored(self, snapshot: Snapshot, notes: list[str]) -> Core | None:
        if snapshot.schema != Core.SCHEMA:
            notes.append(f"a snapshot of layout {snapshot.schema} cannot be read (this engine's is {Core.SCHEMA})")
            return None
        try:
            return Core.restore(snapshot.state, self._library)
        except msgspec.MsgspecError as error:
            notes.append(f"the snapshot at input {snapshot.position} cannot be read: {error}")
            return None

    def _start(self, how: str, at: Millis, position: int, first: Millis) -> Start:
        fields = {"how": how, "at": at / 1000, "position": position, "complete_since": first / 1000}
        return msgspec.convert(fields, Start)

    def _position(self, at: Millis) -> int:
        """The last position that arrived before a moment (arrivals never run backwards)."""
        low, high = self._first, self._last + 1
        while low < high:
            middle = (low + high) // 2
            if self._arrival(middle) < at:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def _arrival(self, position: int) -> Millis:
        found = next(iter(self._log.entries(position - 1, position)), None)
        if found is None:
            raise StoreCorrupt(f"input {position} is missing from the log")
        return found.arrival

    def _notes(self, notes: list[str], since: Millis, first: Millis) -> tuple[str, ...]:
        asked = self._asked.since
        if asked is not None and asked < first:
            notes = [*notes, "the log does not reach back to the moment asked for; it is complete from its first input"]
        return tuple(notes)

    # --- two sides ------------------------------------------------------------------------------------------------

    def _part(self, core: Core, position: int, since: Millis) -> tuple[Watched, Watched]:
        """Two cores of one past; the other rules come into force in the second."""
        if (due := core.due()) is not None and due <= since:
            core.tick(since)
        state = states.decode(core.snapshot())
        if self._asked.suppression is not None:
            state.modes = {}
        other = Core(self._library, state)
        sides = Watched(core), Watched(other)
        now = max(since, core.state.now)
        wanted = [("rules", self._library.add_rules(self._rules), state.rules)]
        if self._asked.topology is not None:
            wanted.append(("topology", self._library.add_topology(self._asked.topology), state.topology))
        for kind, version, known in wanted:
            if version != known:
                sides[1].handle(position, (Activation(kind, version),), now)
        return sides

    def _both(self, sides: tuple[Watched, Watched], entry: Entry, signals: tuple[Signal, ...]) -> None:
        before, after = sides
        self._inputs += 1
        own = any(isinstance(signal, Command | Activation) for signal in signals)
        if own:  # it speaks of what is there once the timers due by now have fired
            before.tick(entry.arrival)
            after.tick(entry.arrival)
        taken = (self._theirs(sides, entry, signal) for signal in signals)
        theirs = tuple(signal for signal in taken if signal is not None) if own else signals
        refused = before.refused, after.refused
        before.handle(entry.position, signals, entry.arrival)
        after.handle(entry.position, theirs, entry.arrival)
        if own and after.refused - refused[1] > before.refused - refused[0]:
            for signal in theirs:
                if isinstance(signal, Command):
                    self._lose(entry, signal, "it would be refused: its incident is in another state")

    def _theirs(self, sides: tuple[Watched, Watched], entry: Entry, signal: Signal) -> Signal | None:
        """The signal as the other rules' side takes it; None where it has no place there."""
        if isinstance(signal, Activation):
            replaced = signal.kind == "rules" or self._asked.topology is not None
            return None if replaced else signal
        if not isinstance(signal, Command):
            return signal
        if signal.action == "promote_rule" and self._asked.suppression is not None:
            return None
        if signal.action in ELSEWHERE or signal.target not in sides[0].core.state.incidents:
            return signal
        target = counterpart(sides, signal.target)
        facts = _translated(sides, signal)
        if target is None or facts is None:
            self._lose(entry, signal, "what it speaks of does not exist there")
            return None
        return Command(signal.actor, signal.action, target, signal.reason, facts)

    def _lose(self, entry: Entry, command: Command, why: str) -> None:
        self._lost.append(
            LostCommand(
                position=entry.position, at=entry.arrival / 1000, actor=command.actor, action=command.action,
                target=command.target, why=why,
            )
        )  # fmt: skip


def counterpart(sides: tuple[Watched, Watched], incident: str) -> str | None:
    """The incident of the other side that holds most of the alerts of this one; the same id where there are none."""
    before, after = sides
    homes: Counter[str] = Counter()
    numbers = before.core.state.incidents[incident].alerts
    for number in sorted(numbers):
        alert = before.core.state.alerts.get(number)
        placed = after.placed.get(alert.event) if alert is not None else None
        if placed is not None and placed.incident:
            homes[after.home(placed.incident)] += 1
    known = after.core.state.incidents
    for name, _ in homes.most_common():
        if name in known:
            return name
    internal = all((a := before.core.state.alerts.get(n)) is None or a.internal for n in numbers)
    return incident if internal and incident in known else None


def _translated(sides: tuple[Watched, Watched], command: Command) -> dict[str, str] | None:
    """The facts of a command with the other side's incidents and alerts; None where some do not exist."""
    before, after = sides
    facts = dict(command.facts)
    if command.action == "merge" and facts.get("into") in before.core.state.incidents:
        into = counterpart(sides, facts["into"])
        if into is None:
            return None
        facts["into"] = into
    if command.action == "split":
        numbers = []
        for word in facts.get("alerts", "").replace(",", " ").split():
            alert = before.core.state.alerts.get(int(word)) if word.isdecimal() else None
            placed = after.placed.get(alert.event) if alert is not None else None
            if placed is None:
                return None
            numbers.append(str(placed.alert))
        facts["alerts"] = " ".join(numbers)
    return facts
