"""One commit as rows: each function writes one part of it inside the transaction of `SqliteStore.commit`."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.chain import SALT_BYTES, Head, extend
from engine.errors import StoreCorrupt
from engine.outcomes import Decision, IncidentView, Publication, TimelineEntry
from engine.ports import Commit, DeadLetter, Entry, Version
from engine.signals import Millis
from engine.storage.codec import json, pack
from engine.storage.search import clock_due, entities, text
from engine.storage.sqlite import alerts, ledger, snapshots
from engine.storage.sqlite.queries import SQL, store


class Progress(msgspec.Struct):
    """Where the last commit left off, as the writer remembers it; replaced only after a commit succeeded."""

    position: int
    ticked: Millis
    arrival: Millis
    positions: dict[tuple[str, int], int]
    counts: dict[str, int]
    seq: int  # of the feed
    heads: dict[str, Head]


def load(connection: sqlite3.Connection) -> tuple[Progress, Millis]:
    """Where the last commit left off, and when the engine was last known to run."""
    position, ticked, arrival, alive, positions, counts = connection.execute(SQL["progress"]).fetchone()
    offsets = msgspec.json.decode(positions, type=list[tuple[str, int, int]])
    (seq,) = connection.execute(SQL["last_seq"]).fetchone()
    heads = {domain: Head(domain, last, link) for domain, last, link in connection.execute(SQL["heads"])}
    progress = Progress(
        position, ticked, arrival, {(source, partition): offset for source, partition, offset in offsets},
        msgspec.json.decode(counts, type=dict[str, int]), seq, heads,
    )  # fmt: skip
    return progress, alive


def write(
    connection: sqlite3.Connection, commit: Commit, before: Progress, sinks: Mapping[str, frozenset[str]]
) -> tuple[Progress, int]:
    """All of a commit; returns the progress after it and the number of alert blocks written."""
    after = _entries(connection, commit, before)
    arrivals = {entry.position: entry.arrival for entry in commit.entries}
    if commit.ledger:
        ledger.insert(connection, commit.ledger, arrivals)
    if commit.changes:
        ledger.insert_changes(connection, commit.changes)
    blocks = alerts.upsert(connection, commit.alerts) if commit.alerts else 0
    after.seq = _feed(connection, commit.incidents, commit.timeline, after.seq)
    if commit.outbox:
        _outbox(connection, commit.outbox, sinks)
    if commit.dead:
        _dead(connection, commit.dead)
    if commit.versions:
        _versions(connection, commit.versions)
    if commit.decisions:
        after.heads = _chain(connection, commit.decisions, after.heads)
    if commit.snapshot is not None:
        snapshots.insert(connection, commit.snapshot)
        ledger.store_count(connection)
        alerts.index(connection)
    return after, blocks


def _entries(connection: sqlite3.Connection, commit: Commit, before: Progress) -> Progress:
    position = last_position(before.position, commit.entries)
    rows = [
        (
            entry.position, entry.source, entry.partition, entry.offset, entry.format, entry.arrival,
            int(entry.poison), pack(entry.body),
        )
        for entry in commit.entries
    ]  # fmt: skip
    store(connection, "insert_input", rows)
    after = Progress(
        position,
        max(before.ticked, commit.ticked),
        commit.entries[-1].arrival if commit.entries else before.arrival,
        commit.positions_after(before.positions),
        commit.counts or before.counts,
        before.seq,
        before.heads,
    )
    offsets = json([(source, partition, offset) for (source, partition), offset in after.positions.items()])
    row = (after.position, after.ticked, after.arrival, offsets.decode(), json(after.counts).decode())
    connection.execute(SQL["set_progress"], row)
    return after


def last_position(last: int, entries: Iterable[Entry]) -> int:
    """The position after these entries. Raises `StoreCorrupt` unless positions only ever grow."""
    for entry in entries:
        if entry.position <= last:
            raise StoreCorrupt(f"Input {entry.position} is to be stored behind input {last}: it was handled already.")
        last = entry.position
    return last


def _feed(
    connection: sqlite3.Connection, incidents: Sequence[IncidentView], timeline: Sequence[TimelineEntry], seq: int
) -> int:
    revisions, current = [], {}
    for view in incidents:
        seq += 1
        revisions.append((seq, view.id, view.revision, pack(json(view))))
        current[view.id] = (
            view.id, seq, view.state, view.severity.level, view.domain, view.updated_at,
            json(entities(view)).decode(), text(view), clock_due(view),
        )  # fmt: skip
    lines = [(seq + after, entry.incident, pack(json(entry))) for after, entry in enumerate(timeline, 1)]
    store(connection, "insert_revision", revisions)
    store(connection, "upsert_incident", list(current.values()))
    store(connection, "insert_timeline", lines)
    return seq + len(lines)


def _outbox(
    connection: sqlite3.Connection, publications: Sequence[Publication], sinks: Mapping[str, frozenset[str]]
) -> None:
    rows = [
        (
            publication.key, sink, publication.incident, publication.action, publication.audience,
            publication.not_before, publication.created_at, pack(json(publication)),
        )
        for publication in publications
        for sink, audiences in sinks.items()
        if publication.serves(sink, audiences)
    ]  # fmt: skip
    connection.executemany(SQL["insert_outbox"], rows)


def _chain(connection: sqlite3.Connection, decisions: Sequence[Decision], heads: dict[str, Head]) -> dict[str, Head]:
    heads, rows = dict(heads), []
    moved: dict[str, tuple[str, int, bytes]] = {}
    salts = secrets.token_bytes(SALT_BYTES * len(decisions))  # asked for once: it is a call of the kernel
    for place, decision in enumerate(decisions):
        domain = decision.domain
        salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        head, row = extend(heads.get(domain) or Head(domain), decision, salt)
        heads[domain] = head
        moved[domain] = (domain, head.seq, head.link)
        rows.append((domain, head.seq, row.position, row.at, row.digest, head.link, salt, pack(decision.payload)))
    store(connection, "insert_chain", rows)
    store(connection, "set_head", list(moved.values()))
    return heads


def _dead(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    connection.executemany(
        SQL["insert_dead_letter"],
        [
            (
                letter.at, letter.source, letter.format, letter.pointer, letter.reason, pack(letter.raw),
                letter.position, letter.state,
            )
            for letter in letters
        ],
    )  # fmt: skip


def _versions(connection: sqlite3.Connection, versions: Sequence[Version]) -> None:
    connection.executemany(
        SQL["insert_version"],
        [(version.kind, version.id, version.at, pack(version.content), version.note) for version in versions],
    )
