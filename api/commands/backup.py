"""`headwater backup`: copies of the store, made while it runs, and proof that they are whole."""

from __future__ import annotations

from pathlib import Path

from api import settings, stores
from api.commands.console import DONE, Failed, say


def make(file: Path, config: Path | None, data: Path | None) -> int:
    """Copy, verify, and say what the copy holds."""
    kept = settings.kept(config, data)
    if kept.address:
        raise Failed("PostgreSQL is copied by its own means", "docs/storage.md says how")
    say(stores.copied(kept.folder, file))
    return DONE


def verify(file: Path) -> int:
    """Say what the copy holds."""
    say(stores.copied(None, file))
    return DONE
