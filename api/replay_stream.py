"""The event stream that `headwater replay` reads: JSON Lines in event time, the topology in the first line.

Each line is one input with the arrival ``t``: an event, or what a person did (``kind`` `command`). A bad line is
reported and left out; it never ends a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine import own
from engine.ports import Decode, Record
from engine.signals import AlertEvent, Command, Millis
from ingest.errors import Undecodable
from ingest.timestamps import moment
from topology.model import Dependency, Entity, Kind, Topology

SOURCE = "replay"
FORMAT = "json"
DOMAIN = "stream"
"""The topology of a stream is of one system: one declared domain."""


class _Head(msgspec.Struct):
    t: float | str
    kind: str
    service: str = ""
    entity: str = ""


class _Command(msgspec.Struct):
    actor: str
    action: str
    target: str
    reason: str = ""
    facts: dict[str, str] = {}


class _Node(msgspec.Struct):
    id: str
    kind: str = "service"


class _Edge(msgspec.Struct):
    source: str
    target: str


class _Topology(msgspec.Struct):
    nodes: list[_Node] = []
    edges: list[_Edge] = []


class AlertSent(NamedTuple):
    """An alert event of the stream: the id its sender gave it, and whether it fires."""

    id: str
    firing: bool


_head = msgspec.json.Decoder(_Head)
_command = msgspec.json.Decoder(_Command)
_topology = msgspec.json.Decoder(_Topology)


class Stream:
    """A `Source` over the lines of a stream, one record a line, which notes what it passes on.

    ``activate`` makes the record that brings a topology of the stream into force, or None where the catalogue holds.
    ``report`` hears of every bad line: (line number, reason).
    """

    name = SOURCE

    def __init__(
        self,
        lines: Iterable[bytes],
        decode: Decode,
        activate: Callable[[Topology, Millis], Record | None],
        report: Callable[[int, str], None],
        first: Sequence[Callable[[Millis], Record]] = (),
    ) -> None:
        self._records = self._read(lines)
        self._decode = decode
        self._activate = activate
        self._report = report
        self._first = list(first)
        self.events = 0
        self.bad = 0
        self.last: Millis = 0
        self.named: set[str] = set()
        self.done = False
        self.sent: dict[str, AlertSent] = {}
        self._position = 0

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """A replay starts at the beginning."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """The next records; none at the end."""
        taken: list[Record] = []
        while len(taken) < limit:
            record = next(self._records, None)
            if record is None:
                self.done = True
                break
            taken.append(record)
        return taken

    def committed(self, records: Sequence[Record]) -> None:
        """Nobody waits."""

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """The memory cannot be full of what fits into it: this is a defect, and the replay's end."""
        raise error

    def close(self) -> None:
        """Nothing to stop."""

    def _read(self, lines: Iterable[bytes]) -> Iterator[Record]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                records = self._line(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Undecodable) as error:
                self.bad += 1
                self._report(number, str(error))
                continue
            for record in records:
                self._position += 1
                self._note(record)
                yield record

    def _line(self, line: bytes) -> list[Record]:
        head = _head.decode(line)
        at = moment(head.t)
        if at is None:
            raise Undecodable(("/t", "expected a time"))
        if head.kind == "topology":
            return self._in_force(line, at)
        if head.kind == "command":
            self.last = max(self.last, at)
            return [*self._opening(at), _pressed(line, at)]
        decoded = self._decode(FORMAT, line)
        if decoded.rejects:
            raise Undecodable(*((reject.pointer, reject.reason) for reject in decoded.rejects))
        self.events += 1
        self.last = max(self.last, at)
        self.named.add(head.service or head.entity)
        return [*self._opening(at), Record(SOURCE, FORMAT, line, decoded=decoded, arrival=at)]

    def _in_force(self, line: bytes, at: Millis) -> list[Record]:
        topology, named = topology_of(line)
        self.named |= named
        self.last = max(self.last, at)
        record = self._activate(topology, at)
        return [*self._opening(at), *([record] if record else [])]

    def _opening(self, at: Millis) -> list[Record]:
        """The versions that hold from the beginning, at the time of the first line."""
        first, self._first = self._first, []
        return [make(at) for make in first]

    def _note(self, record: Record) -> None:
        """Alert events by the id that the engine will give them, `position-index`."""
        if record.decoded is None or record.format == own.FORMAT:
            return
        for index, signal in enumerate(record.decoded.signals):
            if isinstance(signal, AlertEvent):
                self.sent[f"{self._position}-{index}"] = AlertSent(signal.key, signal.firing)


def _pressed(line: bytes, at: Millis) -> Record:
    """A person's command. Raises msgspec.DecodeError."""
    said = _command.decode(line)
    record = own.command(Command(said.actor, said.action, said.target, said.reason, said.facts))
    return msgspec.structs.replace(record, source=SOURCE, arrival=at)


def topology_of(line: bytes) -> tuple[Topology, set[str]]:
    """The topology of a stream's line, and the names in it. Unknown kinds are services. Edges tell who calls whom, not
    how a call fails: they are discovered. Raises msgspec.DecodeError."""
    found = _topology.decode(line)
    kinds = {node.id: node.kind for node in reversed(found.nodes)}
    for edge in found.edges:
        kinds.setdefault(edge.source, "service")
        kinds.setdefault(edge.target, "service")
    known = {kind.value for kind in Kind}
    entities = [
        Entity(id=id, kind=Kind(kind) if kind in known else Kind.SERVICE, domain=DOMAIN)
        for id, kind in kinds.items()
        if id
    ]
    pairs = {(edge.source, edge.target) for edge in found.edges if edge.source and edge.target != edge.source}
    dependencies = [Dependency(consumer=source, provider=target, discovered=True) for source, target in pairs if target]
    return Topology.build(entities, dependencies), set(kinds)
