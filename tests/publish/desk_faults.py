"""The fault matrix over the real ticket sink: with a ticketing system in memory, and with real ones.

In memory each request of a tracker may fail, and the search is two minutes behind. At a real system each HTTP request
may fail on its way there or back, in the egress; time is simulated there too, so that nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from api.sinks.declared import World as Surroundings
from engine.errors import SinkError
from engine.publish.egress import Answer, EgressFailed
from engine.publish.ticketing import words
from engine.publish.ticketing.sink import Ticketing
from engine.publish.ticketing.tracker import Draft, Note, Seen, Tracker, Wanted
from engine.signals import Millis
from tests.publish.outage import AUDIENCES, Process, World, said
from tests.publish.shelf import Shelf
from tests.publish.standin import HTML, LAG, Script
from tests.real.places import Place

T = TypeVar("T")
WAIT = 20.0
"""Seconds that a receiver asks for, and for which a call may hang."""


class Filed(msgspec.Struct):
    """A ticket as the checks read it: its texts are the keys of the publications that it tells of."""

    id: str
    key: str
    state: str
    texts: list[str]


class Office:
    """What the matrix asks of a ticketing system, over any `Tracker`. ``note``: what a person does there."""

    impolite = 0

    def __init__(self, tracker: Tracker, note: Callable[[str, str], None], incidents: Sequence[str]) -> None:
        self.tracker, self._note, self._incidents = tracker, note, incidents
        self.script: Script = lambda method, path: ""
        self.struck = self.allowed = 0

    @property
    def tickets(self) -> Mapping[str, Filed]:
        """All that there are of the run's incidents, by id."""
        found: dict[str, Filed] = {}
        for incident in self._incidents:
            for seen in self.tracker.find(words.key_of(said(incident, 0, "open", "SEV2", 0)[1])):
                texts = [f"{incident}.0.open.tickets", *self._told(seen.remote)]
                found[seen.remote] = Filed(seen.remote, f"{incident}.1", seen.state, texts)
        return found

    def person(self, remote: str, field: str, value: str) -> None:
        self._note(remote, value)

    def _told(self, remote: str) -> list[str]:
        marks = [note.text.strip().rpartition("\n")[2] for note in self.tracker.notes(remote) if note.ours]
        return [mark[len("[headwater ") : -1] for mark in marks if mark.startswith("[headwater ")]


class Unreliable:
    """A `Tracker` whose requests fail as the office's script says, and whose search lags."""

    keyed = False

    def __init__(self, process: Process, office: Office, made: dict[str, Millis]) -> None:
        self._process, self._office, self._made, self._inner = process, office, made, office.tracker

    def create(self, draft: Draft) -> Seen:
        def make() -> Seen:
            seen = self._inner.create(draft)
            self._made[seen.remote] = self._process.time()
            return seen

        return self._change(make)

    def find(self, key: str) -> Sequence[Seen]:
        seen_until = self._process.time() - LAG
        found = self._ask("GET", lambda: self._inner.find(key))
        return [one for one in found if self._made.get(one.remote, 0) <= seen_until]

    def read(self, remote: str) -> Seen | None:
        return self._ask("GET", lambda: self._inner.read(remote))

    def change(self, seen: Seen, wanted: Wanted) -> None:
        self._change(lambda: self._inner.change(seen, wanted))

    def say(self, seen: Seen, text: str) -> None:
        self._change(lambda: self._inner.say(seen, text))

    def notes(self, remote: str) -> Sequence[Note]:
        return self._ask("GET", lambda: self._inner.notes(remote))

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        self._change(lambda: self._inner.join(seen, other, kind))

    def hint(self, body: bytes) -> str:
        return hinted(body)

    def _change(self, work: Callable[[], T]) -> T:
        return self._ask("POST", work)

    def _ask(self, method: str, work: Callable[[], T]) -> T:
        try:
            return unreliably(self._process, self._office, method, work)
        except EgressFailed as error:
            raise SinkError(str(error), ambiguous=error.sent and method == "POST") from None
        except Wrong as wrong:
            if wrong.answer.headers:
                raise SinkError("slow down", after=WAIT) from None
            raise SinkError("an answer that says nothing", ambiguous=method == "POST") from None


class Wrong(Exception):
    """An answer that is not that of the receiver's own."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def unreliably(process: Process, office: Office, method: str, work: Callable[[], T]) -> T:
    """One request, with what goes wrong with it. Raises `EgressFailed`, `Wrong`."""
    process._world.before_call(process, method)
    fault = office.script(method, "")
    office.struck += bool(fault)
    kind, _, after = fault.partition(" ")
    if kind == "refused":
        raise EgressFailed("no answer", sent=False)
    if kind in ("429", "503"):
        raise Wrong(Answer(int(kind), {"retry-after": f"{WAIT:.0f}"}, b""))
    done = work() if not kind or after or kind in ("lost", "double") else None
    if kind == "double":
        with suppress(SinkError):  # the second of the two may come too late
            work()
    if kind == "hang":
        process.time.hang(WAIT)
    if kind in ("hang", "lost"):
        raise EgressFailed("no answer", sent=True)
    if kind in ("500", "html"):
        raise Wrong(Answer(500, {}, b"oops") if kind == "500" else Answer(200, {}, HTML))
    return done  # type: ignore[return-value]


def hinted(body: bytes) -> str:
    """The ticket that the matrix' web hook names."""
    return str(msgspec.json.decode(body)["ticket"])


def in_memory(world: World, incidents: Sequence[str]) -> None:
    """Let the world's processes work with tickets in memory."""
    shelf, made = Shelf(), dict[str, Millis]()
    office = Office(shelf, shelf.note, incidents)

    def desk(process: Process) -> Ticketing:
        return Ticketing("tickets", Unreliable(process, office, made), AUDIENCES["tickets"])

    world.furnish(office, desk)


def at(place: Place) -> Callable[[World, Sequence[str]], None]:
    """Let the world's processes work with a real ticketing system."""

    def begin(world: World, incidents: Sequence[str]) -> None:
        stack = ExitStack()
        world.closing.append(stack.close)
        around = Surroundings(clock=lambda: world.now, data=Path(), stack=stack)

        def opened() -> Any:
            declared = place.declare()
            sink: Any = declared.open(around)
            sink.name = "tickets"
            return sink

        office = Office(opened()._tracker, place.note, incidents)

        def desk(process: Process) -> Ticketing:
            sink: Any = opened()
            sink.hint = hinted
            egress = sink._tracker._api._egress
            ask = egress._request

            def request(method: str, *about: Any) -> Answer:
                kind = "GET" if method == "GET" else "POST"
                try:
                    answer: Answer = unreliably(process, office, kind, lambda: ask(method, *about))
                except Wrong as wrong:
                    return wrong.answer
                return answer

            egress._request = request
            assert isinstance(sink, Ticketing)
            return sink

        world.furnish(office, desk)

    return begin
