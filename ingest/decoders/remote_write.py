"""Prometheus remote_write 1.0: a snappy block that holds a protobuf ``WriteRequest``.

https://prometheus.io/docs/specs/prw/remote_write_spec/ . The message is walked on the wire without generated objects;
the bytes of a label set are the key of its interned `Labels`. A stale marker (the NaN 0x7ff0000000000002) ends a
series: `Samples` with the marker's time, no values and ``stale``. Other NaN and infinite samples are legitimate (0/0 in
a rule) but no measurement: they are left out and are no reject. Metadata, exemplars and native histograms are not used.
"""

from __future__ import annotations

import math
import struct
from functools import partial

import cramjam

from engine.ports import Decoded
from engine.signals import Labels, Millis, Samples
from ingest.errors import Undecodable
from ingest.interning import Interned
from ingest.jsontext import escape
from ingest.labelcache import checked
from ingest.limits import KIB, MAX_SNAPPY, MAX_SNAPPY_RATIO
from ingest.protowire import BYTES, FIXED64, VARINT, delimited, fields, varint
from ingest.rejects import Rejects, reject
from ingest.timestamps import within

_DOUBLE = struct.Struct("<d")
_SAMPLE_AT = struct.Struct("<HBdB")  # field 2 and its length, field 1, its value, field 2
_STALE = b"\x02\x00\x00\x00\x00\x00\xf0\x7f"
_SERIES, _LABEL, _SAMPLE = 1, 1, 2


def decode(body: bytes) -> Decoded:
    """Samples of one series each, in the body's order. The rejects' raw bytes are bodies of this format."""
    try:
        data = _decompressed(body)
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    signals: list[Samples] = []
    rejects = Rejects(body)
    times: dict[bytes, Millis] = {}
    at = index = 0
    try:
        while at < len(data):
            at, index = _known(data, at, index, times, signals)
            if at < len(data):
                number, wire, start, at = next(fields(data, at, len(data)))
                if number == _SERIES and wire == BYTES:
                    try:
                        _walk(data, start, at, times, signals)
                    except Undecodable as error:
                        place = "" if error.mistakes[0][0].startswith("@") else f"/timeseries/{index}"
                        rejects.add(place, error.mistakes, partial(_alone, data, start, at))
                    index += 1
    except Undecodable as error:  # the framing is lost: what stood before it is kept
        rejects.add("", error.mistakes, lambda: body)
    return Decoded(tuple(signals), rejects.all())


def _known(data: bytes, at: int, index: int, times: dict[bytes, Millis], signals: list[Samples]) -> tuple[int, int]:
    """Take series as long as they are ones that were seen before; (offset, index) of the first that was not.

    Prometheus sends one sample per series and request: the labels, then a sample of 18 bytes, or of 9 when its value is
    zero and left out. When what stands before those bytes is a known label set, nothing else needs to be parsed.
    """
    known, unpack = _LABELS, _SAMPLE_AT.unpack_from
    total = len(data) - 4
    while at < total and data[at] == 0x0A:
        size = data[at + 1]
        start = at + 2
        if size > 127:
            size = size & 127 | data[start] << 7
            start += 1
        stop = start + size
        if size < 20 or size >= 0x4000 or stop > len(data):
            break
        when = times.get(data[stop - 6 : stop])
        head, key, value, tag = unpack(data, stop - 18)
        if when is None or tag != 0x10:
            break
        if head == 0x1012 and key == 0x09 and value - value == 0.0:  # a finite value
            labels = known.get(data[start : stop - 18])
        else:
            labels = known.get(data[start : stop - 9]) if data[stop - 9 : stop - 7] == b"\x12\x07" else None
            value = 0.0
        if labels is None:
            break
        signals.append(Samples(labels, (when,), (value,)))
        at = stop
        index += 1
    return at, index


def _decompressed(body: bytes) -> bytes:
    """The block's content; its length is checked before anything is allocated for it."""
    try:
        size, _ = varint(body, 0, len(body))
    except Undecodable:
        raise Undecodable(("@0", "expected a snappy block, which begins with its length")) from None
    if size > MAX_SNAPPY:
        raise Undecodable(("@0", f"expected at most {MAX_SNAPPY} bytes after decompression, got {size}"))
    if size > MAX_SNAPPY_RATIO * len(body):
        raise Undecodable(("@0", f"malformed snappy: {len(body)} bytes cannot hold {size}"))
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise Undecodable(("", f"malformed snappy block: {error}")) from None


def _walk(data: bytes, start: int, end: int, known: dict[bytes, Millis], signals: list[Samples]) -> None:
    """Append what one ``TimeSeries`` says."""
    pairs: list[bytes] = []
    times: list[Millis] = []
    values: list[float] = []
    ended: Millis | None = None
    at = start
    for number, wire, begin, stop in fields(data, start, end):
        if number == _LABEL and wire == BYTES:
            pairs.append(data[at:stop])
        elif number == _SAMPLE and wire == BYTES:
            at, value = _sample(data, begin, stop, known)
            if value == _STALE:
                ended = at
            elif math.isfinite(number_ := _DOUBLE.unpack(value)[0]):
                times.append(at)
                values.append(number_)
        at = stop
    labels = _LABELS[b"".join(pairs)]
    if times:
        signals.append(Samples(labels, tuple(times), tuple(values)))
    if ended is not None:
        signals.append(Samples(labels, (ended,), (), stale=True))


def _sample(data: bytes, start: int, end: int, known: dict[bytes, Millis]) -> tuple[Millis, bytes]:
    """(time, the eight bytes of the value); what is zero is left out on the wire. Remembers the time's six bytes."""
    value = bytes(8)
    at = last = 0
    for number, wire, begin, stop in fields(data, start, end):
        if number == 1 and wire == FIXED64:
            value = data[begin:stop]
        elif number == 2 and wire == VARINT:
            at, _ = varint(data, begin, stop)
            last = begin
    try:
        within(at - (1 << 64) if at >> 63 else at)
    except Undecodable as error:
        raise Undecodable(("/samples", error.mistakes[0][1])) from None
    if last == end - 6:
        known[data[last:end]] = at
    return at, value


def _labels(raw: bytes) -> Labels:
    """Labels of the concatenated ``Label`` fields of a series."""
    values: dict[str, str] = {}
    for name, text in _short_pairs(raw) or _pairs(raw):
        try:
            key, value = name.decode(), text.decode()
        except UnicodeDecodeError:
            raise Undecodable(("/labels", f"expected UTF-8 in the label {name[:40]!r}")) from None
        if not key or key in values:
            reason = "expected each label once" if key else "expected a name for each label"
            raise Undecodable((f"/labels/{escape(key[:40])}", reason))
        values[key] = value
    if not values.get("__name__"):
        raise Undecodable(("/labels", "expected a label __name__"))
    try:
        return checked(values)
    except Undecodable as error:
        raise Undecodable(*((f"/labels{pointer}", reason) for pointer, reason in error.mistakes)) from None


def _short_pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values where all are written in the plainest way and shorter than 128 bytes; else nothing."""
    found: list[tuple[bytes, bytes]] = []
    at, end = 0, len(raw)
    while at < end - 5:
        stop = at + 2 + raw[at + 1]
        middle = at + 4 + raw[at + 3]
        if raw[at] != 0x0A or raw[at + 1] > 127 or raw[at + 2] != 0x0A or raw[at + 3] > 127 or middle > stop - 2:
            return []
        if stop > end or raw[middle] != 0x12 or middle + 2 + raw[middle + 1] != stop:
            return []
        found.append((raw[at + 4 : middle], raw[middle + 2 : stop]))
        at = stop
    return found if at == end else []


def _pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    return [_label(raw, start, end) for _, _, start, end in fields(raw, 0, len(raw))]


def _label(raw: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    name = text = b""
    try:
        for number, wire, begin, stop in fields(raw, start, end):
            if wire == BYTES and number == 1:
                name = raw[begin:stop]
            elif wire == BYTES and number == 2:
                text = raw[begin:stop]
    except Undecodable as error:
        raise Undecodable(("/labels", error.mistakes[0][1])) from None
    return name, text


_LABELS: Interned[bytes, Labels] = Interned(_labels, entries=200_000, longest=4 * KIB)


def _alone(data: bytes, start: int, end: int) -> bytes:
    """A body with this series only."""
    return bytes(cramjam.snappy.compress_raw(delimited(_SERIES, data[start:end])))
