"""A file that takes up room, to be given up when the disk is full: what must still be written then has a place."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class Ballast:
    """``size`` bytes at ``path``, allocated but never written."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self.size = path, size

    @property
    def held(self) -> bool:
        """Whether it is there, whole."""
        try:
            return self._path.stat().st_size >= self.size
        except OSError:
            return False

    def take(self) -> bool:
        """Allocate it; False when there is no room, or the file system cannot."""
        if self.size == 0 or self.held:
            return self.held
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self.size)
        except OSError:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        """Let others have the room."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
