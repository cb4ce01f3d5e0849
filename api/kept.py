"""Where an engine keeps its state: a file of SQLite in a folder, or a database of PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from api.findings import Finding, Wrong

DATABASE = "headwater.db"


@dataclass(frozen=True)
class Kept:
    """The file in ``folder``, unless there is an ``address`` of PostgreSQL, which goes with its ``password``."""

    folder: Path
    address: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def file(self) -> Path:
        """The file of SQLite."""
        return self.folder / DATABASE

    @property
    def there(self) -> bool:
        """Whether it is worth opening for reading; a server says by itself when it holds nothing."""
        return bool(self.address) or self.file.exists()

    def __str__(self) -> str:
        """For messages; an address may hold a secret."""
        return "the PostgreSQL of the settings" if self.address else str(self.folder)


def password_in(file: Path | None) -> str:
    """The password of a file that holds nothing else; of no file: none. Raises Wrong."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Wrong([Finding(str(file), 0, f"store_password_file: cannot be read: {reason}")]) from None
