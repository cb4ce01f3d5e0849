from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent.parent / "data" / "captures"


@pytest.fixture(scope="session")
def capture() -> Callable[[str], bytes]:
    """The bytes of a recorded payload, by its path under tests/data/captures."""
    return lambda name: (CAPTURES / name).read_bytes()
