"""The store of access in a SQLite file of its own, beside the engine's: durable at every commit, one connection."""

from __future__ import annotations

import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from api.access_settings import Role
from api.auth.store import TRAIL, Attempt, Key, Session, User, names
from engine.chain import SALT_BYTES, ChainRow, Head, extend
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.outcomes import Decision
from engine.signals import Millis

DATABASE = "access.db"
BUSY = 5.0
"""Seconds that a write waits for another process's."""

_, *_parts = re.split(
    r"^-- name: (\w+)$", files(__package__).joinpath("access.sql").read_text("utf-8"), flags=re.MULTILINE
)
SQL = {name: text.strip() for name, text in zip(_parts[::2], _parts[1::2], strict=True)}


class SqliteAccess:
    """`api.auth.store.Store` in ``folder``; the file is made when it is not there, for its owner only."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE
        self._lock = threading.RLock()
        with self._meaning():
            folder.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY)
            for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {setting}")
            self._connection.executescript(SQL["schema"])

    def close(self) -> None:
        """No more is asked."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _meaning(self) -> Iterator[None]:
        """SQLite's errors as the engine's."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = StoreCorrupt if "malformed" in str(error) or "not a database" in str(error) else StoreUnavailable
            raise kind(f"{self.path}: {error}.") from error
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it is part of that."""
        with self._lock, self._meaning():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _rows(self, name: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._meaning():
            return self._connection.execute(SQL[name], values).fetchall()

    def _row(self, name: str, values: Any = ()) -> tuple[Any, ...] | None:
        return next(iter(self._rows(name, values)), None)

    def _change(self, name: str, values: Any = ()) -> int:
        with self._lock, self._meaning():
            return self._connection.execute(SQL[name], values).rowcount

    def ping(self) -> None:
        """Raises when it cannot be read."""
        self._rows("head")

    def closing(self) -> bool:
        """Whether there is a user or a key."""
        found = self._row("closing")
        return bool(found and found[0])

    # keys

    def add_key(self, key: Key, sha256: str) -> None:
        """Remember a key."""
        values = {name: getattr(key, name) for name in ("id", "name", "created_at", "created_by", "expires_at")}
        self._change("add_key", {**values, "sha256": sha256, "role": key.role.value, "scopes": " ".join(key.scopes)})

    def keys(self) -> list[Key]:
        """All of them."""
        return [_key(row) for row in self._rows("keys")]

    def key(self, sha256: str) -> Key | None:
        """By digest."""
        found = self._row("key", (sha256,))
        return _key(found) if found else None

    def used_key(self, id: str, at: Millis) -> None:
        """It was used."""
        self._change("used_key", (at, id))

    def revoke_key(self, id: str, at: Millis) -> bool:
        """It opens nothing any more."""
        return self._change("revoke_key", (at, id)) > 0

    # people

    def put_user(self, user: User, password: str | None) -> None:
        """Add or replace."""
        values = {"name": user.name, "role": user.role.value, "created_at": user.created_at}
        more = {"changed_at": user.changed_at, "disabled": int(user.disabled), "password": password}
        self._change("put_user", {**values, **more})

    def users(self) -> list[User]:
        """All of them."""
        return [_user(row) for row in self._rows("users")]

    def password(self, name: str) -> tuple[User, str] | None:
        """A user and the hash."""
        found = self._row("password", (name,))
        return (_user(found[:5]), found[5]) if found else None

    def remove_user(self, name: str) -> bool:
        """Forget a user."""
        return self._change("remove_user", (name,)) > 0

    def add_session(self, session: Session) -> None:
        """Somebody has logged in."""
        roles = " ".join(names(session.roles))
        times = (session.created_at, session.seen_at, session.ends_at)
        self._change("add_session", (session.id, session.person, roles, session.csrf, *times))

    def session(self, id: str) -> Session | None:
        """By digest."""
        found = self._row("session", (id,))
        return _session(found) if found else None

    def sessions(self) -> list[Session]:
        """All of them."""
        return [_session(row) for row in self._rows("sessions")]

    def seen_session(self, id: str, at: Millis) -> None:
        """It was used."""
        self._change("seen_session", (at, id))

    def end_sessions(self, *, id: str = "", person: str = "", before: Millis = 0, idle: Millis = 0) -> int:
        """How many ended."""
        return self._change("end_sessions", {"id": id, "person": person, "before": before, "idle": idle})

    def add_attempt(self, attempt: Attempt) -> None:
        """A log-in begins elsewhere; forgets those that never ended. ``until`` lies ten minutes ahead."""
        self._change("drop_attempts", (attempt.until - 600_000,))
        values = (attempt.state, attempt.browser, attempt.nonce, attempt.verifier, attempt.target, attempt.until)
        self._change("add_attempt", values)

    def take_attempt(self, state: str) -> Attempt | None:
        """Once."""
        found = self._row("take_attempt", (state,))
        return Attempt(*found) if found else None

    # what was sent, and the first start

    def add_nonce(self, sha256: str, now: Millis, until: Millis) -> bool:
        """False: sent before."""
        with self.transaction():
            self._change("drop_nonces", (now,))
            return self._change("add_nonce", (sha256, until)) > 0

    def drop_nonce(self, sha256: str) -> None:
        """It may be sent again."""
        self._change("drop_nonce", (sha256,))

    def set_first(self, sha256: str | None) -> None:
        """The one-time token's digest."""
        self._change("set_first", (sha256,))

    def first(self) -> str | None:
        """The one-time token's digest."""
        found = self._row("first")
        return found[0] if found else None

    # the trail

    def add_record(self, who: str, at: Millis, payload: bytes) -> None:
        """Append to the chain."""
        with self.transaction():
            head = self.head()
            decision = Decision(TRAIL, head.seq + 1, at, payload)
            end, row = extend(head, decision, secrets.token_bytes(SALT_BYTES))
            self._change("add_record", (row.seq, row.at, row.digest, row.link, row.salt, row.payload, who))
            self._change("set_head", (end.seq, end.link))

    def trail(self, *, before: int = 0, limit: int = 0) -> Iterator[ChainRow]:
        """In order, or the newest."""
        found = self._rows("newest_of_trail", (before or 1 << 62, limit)) if limit else self._rows("trail")
        for seq, at, digest, link, salt, payload in found:
            yield ChainRow(TRAIL, seq, seq, at, digest, link, salt, payload)

    def head(self) -> Head:
        """The stored end."""
        found = self._row("head")
        return Head(TRAIL, *found) if found else Head(TRAIL)

    def erase_records(self, *, who: str = "", before: Millis = 0) -> int:
        """Salt and payload go."""
        erased = self._change("erase_records", {"who": who, "before": before})
        with self._lock, self._meaning():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased


def _key(row: tuple[Any, ...]) -> Key:
    id, name, role, scopes, *times = row
    return Key(id, name, Role(role), tuple(scopes.split()), *times)


def _user(row: tuple[Any, ...]) -> User:
    name, role, created, changed, disabled = row
    return User(name, Role(role), created, changed, bool(disabled))


def _session(row: tuple[Any, ...]) -> Session:
    id, person, roles, *rest = row
    return Session(id, person, tuple(map(Role, roles.split())), *rest)
