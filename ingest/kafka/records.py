"""A record of a topic as an input of the engine: its format, and its body with what its headers say.

Headers (names in any case): ``headwater-format`` names the format; ``headwater-key`` is the sender's id of the record,
unique within ``headwater-source``. CloudEvents come structured or in batches (``content-type``) or in binary mode
(``ce_…`` headers): https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md §3.
Whatever a header says that decoding needs is put into the body: the input log keeps bodies, not headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.ports import Record
from ingest.decoders import DECODERS, UNKNOWN, cloudevents, envelope, oversized

FORMAT = "headwater-format"
SOURCE = "headwater-source"
KEY = "headwater-key"

_PLAIN = "json"
_TYPES = {
    "application/cloudevents+json": cloudevents.FORMAT,
    "application/cloudevents-batch+json": cloudevents.BATCH,
}
_ATTRIBUTE = "ce_"
_KEYED = frozenset({cloudevents.FORMAT, cloudevents.BATCH, envelope.FORMAT, envelope.MSGPACK, oversized.FORMAT})
_LONGEST = 1_024


class Taking(NamedTuple):
    """``prefix`` is what stands before a topic in the name of a source; ``most`` bytes of a body; ``formats``: topic ->
    the format of its records that say nothing themselves."""

    prefix: str
    most: int
    formats: Mapping[str, str]

    def record(self, found: Any) -> Record:
        """A `kafka.consumer.fetcher.ConsumerRecord` as the engine takes it. Never raises."""
        headers = {name.lower(): value or b"" for name, value in found.headers or ()}
        body: bytes = found.value or b""
        if len(body) > self.most:
            format, body = oversized.FORMAT, body[: oversized.KEPT]
        elif headers:
            format, body = _told(headers, body, self.formats.get(found.topic, _PLAIN))
        else:
            format = self.formats.get(found.topic, _PLAIN)
        return Record(self.prefix + found.topic, format, body, found.partition, found.offset)


def _told(headers: Mapping[str, bytes], body: bytes, otherwise: str) -> tuple[str, bytes]:
    media = _text(headers, "content-type").partition(";")[0].strip().lower()
    if FORMAT in headers:
        format = _text(headers, FORMAT)[:40]
    elif media in _TYPES:
        format = _TYPES[media]
    elif f"{_ATTRIBUTE}specversion" in headers:
        return cloudevents.FORMAT, cloudevents.structured(_attributes(headers, media), body)
    else:
        format = otherwise
    if format not in DECODERS or format == oversized.FORMAT:
        return f"{UNKNOWN}{format}", body  # a sender cannot name a format that is not for senders
    key = _text(headers, KEY)
    if key and format not in _KEYED:
        return envelope.MSGPACK, envelope.pack(format, body, key, _text(headers, SOURCE))
    return format, body


def _attributes(headers: Mapping[str, bytes], media: str) -> dict[str, str]:
    found = {
        name.removeprefix(_ATTRIBUTE): _text(headers, name) for name in sorted(headers) if name.startswith(_ATTRIBUTE)
    }
    return found | ({"datacontenttype": media} if media else {})


def _text(headers: Mapping[str, bytes], name: str) -> str:
    return headers.get(name, b"").decode("utf-8", "replace")[:_LONGEST]
