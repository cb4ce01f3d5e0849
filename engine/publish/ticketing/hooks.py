"""What a ticketing system's web hook says: which ticket to look at, and nothing else is believed of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

Said = TypeVar("Said")


def hinted(body: bytes, kind: type[Said], id: Callable[[Said], int | str], allowed: re.Pattern[str]) -> str:
    """The id in a body of this kind; empty where it has none of the form that is ``allowed``."""
    try:
        found = str(id(msgspec.json.decode(body, type=kind)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return found if allowed.fullmatch(found) else ""
