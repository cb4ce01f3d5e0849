"""What PostgreSQL's errors mean to the engine, with what to do about them.

Source of the codes: PostgreSQL's manual, appendix A, "PostgreSQL Error Codes". While a connection is made libpq gives
no code, only the server's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from engine.errors import EngineError, Fenced, StoreCorrupt, StoreUnavailable
from engine.storage.postgres.address import Address

_MENDS = {
    "08": "The connection was lost; the engine connects again by itself.",
    "25006": "The database is read-only: a standby, or a primary that was replaced; name the primary in the address "
    "(several hosts and target_session_attrs=read-write let libpq find it).",
    "25P03": "The engine stood still inside a transaction for too long, and the server ended it.",
    "25P04": "The engine stood still in the middle of a commit for too long, and the server ended it.",
    "28": "The server refuses this user; correct the user or the password in the settings, or pg_hba.conf there.",
    "3D000": "There is no such database on the server; create it, or correct the address.",
    "40": "Another transaction was in the way; the engine tries again.",
    "42501": "The user lacks a right; see docs/storage.md for what it needs.",
    "42P01": "It holds no data of Headwater yet, or of an older version; start the engine once.",
    "3F000": "It holds no data of Headwater yet; start the engine once.",
    "53100": "The database's disk is full; free some space there, the engine goes on by itself.",
    "53200": "The server is out of memory.",
    "53300": "The server has no connection to spare; raise max_connections there, or run fewer processes.",
    "55P03": "Somebody holds a lock on the tables for seconds; is a maintenance command running?",
    "57014": "The server ended the statement because it took too long.",
    "57": "The server is shutting down or restarting; the engine connects again by itself.",
    "58": "The server's system reports an error; see the server's log.",
    "HW002": "It was written to since it was last read, by another engine or by a commit whose answer was lost; "
    "the engine reads it again.",
}

_WORDS = (
    ("no password supplied", "28"),
    ("FATAL: password authentication failed", "28"),
    ("FATAL: no pg_hba.conf entry", "28"),
    ("FATAL: too many", "53300"),
    ("FATAL: sorry, too many clients", "53300"),
    ("FATAL: remaining connection slots", "53300"),
    ("FATAL: role ", "28"),
    ("FATAL: permission denied for database", "42501"),
    ("FATAL: database ", "3D000"),
    ("FATAL: the database system is in recovery", "57"),
    ("FATAL: the database system is not yet accepting", "57"),
    ("FATAL: the database system is s", "57"),  # starting up, shutting down
    ("session is read-only", "25006"),
)
"""What a refused connection is recognised by."""

_UNREACHABLE = "The server cannot be reached; is it running, and are host and port right?"


@contextmanager
def meaning(address: Address, *, connecting: bool = False) -> Iterator[None]:
    """PostgreSQL's errors as the engine's; a wrong value in a parameter is the caller's and stays."""
    try:
        yield
    except psycopg.Error as error:
        ours = _as_ours(error, address, connecting=connecting)
        if ours is error:
            raise
        raise ours from None  # the original may quote what is secret


def _as_ours(error: psycopg.Error, address: Address, *, connecting: bool) -> EngineError | psycopg.Error:
    """What to raise instead."""
    said = ". ".join(filter(None, (error.diag.message_primary, error.diag.message_detail))) or str(error)
    text, code = address.hide(said).removesuffix("."), error.sqlstate or ""
    if code == "HW001":
        return Fenced(f"{address}: {text}.")
    if isinstance(error, psycopg.IntegrityError):
        return StoreCorrupt(f"{address}: what was to be stored is there already, or in part ({text}).")
    if code[:2] == "XX":
        return StoreCorrupt(f"{address}: {text}. See the server's log; restore a backup (docs/storage.md).")
    if isinstance(error, psycopg.ProgrammingError | psycopg.DataError) and code not in _MENDS:
        return error
    return StoreUnavailable(f"{address}: {text}. {_mend(code, text, connecting=connecting)}".strip())


def _mend(code: str, text: str, *, connecting: bool) -> str:
    if code:
        return _MENDS.get(code) or _MENDS.get(code[:2], "")
    if not connecting:
        return _MENDS["08"]
    return next((_MENDS[code] for words, code in _WORDS if words in text), _UNREACHABLE)
