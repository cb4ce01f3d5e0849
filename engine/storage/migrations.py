"""The migrations of a dialect: `migrations/NNNN_name.sql` in its package, in order, each with a checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec

from engine.errors import StoreCorrupt


class Migration(msgspec.Struct, frozen=True):
    """One step; ``checksum`` is the SHA-256 of its text, which must never change once released."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def of(package: str) -> list[Migration]:
    """The migrations that a package ships, in order."""
    folder = files(package).joinpath("migrations")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [Migration(int(file.name[:4]), file.name, file.read_text("utf-8")) for file in found]


def known(done: Mapping[int, tuple[str, str]], steps: Sequence[Migration], database: str) -> None:
    """What was applied, number -> (name, checksum), is among ``steps``. Raises `StoreCorrupt`."""
    ours = {step.number: step for step in steps}
    newer = sorted(name for number, (name, _) in done.items() if number not in ours)
    if newer:
        raise StoreCorrupt(
            f"{database} was written by a newer version of Headwater ({', '.join(newer)} is not known here). "
            "Start that version, or restore the backup made before the upgrade."
        )
    changed = sorted(step.name for number, step in ours.items() if number in done and done[number][1] != step.checksum)
    if changed:
        raise StoreCorrupt(
            f"{database} was made with another text of {', '.join(changed)}. It and the program do not belong "
            "together: install the release that it comes from."
        )
