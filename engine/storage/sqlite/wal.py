"""Damage that SQLite passes over in silence: in a write-ahead log, and at the end of a file.

SQLite reads a log up to its first frame that does not check, for a power cut may leave such a frame behind: of the one
transaction that was being written. Whole transactions behind it say that more is missing than that.
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.errors import StoreCorrupt

HEADER, FRAME = 32, 24  # bytes of the log's header and of each frame's
IN_FLIGHT = 1
"""Transactions that a power cut can leave unreadable: each is on disk before the next begins."""


def unreadable(connection: sqlite3.Connection, path: Path) -> int:
    """How many transactions the log of a file that was just opened holds behind what SQLite could read of it.

    Raises `StoreCorrupt` when the file is cut off.
    """
    log = path.with_name(f"{path.name}-wal")
    _, frames, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if frames == moved or frames < 0:
        _refuse_short(connection, path)
    if not log.exists():
        return 0
    with log.open("rb") as file:
        header = file.read(HEADER)
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        found = list(_frames(file, page))
    # A log begins anew with a header; until that has frames of its own, those behind it are of the generation before
    salt = header[16:24] if _checks(header) or not found else found[0][0]
    return sum(commit and one == salt for one, commit in found[max(0, frames) :])


def _checks(header: bytes) -> bool:
    """Whether a log's header is as it was written."""
    if len(header) < HEADER:
        return False
    order = ">" if header[3] & 1 else "<"
    words = struct.unpack(f"{order}6I", header[:24])
    one = two = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return struct.unpack(">2I", header[24:]) == (one, two)


def _refuse_short(connection: sqlite3.Connection, path: Path) -> None:
    """A file that is shorter than it says, once the log is in it: a copy that was not finished."""
    (pages,), (page,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    size = path.stat().st_size
    if size < pages * page:
        raise StoreCorrupt(
            f"{path} ends after {size} of {pages * page} bytes. Restore it from a backup (docs/storage.md)."
        )


def _frames(file: BinaryIO, page: int) -> Iterator[tuple[bytes, bool]]:
    """(salts, whether it ends a transaction) of each frame."""
    at = HEADER
    while len(head := file.read(FRAME)) == FRAME:
        yield head[8:16], head[4:8] != b"\x00\x00\x00\x00"
        at += FRAME + page
        file.seek(at)


def refuse_damage(connection: sqlite3.Connection, lost: int, path: Path) -> None:
    """Raises `StoreCorrupt` when more is missing than a power cut explains; the connection is closed, the log stays.

    SQLite removes the log of a file that the last connection closes, unreadable transactions and all.
    """
    if lost > IN_FLIGHT:
        log = path.with_name(f"{path.name}-wal")
        kept = shutil.copy2(log, f"{log}.kept")
        connection.close()
        Path(kept).replace(log)
        raise StoreCorrupt(
            f"{log} is damaged: {lost} transactions in it cannot be read. Restore the file from a backup "
            f"(docs/storage.md), or go on without them: keep a copy, and remove {log.name}."
        )
