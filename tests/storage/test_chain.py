"""The record of decisions shows what was done to it, and forgives an erasure."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import GENESIS, ChainRow, Head, digest, extend, link, verify
from engine.outcomes import Decision


def chain(length: int, domain: str = "shop") -> tuple[list[ChainRow], Head]:
    head, rows = Head(domain), []
    for n in range(1, length + 1):
        decision = Decision(domain, n * 3, 1000 + n, f"decision {n}".encode())
        head, row = extend(head, decision, n.to_bytes(16, "big"))
        rows.append(row)
    return rows, head


def changed(row: ChainRow, **fields: object) -> ChainRow:
    return msgspec.structs.replace(row, **fields)


def forged(rows: list[ChainRow], at: int, payload: bytes) -> list[ChainRow]:
    """The chain rewritten from one record on, as one who can write everything would do it."""
    head = Head(rows[0].domain, at, rows[at - 1].link if at else GENESIS)
    result = rows[:at]
    for row in rows[at:]:
        payload_here = payload if row.seq == at + 1 else row.payload or b""
        head, new = extend(head, Decision(row.domain, row.position, row.at, payload_here), row.salt or b"")
        result.append(new)
    return result


def test_an_untouched_chain_is_intact():
    rows, head = chain(5)
    report = verify(rows, anchor=head, head=head)
    assert (report.intact, report.domain, report.records, report.erased, report.reason) == (True, "shop", 5, 0, "")


def test_a_chain_that_never_began_is_intact():
    assert verify([], head=Head("shop")).intact


def test_the_links_are_what_the_documentation_says():
    rows, _ = chain(2)
    for before, row in zip([GENESIS, rows[0].link], rows, strict=True):
        assert row.digest == hashlib.sha256((row.salt or b"") + (row.payload or b"")).digest()
        numbers = row.seq.to_bytes(8, "big") + row.position.to_bytes(8, "big") + row.at.to_bytes(8, "big", signed=True)
        assert row.link == hashlib.sha256(before + (4).to_bytes(4, "big") + b"shop" + numbers + row.digest).digest()


@given(st.integers(1, 12), st.data())
def test_any_changed_field_of_any_record_is_found_at_that_record(length, data):
    rows, head = chain(length)
    place = data.draw(st.integers(0, length - 1))
    field = data.draw(st.sampled_from(["payload", "salt", "digest", "link", "position", "at", "seq", "domain"]))
    row = rows[place]
    if field == "domain":
        other: object = "web"
    elif field in ("position", "at", "seq"):
        other = getattr(row, field) + data.draw(st.integers(1, 1000))
    else:
        value = bytearray(getattr(row, field))
        value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        other = bytes(value)
    rows[place] = changed(row, **{field: other})
    report = verify(rows, head=head)
    assert report.broken_at == place + 1
    assert report.reason


@given(st.integers(1, 12), st.data())
def test_any_removed_record_is_found(length, data):
    rows, head = chain(length)
    place = data.draw(st.integers(0, length - 1))
    del rows[place]
    assert verify(rows, head=head).broken_at == place + 1


@given(st.integers(2, 12), st.data())
def test_any_two_swapped_records_are_found(length, data):
    rows, head = chain(length)
    first, second = sorted(data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True)))
    rows[first], rows[second] = rows[second], rows[first]
    assert verify(rows, head=head).broken_at == first + 1


@given(st.integers(1, 12), st.data())
def test_any_inserted_record_is_found(length, data):
    rows, head = chain(length)
    place = data.draw(st.integers(0, length))
    before = Head("shop", place, rows[place - 1].link if place else GENESIS)
    _, extra = extend(before, Decision("shop", 7, 7, b"never decided"), bytes(16))
    rows.insert(place, extra)
    assert not verify(rows, head=head).intact


@given(st.integers(1, 12), st.data())
def test_a_cut_off_end_is_found_by_the_head_and_by_an_anchor(length, data):
    rows, head = chain(length)
    kept = data.draw(st.integers(0, length - 1))
    assert verify(rows[:kept]).intact  # the chain alone cannot know
    assert verify(rows[:kept], head=head).broken_at == kept + 1
    assert verify(rows[:kept], anchor=head).broken_at == kept + 1


@given(st.integers(2, 12), st.data())
def test_a_chain_rewritten_together_with_its_head_is_found_by_an_anchor(length, data):
    rows, _ = chain(length)
    anchored = data.draw(st.integers(1, length))
    anchor = Head("shop", anchored, rows[anchored - 1].link)
    rewritten = forged(rows, data.draw(st.integers(0, anchored - 1)), b"another story")
    own_head = Head("shop", length, rewritten[-1].link)
    assert verify(rewritten, head=own_head).intact  # whoever owns the disk can do this …
    assert verify(rewritten, anchor, own_head).broken_at == anchored  # … but not change what was exported


def test_records_behind_the_stored_head_are_found():
    rows, _ = chain(4)
    report = verify(rows, head=Head("shop", 3, rows[2].link))
    assert (report.broken_at, report.reason) == (4, "1 records stand behind the stored head")


@given(st.integers(1, 12), st.data())
def test_erased_records_are_erased_not_broken(length, data):
    rows, head = chain(length)
    erased = data.draw(st.sets(st.integers(0, length - 1)))
    for place in erased:
        rows[place] = changed(rows[place], salt=None, payload=None)
    report = verify(rows, anchor=head, head=head)
    assert (report.intact, report.erased) == (True, len(erased))


@pytest.mark.parametrize("field", ["salt", "payload"])
def test_half_an_erasure_is_broken(field):
    rows, head = chain(3)
    rows[1] = changed(rows[1], **{field: None})
    assert verify(rows, head=head).broken_at == 2


def test_moving_bytes_between_domain_and_fields_gives_another_link():
    assert link(GENESIS, "ab", 1, 1, 1, digest(b"", b"")) != link(GENESIS, "a", 1, 1, 1, digest(b"", b"b"))
