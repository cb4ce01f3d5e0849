"""One engine per database: an advisory lock on a file beside it, released by the kernel when the process ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from engine.errors import StoreUnavailable


class Lock:
    """Holds `<database>.lock` from construction to `release`. Raises `StoreUnavailable` when another does."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}.lock")
        try:
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise StoreUnavailable(
                f"{database} is in use by another engine, which holds {path}. Stop that one, or give this one a "
                "database of its own."
            ) from error

    def release(self) -> None:
        """Let the next engine in. The file stays: removing it would let two in."""
        self._file.close()
