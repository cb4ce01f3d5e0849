"""One server per test module: what it remembers from test to test does no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.live import Live, live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("live")) as served:
        yield served
