"""`headwater token create`: a new token, printed once, and the lines for `headwater.yaml`."""

from __future__ import annotations

import hashlib
import secrets

from api.access_settings import Role
from api.commands.console import DONE, Failed, say, warn

PREFIX = "hw_"
BYTES = 32
"""256 random bits: too many to guess, so a plain hash of them is enough."""


def create(name: str, role: str) -> int:
    """Print the token and its settings lines; only the hash is ever stored."""
    if role not in set(Role):
        raise Failed(f"there is no role {role!r}", f"use one of {', '.join(Role)}")
    token = PREFIX + secrets.token_urlsafe(BYTES)
    warn("The token, shown this once; keep it where the sender reads its secrets:")
    say(token)
    warn("\nPut this into headwater.yaml, then restart:\n")
    say("tokens:")
    say(f"  - name: {name}")
    say(f"    role: {role}")
    say(f"    sha256: {hashlib.sha256(token.encode()).hexdigest()}")
    return DONE
