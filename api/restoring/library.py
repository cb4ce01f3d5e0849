"""Where playbooks are read from: the folder of the settings, or the repository that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.files import Declared
from api.restoring.repository import Repository
from api.settings import Settings
from engine.ports import Clock


def repository(settings: Settings, clock: Clock) -> Repository | None:
    """The repository that the settings name; None: there is a folder."""
    declared = settings.restoring.repository
    return None if declared is None else Repository(declared, settings.data / "playbooks.git", clock)


def books(settings: Settings, clock: Clock) -> Path | Callable[[], Declared]:
    """What `api.files.load` reads playbooks from. A repository is looked at each time."""
    found = repository(settings, clock)
    if found is None:
        return settings.playbooks

    def read() -> Declared:
        declared = found.books()
        return declared.policy, declared.findings

    return read
