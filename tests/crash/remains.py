"""What an engine's folder holds in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine.ports import Entry, Page
from engine.storage.sqlite.reader import SqliteReader

MOST = 100  # more alert events than any record of the feeds holds


class Remains(NamedTuple):
    """Everything durable that somebody may look at."""

    inputs: list[tuple[int, str, str, bool]]  # (offset, format, body, poison)
    places: dict[int, int | None]  # position in the input log -> offset; the engine's own records have none
    decisions: list[tuple[str, int, int, bytes]]
    totals: dict[str, int]
    why: dict[str, list[dict[str, object]]]
    incidents: dict[str, list[dict[str, Any]]]  # all revisions
    timeline: dict[str, list[dict[str, Any]]]
    alerts: list[dict[str, Any]]
    dead: list[bytes]
    versions: list[tuple[str, str]]
    queued: list[tuple[str, int, dict[str, Any]]]  # publications in the order of the outbox: (key, not before, body)


class Published(NamedTuple):
    """What became of the outbox. Which updates gave way to later ones depends on how fast publishers were."""

    rows: list[dict[str, Any]]  # in the order of the outbox
    keys: list[str]  # in the order in which they went out


def remains(folder: Path) -> Remains:
    reader = SqliteReader(folder / "db")
    try:
        entries = list(reader.entries(0))
        names = [view.id for view in everything(reader.incidents)]
        return Remains(
            [(e.offset or 0, e.format, e.body.decode(), e.poison) for e in entries if e.source == "pipe"],
            {e.position: e.offset for e in entries},
            [(one.domain, one.position, one.at, one.payload) for one in reader.decisions(-1)],
            reader.totals(),
            {event: lines for entry in entries for event, lines in _why(reader, entry)},
            {name: [msgspec.to_builtins(view) for view in reader.revisions(name)] for name in names},
            {name: [msgspec.to_builtins(line) for line in reader.timeline(name)] for name in names},
            [msgspec.json.decode(msgspec.json.encode(view)) for view in everything(reader.alerts)],
            [msgspec.json.encode(letter) for letter in everything(reader.dead_letters)],
            sorted((version.kind, version.id) for version in reader.versions()),
            [(row["key"], row["not_before"], _own(row["body"])) for row in _outbox(reader)],
        )
    finally:
        reader.close()


def unpublished(folder: Path) -> int:
    reader = SqliteReader(folder / "db")
    try:
        return len(reader.outbox(state=("new", "claimed", "sent", "ambiguous", "dead"), limit=200).items)
    finally:
        reader.close()


def everything(read: Callable[..., Page]) -> Iterator[Any]:
    """All pages of a list."""
    cursor = ""
    while True:
        page = read(cursor=cursor, limit=200)
        yield from page.items
        cursor = page.next
        if not cursor:
            return


def _why(reader: SqliteReader, entry: Entry) -> Iterator[tuple[str, list[dict[str, object]]]]:
    for index in range(MOST):
        event = f"{entry.position}-{index}"
        lines = reader.why(event)
        if lines:
            yield event, lines
        elif index > 8:  # an alert event may stand behind other signals of its record
            return


def _own(body: dict[str, Any]) -> dict[str, Any]:
    """Without the lines that updates which gave way have left to it; what was decided of them is in the decisions."""
    return {name: value for name, value in body.items() if name != "news"}


def _outbox(reader: SqliteReader) -> list[dict[str, Any]]:
    return sorted(everything(reader.outbox), key=lambda row: int(row["id"]))


def published(folder: Path) -> Published:
    reader = SqliteReader(folder / "db")
    try:
        lines = (folder / "published.jsonl").read_bytes().splitlines()
        return Published(_outbox(reader), [str(msgspec.json.decode(line)["key"]) for line in lines])
    finally:
        reader.close()


def assert_published_once_and_in_order(went: Published) -> None:
    """Each publication went out exactly once, after those of its incident before it; only an update may have given way
    to a later publication.
    """
    assert len(went.keys) == len(set(went.keys)), "something was published twice"
    confirmed = [row for row in went.rows if row["state"] == "confirmed"]
    assert {row["key"] for row in confirmed} == set(went.keys)
    place = {key: at for at, key in enumerate(went.keys)}
    latest: dict[str, int] = {}
    for row in confirmed:
        at = place[row["key"]]
        assert at > latest.get(row["incident"], -1), f"{row['key']} overtook another"
        latest[row["incident"]] = at
    newest = {(row["incident"], row["audience"]): row for row in went.rows}
    for row in went.rows:
        assert row["state"] in ("confirmed", "superseded"), row["key"]
        if row["state"] == "superseded":
            assert row["action"] == "update"
            assert newest[row["incident"], row["audience"]]["state"] == "confirmed"
