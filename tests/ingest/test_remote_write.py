"""Prometheus remote_write: samples, stale markers, and bytes that are none. Compressed by another implementation."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping, Sequence

import pytest
import snappy
from hypothesis import given
from hypothesis import strategies as st

from engine.ports import Decoded
from engine.signals import Samples, SampleTable
from ingest.decoders import decode

AT = 1795332750919
STALE = struct.unpack("<d", bytes.fromhex("020000000000f07f"))[0]
UP = {"__name__": "up", "job": "node"}


def varint(value: int) -> bytes:
    out = bytearray()
    value &= 2**64 - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def label(name: bytes, value: bytes) -> bytes:
    return field(1, field(1, name) + field(2, value))


def sample(at: int, value: float) -> bytes:
    """As Go's generated code writes it: a zero is left out."""
    number = b"" if value == 0 else b"\x09" + struct.pack("<d", value)
    return field(2, number + b"\x10" + varint(at))


def series(labels: Mapping[str, str], samples: Sequence[tuple[int, float]]) -> bytes:
    pairs = b"".join(label(name.encode(), value.encode()) for name, value in labels.items())
    return field(1, pairs + b"".join(sample(at, value) for at, value in samples))


def sent(*parts: bytes) -> Decoded:
    return decode("remote-write", snappy.compress(b"".join(parts)))


def samples(decoded: Decoded) -> list[Samples]:
    """The rows of all tables, one by one."""
    return [one for table in decoded.signals if isinstance(table, SampleTable) for one in table.one_by_one()]


def told(decoded: Decoded) -> list[tuple[dict[str, str], tuple[int, ...], tuple[float, ...], bool]]:
    assert decoded.rejects == ()
    return [(s.labels.as_dict(), s.times, s.values, s.stale) for s in samples(decoded)]


def test_a_series_seen_before_says_the_same_as_at_first_sight() -> None:
    first = told(sent(series(UP, [(AT, 1.5)]), series(UP, [(AT, 0.0)]), series(UP, [(AT, -3.25)])))
    again = told(sent(series(UP, [(AT, 1.5)]), series(UP, [(AT, 0.0)]), series(UP, [(AT, -3.25)])))
    assert first == again == [(UP, (AT,), (value,), False) for value in (1.5, 0.0, -3.25)]


def test_a_stale_marker_ends_the_series_and_other_nans_are_left_out() -> None:
    decoded = told(sent(series(UP, [(AT, 1.0), (AT + 1, math.nan), (AT + 2, math.inf), (AT + 3, STALE)])))
    assert decoded == [(UP, (AT,), (1.0,), False), (UP, (AT + 3,), (), True)]
    for value in (math.nan, math.inf, -math.inf):
        assert told(sent(series(UP, [(AT, value)]))) == []


def test_a_stale_marker_of_a_known_series_is_no_value() -> None:
    both = series(UP, [(AT, 1.0)]), series(UP, [(AT, STALE)])
    assert told(sent(*both)) == [(UP, (AT,), (1.0,), False), (UP, (AT,), (), True)]


def test_what_the_engine_does_not_use_is_skipped() -> None:
    metadata = field(3, field(2, b"up"))
    exemplar = field(3, label(b"trace_id", b"1"))
    histogram = field(4, b"\x08\x01")
    one = field(1, label(b"__name__", b"up") + exemplar + sample(AT, 2.0) + histogram)
    assert told(sent(metadata, one, b"\x98\x06\x01")) == [({"__name__": "up"}, (AT,), (2.0,), False)]


def test_label_order_does_not_change_the_fingerprint() -> None:
    one, other = samples(sent(series(UP, [(AT, 1.0)]), series(dict(reversed(UP.items())), [(AT, 1.0)])))
    assert one.labels.fingerprint == other.labels.fingerprint


@pytest.mark.parametrize(
    ("bad", "pointer", "reason"),
    [
        (series({"job": "x"}, [(AT, 1.0)]), "/timeseries/1/labels", "__name__"),
        (series({}, [(AT, 1.0)]), "/timeseries/1/labels", "__name__"),
        (series({**UP, "x": "y" * 5000}, [(AT, 1.0)]), "/timeseries/1/labels/x", "at most 4096 bytes"),
        (series(UP | {f"l{i}": "x" for i in range(64)}, [(AT, 1.0)]), "/timeseries/1/labels", "at most 64 labels"),
        (series(UP, [(1795332750, 1.0)]), "/timeseries/1/samples", "between 1990 and 2100"),
        (series(UP, [(-5, 1.0)]), "/timeseries/1/samples", "between 1990 and 2100"),
        (field(1, label(b"__name__", b"\xff\xfe")), "/timeseries/1/labels", "UTF-8"),
        (field(1, label(b"__name__", b"a") + label(b"__name__", b"b")), "/timeseries/1/labels/__name__", "once"),
        (field(1, b"\x0a\x7f\x00"), "@", "malformed protobuf"),
        (field(1, b"\x0f"), "@", "wire type"),
    ],
)
def test_a_bad_series_is_named_and_its_neighbours_are_kept(bad: bytes, pointer: str, reason: str) -> None:
    decoded = sent(series(UP, [(AT, 1.0)]), bad, series(UP, [(AT, 2.0)]))
    assert [s.values for s in samples(decoded)] == [(1.0,), (2.0,)]
    (reject,) = decoded.rejects
    assert reject.pointer.startswith(pointer)
    assert reason in reject.reason
    again = decode("remote-write", reject.raw)
    assert (again.signals, len(again.rejects)) == ((), 1)


def test_a_cut_request_keeps_what_stands_before_the_cut_and_says_where_it_is() -> None:
    whole = series(UP, [(AT, 1.0)]) + series(UP, [(AT, 2.0)])
    decoded = decode("remote-write", snappy.compress(whole[:-3]))
    assert [s.values for s in samples(decoded)] == [(1.0,)]
    assert decoded.rejects[0].pointer == f"@{len(series(UP, [(AT, 1.0)]))}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "snappy block"),
        (b"\xff" * 12, "snappy block"),
        (varint(65 * 2**20) + b"\x00" * 10, "at most 67108864 bytes"),
        (varint(60 * 2**20) + b"\x00" * 10, "cannot hold"),
        (varint(100) + b"\xff" * 30, "malformed snappy"),
        (b"\x1f\x8b" + b"x" * 40, "snappy"),
    ],
)
def test_a_body_that_is_no_snappy_block_is_refused_before_anything_is_allocated(body: bytes, reason: str) -> None:
    decoded = decode("remote-write", body)
    assert decoded.signals == ()
    assert reason in decoded.rejects[0].reason


def test_a_million_empty_series_are_cheap_to_refuse() -> None:
    begin = time.process_time()
    decoded = decode("remote-write", snappy.compress(b"\x0a\x00" * 200_000))
    assert time.process_time() - begin < 10
    assert len(decoded.rejects) == 1001
    assert "199000 more" in decoded.rejects[-1].reason


def test_known_series_that_are_written_otherwise_are_read_all_the_same() -> None:
    pair = b"".join(label(name.encode(), value.encode()) for name, value in UP.items())
    swapped = field(1, pair + field(2, b"\x10" + varint(AT) + b"\x09" + struct.pack("<d", 4.0)))
    twice = series(UP, [(AT, 0.0), (AT + 1, 0.0)])
    long = series(UP, [(AT, 7.0), (AT + 1, 0.0), (AT + 2, 8.0)])
    like_a_zero = series(UP, [(AT, struct.unpack("<d", b"\x01\x02\x03\x04\x05\x06\x12\x07")[0])])
    bad = series(UP, [(5, 1.0)])
    usual = series(UP, [(AT, 1.0)])
    first = sent(usual, swapped, twice, long, like_a_zero)
    again = sent(usual, swapped, usual, twice, long, bad, usual, like_a_zero, usual)
    rows = [(s.times, s.values) for s in samples(first)]
    assert rows[1:4] == [((AT,), (4.0,)), ((AT, AT + 1), (0.0, 0.0)), ((AT, AT + 1, AT + 2), (7.0, 0.0, 8.0))]
    assert [(s.times, s.values) for s in samples(again)] == [
        rows[0], rows[1], rows[0], rows[2], rows[3], rows[0], rows[4], rows[0],
    ]  # fmt: skip
    assert [reject.pointer for reject in again.rejects] == ["/timeseries/5/samples"]


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=200), max_size=4),
            st.integers(631_152_000_000, 4_102_444_800_000),
            st.floats(),
        ),
        max_size=6,
    )
)
def test_whatever_was_written_is_read_alike_at_first_and_at_second_sight(
    written: list[tuple[dict[str, str], int, float]],
) -> None:
    body = [series({**labels, "__name__": "m"}, [(at, value)]) for labels, at, value in written]
    expected = [
        ({**labels, "__name__": "m"}, (at,), (value,), False) for labels, at, value in written if math.isfinite(value)
    ]
    assert told(sent(*body)) == expected
    assert told(sent(*body, *body)) == expected * 2
