"""Prometheus remote_write 1.0: a snappy block that holds a protobuf ``WriteRequest``.

https://prometheus.io/docs/specs/prw/remote_write_spec/ . The message is walked on the wire without generated objects;
the bytes of a label set are the key of its interned `Labels`. A request becomes one `SampleTable`. A stale marker (the
NaN 0x7ff0000000000002) ends a series: a row whose value is NaN. Other NaN and infinite samples are legitimate (0/0 in a
rule) but no measurement: they are left out and are no reject. Metadata, exemplars and native histograms are not used.
"""

from __future__ import annotations

import math
import struct
from functools import partial

import cramjam

from engine.ports import Decoded
from engine.signals import Labels, Millis
from ingest.errors import Undecodable
from ingest.interning import Interned
from ingest.jsontext import escape
from ingest.labelcache import checked
from ingest.limits import KIB, MAX_SNAPPY, MAX_SNAPPY_RATIO
from ingest.protowire import BYTES, FIXED64, VARINT, delimited, fields, varint
from ingest.rejects import Rejects, reject
from ingest.samplerows import STALE, Known, Rows
from ingest.timestamps import within

_DOUBLE = struct.Struct("<d")
_SERIES, _LABEL, _SAMPLE = 1, 1, 2
_LONG, _SHORT = 18, 9
_TAG, _TAG_OF_SAMPLE = _SERIES << 3 | BYTES, _SAMPLE << 3 | BYTES


def decode(body: bytes) -> Decoded:
    """One table of samples, in the body's order. The rejects' raw bytes are bodies of this format."""
    try:
        data = _decompressed(body)
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    rows = Rows(data)
    rejects = Rejects(body)
    at = index = 0
    try:
        while at < len(data):
            known = _known(data, at)
            for begin, end in rows.add(known, at):
                _one(rows, rejects, index + begin, end)
            index += len(known.ends)
            at = known.ends[-1] if known.ends else at
            if at < len(data):
                number, wire, start, at = next(fields(data, at, len(data)))
                if number == _SERIES and wire == BYTES:
                    _one(rows, rejects, index, (start, at))
                    index += 1
    except Undecodable as error:  # the framing is lost: what stood before it is kept
        rejects.add("", error.mistakes, lambda: body)
    return Decoded((rows.table(),) if rows.series else (), rejects.all())


def _one(rows: Rows, rejects: Rejects, index: int, place: tuple[int, int]) -> None:
    """Take one series by its fields."""
    start, end = place
    try:
        _walk(rows, start, end)
    except Undecodable as error:
        pointer = "" if error.mistakes[0][0].startswith("@") else f"/timeseries/{index}"
        rejects.add(pointer, error.mistakes, partial(_alone, rows.data, start, end))


def _known(data: bytes, at: int) -> Known:
    """Series from ``at`` on, as long as their labels are ones that were seen before.

    Prometheus sends one sample per series and request: the labels, then a sample of 18 bytes, or of 9 when its value is
    zero and left out. When what stands before those bytes is a known label set, its fields need not be parsed; the
    samples' bytes are looked at by `Rows`, all at once. A sender keeps its series in order: the one that came after
    this one last time is compared first, which costs less than to look it up.
    """
    seen, last = _SEEN.get, _Seen()
    labels: list[Labels] = []
    ends: list[int] = []
    zeros: list[int] = []
    begins = data.startswith
    try:
        while data[at] == _TAG:
            size = data[at + 1]
            start = at + 2
            if size > 127:
                size += (data[start] << 7) - 128
                start += 1
            at = start + size
            one = last.following
            if not begins(one.raw, start) or (size - one.size != _LONG and size - one.size != _SHORT):
                found = seen(data[start : at - _SHORT]) if data[at - _SHORT] == _TAG_OF_SAMPLE else None
                found = found or seen(data[start : at - _LONG])
                if found is None:
                    break
                last.following = one = found
            if size - one.size == _SHORT:
                zeros.append(len(ends))
            labels.append(one.labels)
            ends.append(at)
            last = one
    except IndexError:  # the end
        pass
    if ends and ends[-1] > len(data):
        del labels[-1], ends[-1]
        if zeros and zeros[-1] == len(ends):
            del zeros[-1]
    return Known(labels, ends, zeros)


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


def _walk(rows: Rows, start: int, end: int) -> None:
    """Take what one ``TimeSeries`` says."""
    data = rows.data
    pairs: list[bytes] = []
    samples: list[tuple[Millis, float]] = []
    ended: Millis | None = None
    at = start
    for number, wire, begin, stop in fields(data, start, end):
        if number == _LABEL and wire == BYTES:
            pairs.append(data[at:stop])
        elif number == _SAMPLE and wire == BYTES:
            moment, value = _sample(data, begin, stop)
            if value == STALE:
                ended = moment
            elif math.isfinite(number_ := _DOUBLE.unpack(value)[0]):
                samples.append((moment, number_))
        at = stop
    labels = _SEEN[b"".join(pairs)].labels
    if ended is not None:
        samples.append((ended, math.nan))
    rows.append(labels, samples)


def _sample(data: bytes, start: int, end: int) -> tuple[Millis, bytes]:
    """(time, the eight bytes of the value); what is zero is left out on the wire."""
    value = bytes(8)
    at = 0
    for number, wire, begin, stop in fields(data, start, end):
        if number == 1 and wire == FIXED64:
            value = data[begin:stop]
        elif number == 2 and wire == VARINT:
            at, _ = varint(data, begin, stop)
    try:
        within(at - (1 << 64) if at >> 63 else at)
    except Undecodable as error:
        raise Undecodable(("/samples", error.mistakes[0][1])) from None
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


class _Seen:
    """A label set, and which one followed it last time: a guess that is checked, so it changes no answer.

    Without a label set it is the one before the first of a body, which none is like.
    """

    __slots__ = ("following", "labels", "raw", "size")

    def __init__(self, raw: bytes | None = None) -> None:
        self.raw = raw or b""
        self.size = -MAX_SNAPPY if raw is None else len(raw)
        self.labels = NONE if raw is None else _labels(raw)
        self.following: _Seen = self


NONE = Labels(b"{}")
_SEEN: Interned[bytes, _Seen] = Interned(_Seen, entries=200_000, longest=4 * KIB)


def _alone(data: bytes, start: int, end: int) -> bytes:
    """A body with this series only."""
    return bytes(cramjam.snappy.compress_raw(delimited(_SERIES, data[start:end])))
