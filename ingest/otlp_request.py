"""Walking an OTLP request: resources, in them scopes, in them records, the same for logs, metrics and traces.

https://opentelemetry.io/docs/specs/otlp/ . In protobuf a whole request is parsed at once; only when that fails are its
parts taken one by one, so that one bad record (invalid UTF-8, say) does not cost its neighbours. In JSON each record is
parsed by itself. A reject's raw bytes are a request with the one record and, where it is small, its resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from engine.ports import Decoded
from engine.signals import Signal
from ingest.errors import Mistake, Undecodable
from ingest.limits import KIB
from ingest.protowire import BYTES, delimited, fields
from ingest.rejects import Rejects

_SMALL = 4 * KIB
_INVALID = Undecodable(("", "malformed protobuf, or a string that is not UTF-8"))


class Shape(NamedTuple):
    """One signal's request: its classes, its names on the wire, and what becomes of it.

    ``whose`` gives what all records of a resource share; ``signals`` yields a record's signals, and an `Undecodable`
    for each part of it that is bad. Both may raise `Undecodable`.
    """

    request: type[Message]
    record: type[Message]
    names: tuple[str, str, str]  # protobuf: resource_logs, scope_logs, log_records
    keys: tuple[str, str, str]  # JSON: resourceLogs, scopeLogs, logRecords
    whose: Callable[[Resource], Any]
    signals: Callable[[Any, Any], Iterator[Signal | Undecodable]]
    hex_ids: tuple[str, ...] = ()  # keys that JSON writes in hexadecimal, not in base64


class Entry(NamedTuple):
    """One record, or why it could not be parsed, and the request that holds it alone."""

    pointer: str
    record: Message | Undecodable
    alone: Callable[[], bytes]


class Group(NamedTuple):
    """The records of one resource."""

    pointer: str
    resource: Resource | Undecodable
    entries: Iterable[Entry]
    alone: Callable[[], bytes]


def decode(body: bytes, shape: Shape) -> Decoded:
    """Decode a protobuf request."""
    try:
        request = shape.request.FromString(body)
    except DecodeError:
        return gather(_salvaged(body, shape), shape, body)
    return gather(_parsed(request, shape), shape, body)


def gather(groups: Iterable[Group | Undecodable], shape: Shape, body: bytes) -> Decoded:
    """Signals of all records, a reject for each that is bad; ``groups`` ends with an error where framing is lost."""
    signals: list[Signal] = []
    rejects = Rejects(body)
    for group in groups:
        if isinstance(group, Undecodable):
            rejects.add("", group.mistakes, lambda: body)
            continue
        try:
            shared = shape.whose(_good(group.resource))
        except Undecodable as error:
            rejects.add(group.pointer, error.mistakes, group.alone)
            continue
        for entry in group.entries:
            mistakes = _collect(shape, shared, entry, signals)
            if mistakes:
                rejects.add(entry.pointer, mistakes, entry.alone)
    return Decoded(tuple(signals), rejects.all())


def _collect(shape: Shape, shared: object, entry: Entry, signals: list[Signal]) -> list[Mistake]:
    """Append the record's signals; what is wrong with its parts, or with all of it."""
    mistakes: list[Mistake] = []
    try:
        for signal in shape.signals(shared, _good(entry.record)):
            if isinstance(signal, Undecodable):
                mistakes += signal.mistakes
            else:
                signals.append(signal)
    except Undecodable as error:
        mistakes += error.mistakes
    return mistakes


def _good(value: Any) -> Any:
    if isinstance(value, Undecodable):
        raise value
    return value


def _parsed(request: Message, shape: Shape) -> Iterator[Group]:
    resources, scopes, records = shape.names
    for index, group in enumerate(getattr(request, resources)):
        pointer = f"/{shape.keys[0]}/{index}"
        yield Group(pointer, group.resource, _entries(group, pointer, scopes, records, shape), partial(_request, group))


def _entries(group: Any, place: str, scopes: str, records: str, shape: Shape) -> Iterator[Entry]:
    for index, scope in enumerate(getattr(group, scopes)):
        for number, record in enumerate(getattr(scope, records)):
            pointer = f"{place}/{shape.keys[1]}/{index}/{shape.keys[2]}/{number}"
            yield Entry(pointer, record, partial(_single, group.resource, record))


def _request(group: Message) -> bytes:
    return delimited(1, group.SerializeToString())


def _single(resource: Message, record: Message) -> bytes:
    return _alone(resource.SerializeToString(), record.SerializeToString())


def _alone(resource: bytes, record: bytes) -> bytes:
    """A request with one record; requests, resource and scope messages number their fields alike for all signals."""
    head = delimited(1, resource) if len(resource) <= _SMALL else b""
    return delimited(1, head + delimited(2, delimited(2, record)))


def _salvaged(body: bytes, shape: Shape) -> Iterator[Group | Undecodable]:
    """The groups of a request that does not parse as a whole."""
    index = -1
    try:
        for number, wire, start, end in fields(body, 0, len(body)):
            if number != 1 or wire != BYTES:
                continue
            index += 1
            place = f"/{shape.keys[0]}/{index}"
            try:
                group = _salvaged_group(body, start, end, place, shape)
            except Undecodable as error:
                group = Group(place, error, (), partial(delimited, 1, body[start:end]))
            yield group
    except Undecodable as error:
        yield error


def _salvaged_group(body: bytes, start: int, end: int, place: str, shape: Shape) -> Group:
    raw = b""
    scopes: list[tuple[int, int]] = []
    entries: list[Entry] = []
    for number, wire, begin, stop in fields(body, start, end):
        if wire == BYTES and number == 1:
            raw = body[begin:stop]
        elif wire == BYTES and number == 2:
            scopes.append((begin, stop))
    for index, (begin, stop) in enumerate(scopes):
        number_of_record = 0
        for number, wire, first, last in fields(body, begin, stop):
            if wire == BYTES and number == 2:
                pointer = f"{place}/{shape.keys[1]}/{index}/{shape.keys[2]}/{number_of_record}"
                record = body[first:last]
                entries.append(Entry(pointer, _message(shape.record, record), partial(_alone, raw, record)))
                number_of_record += 1
    resource = _message(Resource, raw)
    return Group(place, resource, entries, partial(delimited, 1, body[start:end]))


def _message(kind: type[Message], raw: bytes) -> Any:
    try:
        return kind.FromString(raw)
    except DecodeError:
        return _INVALID
