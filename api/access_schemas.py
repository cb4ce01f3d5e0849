"""Access over HTTP: who one is, keys, users, sessions, the trail. Secrets are write-only, but for a new key's."""

from __future__ import annotations

import msgspec

from api.auth.store import Key, Session, User
from api.auth.trail import TrailEntry
from engine.signals import Millis


class Me(msgspec.Struct, frozen=True):
    """Who asks: ``actions`` is everything that they may do."""

    name: str
    kind: str
    roles: list[str]
    actions: list[str]
    csrf_token: str = ""


class KeysOf(msgspec.Struct, frozen=True):
    """API keys, newest first."""

    items: list[Key]
    next: str = ""


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made; ``secret`` is shown this once."""

    key: Key
    secret: str


class UsersOf(msgspec.Struct, frozen=True):
    """People who log in with a password."""

    items: list[User]
    next: str = ""


class SessionOf(msgspec.Struct, frozen=True):
    """A browser in which somebody is logged in."""

    id: str
    person: str
    roles: list[str]
    created_at: Millis
    seen_at: Millis
    ends_at: Millis


class SessionsOf(msgspec.Struct, frozen=True):
    """Sessions, newest first."""

    items: list[SessionOf]
    next: str = ""


class TrailOf(msgspec.Struct, frozen=True):
    """Records of what was changed and denied, newest first; ``head`` is the end of the chain, to be kept elsewhere."""

    items: list[TrailEntry]
    next: str
    records: int
    head: str


class AccessChanged(msgspec.Struct, frozen=True):
    """It is done."""

    id: str
    state: str


def session_of(session: Session) -> SessionOf:
    """Without its token."""
    roles = sorted(role.value for role in session.roles)
    return SessionOf(session.id, session.person, roles, session.created_at, session.seen_at, session.ends_at)
