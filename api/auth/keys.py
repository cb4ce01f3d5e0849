"""API keys, and the one-time token of the first start. Shown once; only a digest is kept.

256 random bits cannot be guessed, so that a plain SHA-256 of them is enough; what stands before them tells people and
secret scanners what they have found.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from api.access_settings import Role
from api.auth.store import Key, Store
from engine.policy import ACTIONS
from engine.signals import Millis

PREFIX = "hwk_"
FIRST = "hwf_"
BYTES = 32
LONGEST_NAME = 100


class Refused(ValueError):
    """It cannot be done as asked; the message says why, for people."""


class New(NamedTuple):
    """A key and its secret, which is seen this once."""

    key: Key
    secret: str


def digest(secret: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    store: Store, name: str, role: Role, now: Millis, by: str, scopes: tuple[str, ...] = (), days: float | None = None
) -> New:
    """A new key, durable; the first one uses up the one-time token. Raises Refused."""
    named(name)
    if unknown := [one for one in scopes if one not in ACTIONS]:
        raise Refused(f"there is no action {', '.join(unknown)}; scopes are names of actions")
    if days is not None and not 0 < days <= 3660:
        raise Refused("a key may live for at most 3660 days, and for more than none")
    id = secrets.token_hex(4)
    secret = f"{PREFIX}{id}_{secrets.token_urlsafe(BYTES)}"
    expires = None if days is None else now + round(days * 86_400_000)
    key = Key(id, name, role, scopes, now, by, expires)
    with store.transaction():
        store.add_key(key, digest(secret))
        store.set_first(None)
    return New(key, secret)


def first(store: Store) -> str | None:
    """A new one-time token in place of the one before; None when somebody can come in already."""
    if store.closing():
        return None
    secret = FIRST + secrets.token_urlsafe(BYTES)
    store.set_first(digest(secret))
    return secret


def named(name: str) -> None:
    """Raises Refused unless a person or program may be called so."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise Refused(f"a name has 1 to {LONGEST_NAME} printable characters")
