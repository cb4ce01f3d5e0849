"""The record of decisions: one hash chain per domain over salted digests, and its verifier. Pure.

A link commits to everything before it; a record's content enters only through ``SHA-256(salt || payload)``.
Payload and salt lie beside the chain and may be erased (privacy): the chain still verifies, and the record
is reported as `erased`. Without the salt the digest says nothing about the payload. What a chain alone
cannot show is that its end was cut off; a *head* kept elsewhere (an anchor) does.

The linking is that of B. Schneier and J. Kelsey, "Secure Audit Logs to Support Computer Forensics",
ACM TISSEC 2(2), 1999, without its per-record keys.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import Protocol

import msgspec

from engine.outcomes import Decision
from engine.signals import Millis

GENESIS = bytes(32)
"""What the first record of a chain links to."""

SALT_BYTES = 16

_FIXED = struct.Struct(">QQq")


class ChainRow(msgspec.Struct, frozen=True):
    """One record as stored; ``seq`` counts 1, 2, 3 … within its domain. Erased: ``salt`` and ``payload`` are None."""

    domain: str
    seq: int
    position: int
    at: Millis
    digest: bytes
    link: bytes
    salt: bytes | None = None
    payload: bytes | None = None


class Head(msgspec.Struct, frozen=True):
    """The end of a chain. Kept elsewhere (printed, mailed, time-stamped) it is an anchor for `verify`."""

    domain: str
    seq: int = 0
    link: bytes = GENESIS


class Report(msgspec.Struct, frozen=True):
    """What `verify` found. ``broken_at`` is the sequence number of the first record that is not as it was."""

    domain: str
    records: int
    erased: int
    broken_at: int | None = None
    reason: str = ""

    @property
    def intact(self) -> bool:
        """Nothing was changed, removed, moved or added; erased records do not count as changed."""
        return self.broken_at is None


class Record(Protocol):
    """What a store offers to whoever checks the record of decisions."""

    def domains(self) -> list[str]:
        """All domains that have a chain, sorted."""

    def chain(self, domain: str) -> Iterable[ChainRow]:
        """The records of a domain, in their order."""

    def heads(self) -> list[Head]:
        """The stored end of every chain, by domain; export it to have an anchor."""


class Audit(Record, Protocol):
    """The same, to erase from."""

    def erase(self, domain: str, position: int) -> int:
        """Forget payload and salt of the domain's records at this input position; how many that were."""


def digest(salt: bytes, payload: bytes) -> bytes:
    """SHA-256(salt || payload)."""
    return hashlib.sha256(salt + payload).digest()


def link(previous: bytes, domain: str, seq: int, position: int, at: Millis, content: bytes) -> bytes:
    """SHA-256(previous || length of domain || domain || seq || position || at || content digest), big-endian."""
    name = domain.encode()
    fixed = _FIXED.pack(seq, position, at)
    return hashlib.sha256(b"".join((previous, len(name).to_bytes(4, "big"), name, fixed, content))).digest()


def extend(head: Head, decision: Decision, salt: bytes) -> tuple[Head, ChainRow]:
    """The decision as the next record behind ``head``, and the new head. The salt must be fresh and random."""
    seq = head.seq + 1
    content = digest(salt, decision.payload)
    end = link(head.link, decision.domain, seq, decision.position, decision.at, content)
    row = ChainRow(decision.domain, seq, decision.position, decision.at, content, end, salt, decision.payload)
    return Head(decision.domain, seq, end), row


def verify(rows: Iterable[ChainRow], anchor: Head | None = None, head: Head | None = None) -> Report:
    """Check one domain's chain from its first record.

    ``head`` is the end that the store itself keeps: the rows must stop exactly there. ``anchor`` is a head
    exported earlier: the rows must pass through it. Detects changed, removed, moved and inserted records, and
    with a head or an anchor also a cut-off end.
    """
    domain = next((end.domain for end in (head, anchor) if end is not None), "")
    previous, records, erased = GENESIS, 0, 0
    for row in rows:
        domain = domain or row.domain
        reason = _fault(row, domain, records + 1, previous) or _against(anchor, records + 1, row.link)
        if reason:
            return Report(domain, records, erased, records + 1, reason)
        records += 1
        erased += row.payload is None
        previous = row.link
    return Report(domain, records, erased, *_end(records, previous, anchor, head))


def _fault(row: ChainRow, domain: str, expected: int, previous: bytes) -> str:
    if row.domain != domain:
        return f"a record of domain {row.domain!r} stands in the chain"
    if row.seq != expected:
        return f"record {expected} is missing or out of order; found {row.seq}"
    if row.link != link(previous, row.domain, row.seq, row.position, row.at, row.digest):
        return "the record does not link to the one before it"
    if (row.salt is None) != (row.payload is None):
        return "only one of payload and salt is gone"
    if row.salt is not None and row.payload is not None and digest(row.salt, row.payload) != row.digest:
        return "the payload is not the one that was recorded"
    return ""


def _against(anchor: Head | None, seq: int, end: bytes) -> str:
    return "the chain was rewritten before the anchor" if anchor and anchor.seq == seq and anchor.link != end else ""


def _end(records: int, last: bytes, anchor: Head | None, head: Head | None) -> tuple[int | None, str]:
    longest = max((end.seq for end in (anchor, head) if end is not None), default=0)
    if records < longest:
        return records + 1, f"the chain ends at {records}; {longest} records were made"
    if head is not None and records > head.seq:
        return head.seq + 1, f"{records - head.seq} records stand behind the stored head"
    if head is not None and head.link != last:
        return records, "the last record is not the stored head"
    return None, ""
