"""Rows as items of a page, as every database gives them."""

from __future__ import annotations

import msgspec

from engine.ports import DeadLetter, Page, Version
from engine.storage import paging
from engine.storage.codec import unpack

_data = msgspec.json.Decoder(dict[str, object])


def page(numbered: list[tuple[int, object]], limit: int) -> Page:
    """A page of what was read one item beyond its limit: (number for the cursor, item)."""
    size = paging.size(limit)
    shown = numbered[:size]
    return Page([item for _, item in shown], str(shown[-1][0]) if len(numbered) > size else "")


def publication(row: tuple[int, bytes, str, str, int, int, int, int, str, str]) -> dict[str, object]:
    """One row of the outbox, as `Reader.outbox` gives it."""
    id, doc, sink, state, ambiguous, attempts, due, changed_at, remote, error = row
    return {
        "id": id, "sink": sink, "state": state, "ambiguous": bool(ambiguous), "attempts": attempts, "due": due,
        "changed_at": changed_at, "remote": remote, "error": error, **_data.decode(unpack(doc)),
    }  # fmt: skip


def version(row: tuple[int, str, str, int, str]) -> Version:
    """One version of the operator's files, without its content."""
    _, kind, id, at, note = row
    return Version(kind, id, at, b"", note)


def letter(row: tuple[int, int, str, str, str, str, bytes, int | None, str]) -> DeadLetter:
    """One dead letter."""
    id, at, source, format, pointer, reason, raw, position, state = row
    return DeadLetter(
        id=id, at=at, source=source, format=format, pointer=pointer, reason=reason, raw=unpack(raw), position=position,
        state=state,
    )  # fmt: skip
