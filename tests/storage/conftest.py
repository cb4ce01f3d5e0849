"""A SQLite store in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.storage.sqlite import SqliteStore
from tests.storage.made import SINKS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "headwater.db"


@pytest.fixture
def store(path):
    made = SqliteStore(path, SINKS)
    yield made
    made.close()
