"""The console's own scripts, style and icon: read once from the package; nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Static(NamedTuple):
    """A file as it is sent."""

    content: bytes
    type: str
    tag: str


@cache
def static_files() -> dict[str, Static]:
    """All of them, by name."""
    found = {}
    for entry in files("api.console").joinpath("static").iterdir():
        kind = TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None:
            content = entry.read_bytes()
            found[entry.name] = Static(content, kind, f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"')
    return found
