"""One commit as statements: each function writes one part of it inside the transaction of `PostgresStore.commit`.

No statement waits for the answer to the one before: all of them travel together (libpq's pipeline mode), and a commit
costs one round trip. What must stop it is found by the database itself (`hold`, `expect`, constraints).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from psycopg import Cursor

from engine.chain import SALT_BYTES, Head, extend
from engine.errors import StoreCorrupt
from engine.outcomes import Decision, IncidentView, Publication, TimelineEntry
from engine.ports import Commit, DeadLetter, Entry, Version
from engine.shards import Shard
from engine.signals import Handover, Millis
from engine.storage.codec import json, pack
from engine.storage.postgres import alerts, ledger, snapshots
from engine.storage.postgres.arrays import columns
from engine.storage.postgres.connection import Row
from engine.storage.postgres.queries import SQL, store
from engine.storage.postgres.texts import encode
from engine.storage.search import clock_due, entities, text


class Progress(msgspec.Struct):
    """Where the last commit of a shard left off, as its writer remembers it; replaced only after a commit succeeded."""

    position: int
    ticked: Millis
    arrival: Millis
    positions: dict[tuple[str, int], int]
    counts: dict[str, int]
    change: int
    block: int
    record: int
    heads: dict[str, Head] = {}


def load(cursor: Cursor[Row], shard: int) -> tuple[Progress, Millis]:
    """Where the last commit left off, and when the engine was last known to run."""
    base = Shard(shard).base
    row = cursor.execute(SQL["progress"], {"shard": shard}).fetchone()
    position, ticked, arrival, alive, positions, counts = row or (base, 0, 0, 0, "[]", "{}")
    numbers = cursor.execute(SQL["last_numbers"], {"after": base, "until": Shard(shard).end}).fetchone()
    change, block, record = (number or base for number in numbers or (0, 0, 0))
    offsets = msgspec.json.decode(positions, type=list[tuple[str, int, int]])
    progress = Progress(
        position, ticked, arrival, {(source, partition): offset for source, partition, offset in offsets},
        msgspec.json.decode(counts, type=dict[str, int]), change, block, record,
    )  # fmt: skip
    return progress, alive


def fetch_heads(cursor: Cursor[Row], before: Progress, decisions: Sequence[Decision]) -> None:
    """Bring the ends of those chains that this writer has not written to yet."""
    unknown = list({decision.domain for decision in decisions} - before.heads.keys())
    if unknown:
        found = {row[0]: Head(*row) for row in cursor.execute(SQL["heads_of"], {"domains": unknown})}
        before.heads |= {domain: found.get(domain) or Head(domain) for domain in unknown}


def write(
    cursor: Cursor[Row], commit: Commit, before: Progress, sinks: Mapping[str, frozenset[str]], shard: int
) -> Progress:
    """All of a commit; returns the progress after it."""
    after = _entries(cursor, commit, before, shard)
    arrivals = {entry.position: entry.arrival for entry in commit.entries}
    ledger.insert(cursor, commit.ledger, arrivals)
    after.change = ledger.insert_changes(cursor, commit.changes, before.change)
    after.block = alerts.upsert(cursor, commit.alerts, before.block)
    _outbox(cursor, commit.outbox, sinks)
    _handovers(cursor, commit.handovers)
    _dead(cursor, commit.dead)
    _versions(cursor, commit.versions)
    after.heads, after.record = _chain(cursor, commit.decisions, before)
    if commit.snapshot is not None:
        snapshots.insert(cursor, shard, commit.snapshot)
        ledger.store_count(cursor, shard)
        alerts.index(cursor, shard)
    _feed(cursor, commit.incidents, commit.timeline)  # last: others wait for its row
    return after


def _entries(cursor: Cursor[Row], commit: Commit, before: Progress, shard: int) -> Progress:
    position = last_position(before.position, commit.entries)
    rows = [
        (
            entry.position, entry.source, entry.partition, entry.offset, entry.format, entry.arrival,
            int(entry.poison), pack(entry.body),
        )
        for entry in commit.entries
    ]  # fmt: skip
    after = msgspec.structs.replace(
        before, position=position, ticked=max(before.ticked, commit.ticked),
        arrival=commit.entries[-1].arrival if commit.entries else before.arrival,
        positions=commit.positions_after(before.positions), counts=commit.counts or before.counts,
    )  # fmt: skip
    offsets = json([(source, partition, offset) for (source, partition), offset in after.positions.items()])
    values = {
        "shard": shard, "position": after.position, "ticked": after.ticked, "arrival": after.arrival,
        "positions": offsets.decode(), "counts": json(after.counts).decode(),
        "position_before": before.position, "ticked_before": before.ticked,
    }  # fmt: skip
    cursor.execute(SQL["set_progress"], values)
    store(cursor, "insert_input", "qtqqtqqb", rows)
    return after


def last_position(last: int, entries: Iterable[Entry]) -> int:
    """The position after these entries. Raises `StoreCorrupt` unless positions only ever grow."""
    for entry in entries:
        if entry.position <= last:
            raise StoreCorrupt(f"Input {entry.position} is to be stored behind input {last}: it was handled already.")
        last = entry.position
    return last


def _feed(cursor: Cursor[Row], incidents: Sequence[IncidentView], timeline: Sequence[TimelineEntry]) -> None:
    more = len(incidents) + len(timeline)
    if not more:
        return
    cursor.execute(SQL["extend_feed"], {"more": more})
    revisions, current = [], {}
    for back, view in zip(range(more - 1, -1, -1), incidents, strict=False):
        revisions.append((back, view.id, view.revision, pack(json(view))))
        current[view.id] = (
            view.id, back, view.state, view.severity.level, view.domain, view.updated_at,
            json([encode(one).decode() for one in entities(view)]), text(view), clock_due(view),
        )  # fmt: skip
    lines = [
        (back, entry.incident, pack(json(entry)))
        for back, entry in zip(range(len(timeline) - 1, -1, -1), timeline, strict=True)
    ]
    store(cursor, "insert_revision", "qtqb", revisions)
    store(cursor, "upsert_incident", "tqtttqutq", list(current.values()))
    store(cursor, "insert_timeline", "qtb", lines)


def _outbox(cursor: Cursor[Row], publications: Sequence[Publication], sinks: Mapping[str, frozenset[str]]) -> None:
    rows = [
        (
            publication.key, sink, publication.incident, publication.action, publication.audience,
            publication.not_before, publication.created_at, pack(json(publication)),
        )
        for publication in publications
        for sink, audiences in sinks.items()
        if publication.serves(sink, audiences)
    ]  # fmt: skip
    store(cursor, "insert_outbox", "tttttqqb", rows)


def _chain(cursor: Cursor[Row], decisions: Sequence[Decision], before: Progress) -> tuple[dict[str, Head], int]:
    if not decisions:
        return before.heads, before.record
    heads, rows = dict(before.heads), []
    salts = secrets.token_bytes(SALT_BYTES * len(decisions))  # asked for once: it is a call of the kernel
    for place, decision in enumerate(decisions):
        domain = decision.domain
        salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        heads[domain], row = extend(heads[domain], decision, salt)
        rows.append(
            (
                before.record + place + 1, domain, row.seq, row.position, row.at, row.digest, row.link, salt,
                pack(decision.payload),
            )
        )  # fmt: skip
    store(cursor, "insert_chain", "qtqqqbbbb", rows)
    moved = [
        (domain, before.heads[domain].seq, heads[domain].seq, heads[domain].link)
        for domain in dict.fromkeys(decision.domain for decision in decisions)
    ]
    store(cursor, "begin_head", "tqqb", [row for row in moved if row[1] == 0])
    known = [row for row in moved if row[1] > 0]
    if known:
        cursor.execute(SQL["move_head"], [*columns("tqqb", known), len(known)])
    return heads, before.record + len(rows)


def _handovers(cursor: Cursor[Row], handovers: Sequence[tuple[int, Handover]]) -> None:
    rows = [(part.source, part.number, to, int(part.last), pack(part.body)) for to, part in handovers]
    store(cursor, "insert_handover", "qqqqb", rows)


def _dead(cursor: Cursor[Row], letters: Sequence[DeadLetter]) -> None:
    rows = [
        (
            letter.at, letter.source, letter.format, letter.pointer, letter.reason, pack(letter.raw),
            letter.position, letter.state,
        )
        for letter in letters
    ]  # fmt: skip
    store(cursor, "insert_dead_letter", "qttttbqt", rows)


def _versions(cursor: Cursor[Row], versions: Sequence[Version]) -> None:
    rows = [(version.kind, version.id, version.at, pack(version.content), version.note) for version in versions]
    store(cursor, "insert_version", "ttqbt", rows)
