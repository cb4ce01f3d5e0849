"""Undoing gzip: what is right passes, what is too large or broken is said so."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoding import gunzip, undo
from ingest.errors import BadEncoding, TooLarge

MIB = 2**20


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_every_gzip_stream_of_one_or_more_members_is_undone(parts: list[bytes]) -> None:
    body = b"".join(gzip.compress(part) for part in parts)
    assert undo("gzip", body) == b"".join(parts)
    assert undo(" GZIP ", body + b"\0" * 7) == b"".join(parts)


@given(st.binary(max_size=500))
def test_arbitrary_bytes_are_bad_encoding_or_content_never_anything_else(body: bytes) -> None:
    try:
        gunzip(b"\x1f\x8b\x08" + body, limit=10_000)
    except (BadEncoding, TooLarge):
        return


def test_without_an_encoding_the_body_is_itself() -> None:
    assert undo("", b"x") == undo("identity", b"x") == b"x"
    with pytest.raises(TooLarge, match="at most 10 bytes, got 11"):
        undo("", b"x" * 11, limit=10)


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "snappy"])
def test_other_encodings_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(BadEncoding, match=f"got '{encoding}'"):
        undo(encoding, b"")


def test_fifty_mebibytes_of_zeros_are_refused_without_being_made() -> None:
    bomb = gzip.compress(bytes(50 * MIB))
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(TooLarge):
        undo("gzip", bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begin < 2
    assert peak < 10 * MIB


def test_the_limit_is_exact_for_what_gzip_does_not_shrink_much() -> None:
    body = b"".join(b"%d " % (number * 7919 % 65_537) for number in range(200_000))
    packed = gzip.compress(body)
    assert gunzip(packed, limit=len(body)) == body
    with pytest.raises(TooLarge, match="after decompression"):
        gunzip(packed, limit=len(body) - 1)


def test_a_ratio_that_no_alert_has_is_refused_and_a_small_body_may_have_any() -> None:
    assert len(gunzip(gzip.compress(bytes(MIB)))) == MIB
    with pytest.raises(TooLarge, match="1/100"):
        gunzip(gzip.compress(bytes(4 * MIB)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (b"hello", "not a valid gzip stream"),
        (zlib.compress(b"hello"), "not a valid gzip stream"),
        (gzip.compress(b"hello" * 1000)[:-9], "truncated"),
        (gzip.compress(b"hello")[:-4] + b"\0\0\0\1", "not a valid gzip stream"),
        (gzip.compress(b"hello") + b"more", "4 more bytes"),
        (gzip.compress(b"hello") + gzip.compress(b"again")[:10], "truncated"),
        (gzip.compress(b"") * 65, "at most 64 members"),
    ],
    ids=["nothing", "text", "zlib", "cut", "wrong-length", "text-after", "cut-member", "many-members"],
)
def test_what_is_broken_is_said_to_be(body: bytes, reason: str) -> None:
    with pytest.raises(BadEncoding, match=reason):
        gunzip(body)


def test_many_tiny_members_are_refused_quickly() -> None:
    begin = time.process_time()
    with pytest.raises(BadEncoding):
        gunzip(gzip.compress(b"") * 100_000)
    assert time.process_time() - begin < 2
