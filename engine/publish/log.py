"""Publications as JSON lines in a file, each on disk before it counts as published.

Idempotent: the keys that the file already holds are read at the start, and a line that a crash cut short is
ended, so that it stands alone and its publication is written again.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import IO

import msgspec

from engine.errors import SinkError
from engine.publish.rendering import business, technical
from engine.sending import OutboxRow, Receipt


class _Line(msgspec.Struct):
    key: str


class Log:
    """A sink that appends one line per publication to ``path``, created with its folder's permissions."""

    idempotent = True

    def __init__(self, name: str, path: Path, audiences: frozenset[str]) -> None:
        self.name = name
        self.audiences = audiences
        self._lock = threading.Lock()
        self._path = path
        self._file: IO[bytes] = path.open("ab")
        self._keys: set[str] = set()
        self._scan()

    def _scan(self) -> None:
        torn = False
        with self._path.open("rb") as lines:
            for line in lines:
                torn = not line.endswith(b"\n")
                try:
                    self._keys.add(msgspec.json.decode(line, type=_Line).key)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
        if torn:
            self._file.write(b"\n")
            self._file.flush()

    def send(self, row: OutboxRow) -> Receipt:
        """Append the line and wait until it is on disk; a key that is there already is left alone."""
        publication = row.publication
        line = msgspec.json.encode(
            {
                "key": publication.key,
                "created_at": publication.created_at,
                "action": publication.action,
                "audience": publication.audience,
                "incident": publication.incident,
                "revision": publication.revision,
                "technical": technical(publication),
                "business": business(publication),
            }
        )
        with self._lock:
            if publication.key not in self._keys:
                self._append(line + b"\n")
                self._keys.add(publication.key)
        return Receipt(publication.key)

    def _append(self, line: bytes) -> None:
        """All of the line or none: what a full disk cut short is taken back."""
        start = os.fstat(self._file.fileno()).st_size
        try:
            os.write(self._file.fileno(), line) == len(line) or self._short()
            os.fsync(self._file.fileno())
        except OSError as error:
            os.ftruncate(self._file.fileno(), start)
            raise SinkError(f"{self._path.name}: {error.strerror or error}") from error

    @staticmethod
    def _short() -> None:
        raise OSError("the disk is full")

    def close(self) -> None:
        """Release the file."""
        self._file.close()
