"""Every thread of every role of a cluster is watched, and said to be when somebody asks."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from api import settings
from api.commands.roles import ROLES
from api.watchdog import Watchdog
from tests.real.components import eventually

pytestmark = pytest.mark.real("postgres")

NOT_LOOPS = ("AnyIO", "asyncio_", "kafka-python", "MainThread", "pytest", "probe_")
OF_EACH = {
    "api": {"follow", "disk", "intake-http", "kafka-producer", "stream", "watchdog"},
    "ingest": {"follow", "disk", "intake-http", "intake-kafka:shop", "kafka-producer", "stream", "watchdog"},
    "publish": {
        "follow", "disk", "intake-http", "kafka-producer", "watchdog", "prober", "publish-log", "publish-leases",
    },
    "work": {"worker", "kafka-producer", "watchdog"},
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_thread_of_a_role_is_watched(
    role: str, tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dogs: list[Watchdog] = []
    begin = Watchdog.start

    def start(self: Watchdog) -> None:
        dogs.append(self)
        begin(self)

    monkeypatch.setattr(Watchdog, "start", start)
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "rules").mkdir()
    nowhere = {"bootstrap": ["127.0.0.1:9"]}
    config = tmp_path / "headwater.yaml"
    config.write_text(json.dumps({
        "store": postgres_dsn, "cluster": nowhere, "sinks": {"log": True},
        "kafka": [{"name": "shop", "group": "headwater", "topics": ["alerts"], **nowhere}],
    }), encoding="utf-8")  # fmt: skip
    found = settings.load(config, environment={"HEADWATER_BALLAST": "0"})
    before = set(threading.enumerate())
    with ROLES[role](found) as running:
        running.start()
        (dog,) = dogs
        watched = {one.loop.name for one in dog.watched}
        assert watched == OF_EACH[role]

        def unwatched() -> set[str]:
            begun = {one.name for one in set(threading.enumerate()) - before}
            return {name for name in begun - watched if not name.startswith(NOT_LOOPS)}

        eventually(lambda: not unwatched(), f"all threads are watched, not {unwatched()}", 5)
        standing = {one.loop.name for one in dog.watched if one.trouble()} - {"stream"}
        assert not standing  # the stream begins with the server
