"""Forensic bundles on disk: made, listed, and forgotten once nobody has to keep them any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from api.restoring.schemas import BundleOf
from api.restoring.sealing import Header, manifest_of, seal
from api.version import installed
from engine.ports import Clock

DAY = 86_400_000


class Bundles:
    """Those in a folder; ``days`` is how long each is kept."""

    def __init__(self, folder: Path, days: float, clock: Clock) -> None:
        self._folder, self._kept, self._clock = folder, round(days * DAY), clock

    def make(self, incident: str, by: str, reason: str, files: Mapping[str, bytes]) -> tuple[BundleOf, Path]:
        """Seal what was gathered, and keep it. Raises OSError."""
        self.forget()
        previous = next((one.seal for one, _ in reversed(list(self._of(incident)))), "")
        now = self._clock()
        header = Header(
            incident=incident, made_at=now, made_by=by, reason=reason, version=installed(), previous=previous
        )
        content, manifest = seal(header, files)
        path = self._home(incident) / f"{now}-{manifest.seal[:16]}.zip"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        waiting = path.with_suffix(".part")
        waiting.touch(mode=0o600)
        waiting.write_bytes(content)
        waiting.replace(path)
        return self._shown(path), path

    def listed(self, incident: str) -> list[BundleOf]:
        """Those of an incident, oldest first."""
        return [one for one, _ in self._of(incident)]

    def count(self) -> int:
        """How many there are, of all incidents."""
        return sum(1 for _ in self._folder.glob("*/*.zip"))

    def forget(self) -> int:
        """Remove those whose time is over; how many that were."""
        over = [path for path in self._folder.glob("*/*.zip") if _made(path) + self._kept <= self._clock()]
        for path in over:
            path.unlink(missing_ok=True)
        return len(over)

    def _of(self, incident: str) -> Iterator[tuple[BundleOf, Path]]:
        for path in sorted(self._home(incident).glob("*.zip"), key=_made):
            try:
                yield self._shown(path), path
            except (ValueError, OSError):
                continue  # not one of ours, or damaged: the verifier says more

    def _home(self, incident: str) -> Path:
        """A stranger's text is no path."""
        return self._folder / quote(incident, safe="").replace(".", "%2E")

    def _shown(self, path: Path) -> BundleOf:
        with path.open("rb") as file:
            found = manifest_of(file)
        header = found.header
        return BundleOf(
            incident=header.incident,
            made_at=header.made_at,
            made_by=header.made_by,
            reason=header.reason,
            seal=found.seal,
            previous=header.previous,
            files=len(found.files),
            size=path.stat().st_size,
            until=header.made_at + self._kept,
        )


def _made(path: Path) -> int:
    text = path.name.partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() else 1 << 60
