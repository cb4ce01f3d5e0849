"""What is remembered of access, and the port behind which it is kept. Times are milliseconds, ``None``: never.

Of everything that lets somebody in only the SHA-256 is kept (of passwords argon2id), so that a copy of the file opens
no door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from api.access_settings import Role
from engine.chain import ChainRow, Head
from engine.signals import Millis

TRAIL = "access"
"""The chain's name: the domain in its links."""


class Key(msgspec.Struct, frozen=True):
    """An API key. ``scopes``: the actions that it is narrowed to; empty: all of its role."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created_at: Millis
    created_by: str
    expires_at: Millis | None = None
    used_at: Millis | None = None
    revoked_at: Millis | None = None

    def alive(self, now: Millis) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class User(msgspec.Struct, frozen=True):
    """A person who logs in with a password. ``changed_at``: when the password or the role was last set."""

    name: str
    role: Role
    created_at: Millis
    changed_at: Millis
    disabled: bool = False


class Session(msgspec.Struct, frozen=True):
    """A browser in which somebody has logged in; ``id`` is the digest of what its cookie holds."""

    id: str
    person: str
    roles: tuple[Role, ...]
    csrf: str
    created_at: Millis
    seen_at: Millis
    ends_at: Millis


class Attempt(msgspec.Struct, frozen=True):
    """A log-in that is under way at the provider of OpenID Connect."""

    state: str
    browser: str
    nonce: str
    verifier: str
    target: str
    until: Millis


class Store(Protocol):
    """What an implementation offers. Raises `engine.errors.StoreUnavailable`."""

    remote: bool
    """Whether to ask it may take long: not for the event loop."""

    def closing(self) -> bool:
        """Whether there is a user or a key that still opens something: then nothing is open to all any more."""

    def add_key(self, key: Key, sha256: str) -> None:
        """Remember a key."""

    def keys(self) -> list[Key]:
        """All of them, newest first."""

    def key(self, sha256: str) -> Key | None:
        """The key with this digest."""

    def used_key(self, id: str, at: Millis) -> None:
        """It was used."""

    def revoke_key(self, id: str, at: Millis) -> bool:
        """It opens nothing any more; whether there was one to revoke."""

    def put_user(self, user: User, password: str | None) -> None:
        """Add or replace a user; ``password`` None leaves the hash as it is."""

    def users(self) -> list[User]:
        """All of them, by name."""

    def password(self, name: str) -> tuple[User, str] | None:
        """A user and the hash of the password."""

    def remove_user(self, name: str) -> bool:
        """Forget a user; whether there was one."""

    def add_session(self, session: Session) -> None:
        """Somebody has logged in."""

    def session(self, id: str) -> Session | None:
        """The session with this digest."""

    def sessions(self) -> list[Session]:
        """All of them, newest first."""

    def seen_session(self, id: str, at: Millis) -> None:
        """It was used."""

    def end_sessions(self, *, id: str = "", person: str = "", before: Millis = 0, idle: Millis = 0) -> int:
        """End one, those of a person, or those past their time or not used since ``idle``; how many that were."""

    def add_attempt(self, attempt: Attempt) -> None:
        """A log-in begins elsewhere."""

    def take_attempt(self, state: str) -> Attempt | None:
        """The log-in with this digest of its state; it can be taken once."""

    def add_nonce(self, sha256: str, now: Millis, until: Millis) -> bool:
        """Remember what was sent; False when it was sent before. Forgets what is past its time."""

    def drop_nonce(self, sha256: str) -> None:
        """It may be sent again."""

    def set_first(self, sha256: str | None) -> None:
        """The digest of the one-time token of the first start; None: it is used up."""

    def first(self) -> str | None:
        """That digest."""

    def add_record(self, who: str, at: Millis, payload: bytes) -> None:
        """Append to the trail, durably."""

    def trail(self, *, before: int = 0, limit: int = 0) -> Iterable[ChainRow]:
        """Its records in order; with ``limit`` the newest ones before a number, newest first."""

    def head(self) -> Head:
        """The stored end of the trail."""

    def erase_records(self, *, who: str = "", before: Millis = 0) -> int:
        """Forget what the records of a person, or older ones, say; how many that were. The chain still verifies."""

    def ping(self) -> None:
        """Raises when it cannot be used."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""


def names(roles: Iterable[Role]) -> Sequence[str]:
    """Roles as words."""
    return sorted(role.value for role in roles)
