"""People who log in with a password, and the sessions of all who logged in. Passwords are kept as argon2id hashes.

A session lives on the server: its cookie is 256 random bits and says nothing. It ends with its idle or its longest
time, by logging out, with a new password or role, and when the user is disabled. Each log-in makes a new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api import access_settings
from api.access_settings import Role
from api.auth.keys import BYTES, Refused, digest, named
from api.auth.store import Session, Store, User
from engine.signals import Millis

SHORTEST, LONGEST = 12, 200
"""Characters of a password (NIST SP 800-63B asks for 8 and advises 15; nothing is asked of what they are)."""

_hasher = PasswordHasher()


class Opened(NamedTuple):
    """A session and the content of its cookie, which is seen this once."""

    session: Session
    secret: str


def put(
    store: Store, name: str, now: Millis, *, role: Role | None = None, password: str | None = None,
    disabled: bool | None = None, fresh: bool = False,
) -> User:  # fmt: skip
    """Add a user (role and password needed; ``fresh``: there must be none of the name) or change one.

    Any change ends the person's sessions. Raises Refused.
    """
    named(name)
    if password is not None and not SHORTEST <= len(password) <= LONGEST:
        raise Refused(f"a password has {SHORTEST} to {LONGEST} characters")
    hashed = None if password is None else _hasher.hash(password)
    with store.transaction():
        known = store.password(name)
        if known is not None and fresh:
            raise Refused(f"there is a user {name!r} already")
        if known is None and (role is None or password is None):
            raise Refused(f"there is no user {name!r}; a new one needs a role and a password")
        user = known[0] if known else User(name, role or Role.VIEWER, now, now)
        changed = msgspec.structs.replace(
            user, role=role or user.role, changed_at=now, disabled=user.disabled if disabled is None else disabled
        )
        store.put_user(changed, hashed)
        store.end_sessions(person=name)
        store.set_first(None)
    return changed


def check(store: Store, name: str, password: str) -> User | None:
    """The user whose password this is. Takes as long for names that there are not."""
    known = store.password(name)
    try:
        _hasher.verify(known[1] if known else _nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return None
    return known[0] if known and not known[0].disabled else None


def open_session(
    store: Store, person: str, roles: Iterable[Role], now: Millis, settings: access_settings.Sessions
) -> Opened:
    """A new session; those that are over are forgotten."""
    secret = secrets.token_urlsafe(BYTES)
    ends = now + round(settings.longest * 1000)
    session = Session(digest(secret), person, tuple(roles), secrets.token_urlsafe(BYTES), now, now, ends)
    with store.transaction():
        store.end_sessions(before=now, idle=now - round(settings.idle * 1000))
        store.add_session(session)
    return Opened(session, secret)


def alive(session: Session, now: Millis, settings: access_settings.Sessions) -> bool:
    """Neither its idle nor its longest time is over."""
    return now < session.ends_at and now < session.seen_at + settings.idle * 1000


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(BYTES))
