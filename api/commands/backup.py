"""`headwater backup`: copies of the store, made while it runs, and proof that they are whole."""

from __future__ import annotations

from pathlib import Path

from api import bootstrap, settings
from api.commands.console import DONE, say


def make(file: Path, config: Path | None, data: Path | None) -> int:
    """Copy, verify, and say what the copy holds."""
    say(bootstrap.copied(data or settings.load(config).data, file))
    return DONE


def verify(file: Path) -> int:
    """Say what the copy holds."""
    say(bootstrap.copied(None, file))
    return DONE
