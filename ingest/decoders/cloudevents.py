"""CloudEvents 1.0 in JSON, one event or a batch, whose data is a body of another format: plain JSON, or what the
extension attribute ``headwaterformat`` names. ``source`` and ``id`` together are the event's id.

https://github.com/cloudevents/spec: spec.md §3 (attributes), formats/json-format.md §2–4 (data, data_base64, batch).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from engine.ports import Decode, Decoded, Reject
from engine.signals import Signal
from ingest.errors import Undecodable
from ingest.jsontext import MALFORMED, elements, mistake
from ingest.keyed import keyed
from ingest.rejects import reject

FORMAT = "cloudevents"
BATCH = "cloudevents-batch"
_PLAIN = "json"
_NOTHING = msgspec.Raw(b"")


class _Event(msgspec.Struct, kw_only=True):
    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    datacontenttype: str = ""
    headwaterformat: str = _PLAIN
    data: msgspec.Raw = _NOTHING
    data_base64: bytes | None = None

    def __post_init__(self) -> None:
        for name in ("id", "source", "type"):
            if not getattr(self, name):
                raise ValueError(f"Expected a {name!r} that is not empty")


_one = msgspec.json.Decoder(_Event)


def structured(attributes: Mapping[str, str], data: bytes) -> bytes:
    """An event in binary mode, attributes beside the data, as one event in JSON."""
    event: dict[str, Any] = dict(attributes)
    try:
        msgspec.json.decode(data)
        event["data"] = msgspec.Raw(data)
    except MALFORMED:
        event["data_base64"] = data
    return msgspec.json.encode(event)


def of_one(inner: Decode) -> Callable[[bytes], Decoded]:
    """The decoder of one event; ``inner`` decodes its data."""
    return lambda body: _event(body, inner)


def of_batch(inner: Decode) -> Callable[[bytes], Decoded]:
    """The decoder of an array of events."""
    return lambda body: _batch(body, inner)


def _batch(body: bytes, inner: Decode) -> Decoded:
    try:
        events = elements(body)
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    signals: list[Signal] = []
    rejects: list[Reject] = []
    for index, event in enumerate(events):
        found = _event(event, inner)
        signals += found.signals
        rejects += [Reject(f"/{index}{one.pointer}", one.reason, b"[%b]" % one.raw) for one in found.rejects]
    return Decoded(tuple(signals), tuple(rejects))


def _event(body: bytes, inner: Decode) -> Decoded:
    try:
        event = _one.decode(body)
    except MALFORMED as error:
        return Decoded((), (Reject(*mistake(error), body),))
    if (event.data is _NOTHING) == (event.data_base64 is None):
        return Decoded((), (Reject("", "expected either 'data' or 'data_base64'", body),))
    data = bytes(event.data) if event.data_base64 is None else event.data_base64
    found = inner(event.headwaterformat, data)
    pointer = "/data" if event.data_base64 is None else "/data_base64"
    alone = len(found.signals) + len(found.rejects) == 1
    rejects = tuple(
        Reject(pointer + one.pointer, one.reason, body if alone else _part(event, one)) for one in found.rejects
    )
    return Decoded(keyed(found.signals, f"{event.source}#{event.id}"), rejects)


def _part(event: _Event, part: Reject) -> bytes:
    """The event with only this part of its data."""
    attributes = {
        "specversion": event.specversion, "id": event.id + part.pointer, "source": event.source, "type": event.type,
        "headwaterformat": event.headwaterformat,
    }  # fmt: skip
    return structured(attributes, part.raw)
