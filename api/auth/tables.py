"""The store of access as rows of a database: one text of statements, and what rows mean. SQLite and PostgreSQL
differ in how a statement is run, and in what keeps two writers apart."""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import Any

from api.access_settings import Role
from api.auth.store import TRAIL, Attempt, Key, Session, User, names
from engine.chain import SALT_BYTES, ChainRow, Head, extend
from engine.outcomes import Decision
from engine.signals import Millis

Row = tuple[Any, ...]

_, *_parts = re.split(
    r"^-- name: (\w+)$", files(__package__).joinpath("access.sql").read_text("utf-8"), flags=re.MULTILINE
)
SQL = {name: text.strip() for name, text in zip(_parts[::2], _parts[1::2], strict=True)}
"""By name, with the values as ``:name``."""


class Tables(ABC):
    """`api.auth.store.Store` over the statements of `SQL`."""

    remote = False

    @abstractmethod
    def _rows(self, name: str, /, **values: object) -> list[Row]:
        """What a statement finds."""

    @abstractmethod
    def _change(self, name: str, /, **values: object) -> int:
        """How many rows a statement changed, durably."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, and one at a time over all processes; inside another one it is part of that."""

    def _row(self, name: str, /, **values: object) -> Row | None:
        return next(iter(self._rows(name, **values)), None)

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
        self._change("add_key", **values, sha256=sha256, role=key.role.value, scopes=" ".join(key.scopes))

    def keys(self) -> list[Key]:
        """All of them."""
        return [_key(row) for row in self._rows("keys")]

    def key(self, sha256: str) -> Key | None:
        """By digest."""
        found = self._row("key", sha256=sha256)
        return _key(found) if found else None

    def used_key(self, id: str, at: Millis) -> None:
        """It was used."""
        self._change("used_key", id=id, at=at)

    def revoke_key(self, id: str, at: Millis) -> bool:
        """It opens nothing any more."""
        return self._change("revoke_key", id=id, at=at) > 0

    # people

    def put_user(self, user: User, password: str | None) -> None:
        """Add or replace."""
        values = {"name": user.name, "role": user.role.value, "created_at": user.created_at}
        self._change(
            "put_user", **values, changed_at=user.changed_at, disabled=int(user.disabled), password=password
        )  # fmt: skip

    def users(self) -> list[User]:
        """All of them."""
        return sorted(map(_user, self._rows("users")), key=lambda one: one.name)

    def password(self, name: str) -> tuple[User, str] | None:
        """A user and the hash."""
        found = self._row("password", name=name)
        return (_user(found[:5]), found[5]) if found else None

    def remove_user(self, name: str) -> bool:
        """Forget a user."""
        return self._change("remove_user", name=name) > 0

    def add_session(self, session: Session) -> None:
        """Somebody has logged in."""
        values = {name: getattr(session, name) for name in ("id", "person", "csrf", "created_at", "seen_at", "ends_at")}
        self._change("add_session", **values, roles=" ".join(names(session.roles)))

    def session(self, id: str) -> Session | None:
        """By digest."""
        found = self._row("session", id=id)
        return _session(found) if found else None

    def sessions(self) -> list[Session]:
        """All of them."""
        return [_session(row) for row in self._rows("sessions")]

    def seen_session(self, id: str, at: Millis) -> None:
        """It was used."""
        self._change("seen_session", id=id, at=at)

    def end_sessions(self, *, id: str = "", person: str = "", before: Millis = 0, idle: Millis = 0) -> int:
        """How many ended."""
        return self._change("end_sessions", id=id, person=person, before=before, idle=idle)

    def add_attempt(self, attempt: Attempt) -> None:
        """A log-in begins elsewhere; forgets those that never ended. ``until`` lies ten minutes ahead."""
        self._change("drop_attempts", until=attempt.until - 600_000)
        self._change("add_attempt", **{name: getattr(attempt, name) for name in attempt.__struct_fields__})

    def take_attempt(self, state: str) -> Attempt | None:
        """Once."""
        found = self._row("take_attempt", state=state)
        return Attempt(*found) if found else None

    # what was sent, and the first start

    def add_nonce(self, sha256: str, now: Millis, until: Millis) -> bool:
        """False: sent before."""
        with self.transaction():
            self._change("drop_nonces", now=now)
            return self._change("add_nonce", sha256=sha256, until=until) > 0

    def drop_nonce(self, sha256: str) -> None:
        """It may be sent again."""
        self._change("drop_nonce", sha256=sha256)

    def set_first(self, sha256: str | None) -> None:
        """The one-time token's digest."""
        self._change("set_first", sha256=sha256)

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
            values = {name: getattr(row, name) for name in ("seq", "at", "digest", "link", "salt", "payload")}
            self._change("add_record", **values, who=who)
            self._change("set_head", seq=end.seq, link=end.link)

    def trail(self, *, before: int = 0, limit: int = 0) -> Iterator[ChainRow]:
        """In order, or the newest."""
        found = self._rows("newest_of_trail", before=before or 1 << 62, limit=limit) if limit else self._rows("trail")
        for seq, at, digest, link, salt, payload in found:
            yield ChainRow(TRAIL, seq, seq, at, digest, link, salt, payload)

    def head(self) -> Head:
        """The stored end."""
        found = self._row("head")
        return Head(TRAIL, *found) if found else Head(TRAIL)

    def erase_records(self, *, who: str = "", before: Millis = 0) -> int:
        """Salt and payload go."""
        return self._change("erase_records", who=who, before=before)


def prepared(mark: str) -> Mapping[str, str]:
    """The statements with their values marked as a driver wants it: ``mark`` with ``name`` in it."""
    return {name: re.sub(r":(\w+)", lambda found: mark.replace("name", found[1]), text) for name, text in SQL.items()}


def _key(row: Row) -> Key:
    id, name, role, scopes, *times = row
    return Key(id, name, Role(role), tuple(scopes.split()), *times)


def _user(row: Row) -> User:
    name, role, created, changed, disabled = row
    return User(name, Role(role), created, changed, bool(disabled))


def _session(row: Row) -> Session:
    id, person, roles, *rest = row
    return Session(id, person, tuple(map(Role, roles.split())), *rest)
