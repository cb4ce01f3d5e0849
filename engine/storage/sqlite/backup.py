"""A copy of a store as of one moment, made while its engine runs, and proof that a copy is whole.

Beside the copy lies `<name>.sha256` in the format of sha256sum(1): pages have no checksums, the copy as a whole has.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from engine.chain import Head, verify
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.storage.sqlite.connection import connect, meaning
from engine.storage.sqlite.reader import SqliteReader


class Copy(msgspec.Struct, frozen=True):
    """What a copy holds: the last position of its input log, the ends of its chains, the SHA-256 of the file."""

    position: int
    heads: tuple[Head, ...]
    digest: str


def backup(database: Path, to: Path) -> Copy:
    """Copy the store and verify the copy. Raises `StoreUnavailable` (also when ``to`` is there), `StoreCorrupt`."""
    if to.exists():
        raise StoreUnavailable(f"{to} is there already.")
    with meaning(database), closing(connect(database)) as source, closing(connect(to, create=True)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    sums(to).write_text(f"{_digest(to)}  {to.name}\n", encoding="utf-8")
    return verified(to)


def sums(copy: Path) -> Path:
    """Where the checksum of a copy lies."""
    return copy.with_name(f"{copy.name}.sha256")


def verified(copy: Path) -> Copy:
    """What a copy holds, once its checksum, SQLite's own check and every chain are found to be right.

    Raises `StoreCorrupt` when one is not, `StoreUnavailable` when a file is missing.
    """
    try:
        noted, digest = sums(copy).read_text(encoding="utf-8").split()[:1], _digest(copy)
    except OSError as error:
        raise StoreUnavailable(f"{error.filename}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise StoreCorrupt(f"{sums(copy)} is damaged.") from error
    if noted != [digest]:
        raise StoreCorrupt(f"{copy} is not the file that was written: its SHA-256 is {digest}.")
    with meaning(copy), closing(sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        (position,) = connection.execute("SELECT position FROM progress").fetchone()
    if found != "ok":
        raise StoreCorrupt(f"{copy}: {found}.")
    with closing(SqliteReader(copy)) as reader:
        heads = tuple(reader.heads())
        for head in heads:
            report = verify(reader.chain(head.domain), head=head)
            if not report.intact:
                raise StoreCorrupt(f"{copy}: the chain of {head.domain} is broken: {report.reason}.")
    return Copy(position, heads, digest)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
