"""The roles of a cluster as processes on a real PostgreSQL and a real broker, with a receiver of tickets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg

from api.kafka.shards import ShardTopic
from ingest.kafka.topics import Topics
from tests.publish.receiver import Receiver
from tests.real.components import eventually, free_port

ROOT = Path(__file__).parents[2]
START = "import sys; from api.cli import main; sys.exit(main())"


class Process:
    """One role."""

    def __init__(self, stage: Stage, role: str, number: int, failpoints: str) -> None:
        self.role, self.port = role, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = [*role.split(), "-c", str(stage.settings), "--port", str(self.port)]
        self.log = stage.folder / f"{role.replace(' ', '-')}-{number}.log"
        self.name = f"{role}-{number}"
        named = {"PGAPPNAME": self.name}  # so that the database knows who wrote
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HEADWATER_FAILPOINTS": failpoints, **named}
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, *words], stdout=output, stderr=output, env=environment, cwd=stage.folder
            )

    def ready(self, seconds: float = 150.0) -> Self:
        eventually(self._answers, f"{self.role} is ready", seconds)
        return self

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def running(self) -> bool:
        """Has it not ended?"""
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, seconds: float = 30.0) -> int:
        """In good order; its exit code."""
        if self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.role} does not end: {self.log.read_text()[-3000:]}") from None

    @property
    def gone(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()


class Stage:
    """Everything but the processes; ended with them."""

    def __init__(
        self, folder: Path, dsn: str, broker: str, receiver: Receiver | None, *, shards: int = 4, session: float = 6.0,
        name: str = "headwater", more: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.receiver, self.dsn, self.shards = folder, receiver, dsn, shards
        self.processes: list[Process] = []
        brokers, self.topic = broker.split(","), f"{name}.shards"
        declared = ShardTopic(bootstrap=tuple(brokers), shards=shards, topic=self.topic)
        topics = Topics(declared.given())
        topics.create([one.wanted() for one in declared.declared()])
        topics.close()
        self.settings = folder / "headwater.yaml"
        hooks = [] if receiver is None else [{
            "name": "desk", "url": f"http://127.0.0.1:{receiver.server_address[1]}/desk", "audiences": ["tickets"],
            "allow_private": True,
        }]  # fmt: skip
        self.settings.write_text(json.dumps({
            "store": dsn, "snapshot": 5,
            "cluster": {
                "bootstrap": brokers, "shards": shards, "session_timeout": session, "topic": self.topic,
                "group": f"{name}-work",
            },
            "sinks": {"webhooks": hooks}, **(more or {}),
        }), encoding="utf-8")  # fmt: skip
        (folder / "catalogue").mkdir()
        (folder / "rules").mkdir()

    def catalogue(self, content: dict[str, Any]) -> None:
        """The topology."""
        (self.folder / "catalogue" / "all.yaml").write_text(json.dumps(content), encoding="utf-8")

    def rules(self, content: dict[str, Any]) -> None:
        """The rules."""
        (self.folder / "rules" / "all.yaml").write_text(json.dumps(content), encoding="utf-8")

    def start(self, role: str, failpoints: str = "") -> Process:
        """One more process; it need not be ready."""
        made = Process(self, role, len(self.processes), failpoints)
        self.processes.append(made)
        return made

    def epochs(self) -> dict[int, int]:
        """By shard: how often it has had an owner."""
        with psycopg.connect(self.dsn) as connection:
            return dict(connection.execute("SELECT shard, epoch FROM headwater.owners").fetchall())

    def opened(self) -> list[dict[str, Any]]:
        """The tickets that were opened."""
        got = [] if self.receiver is None else self.receiver.got
        bodies = [json.loads(one.body) for one in got if one.path == "/desk"]
        return [one for one in bodies if one.get("type") == "incident.open"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self.processes:
            if kind is not None:
                print(f"--- {one.role}\n{one.log.read_text()[-4000:]}")
            if one._process.poll() is None:
                one.kill()
