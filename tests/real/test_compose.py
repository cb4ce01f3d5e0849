"""docker-compose.yml, each of its services that exists as a local program run as it says there, all of them together.

Commands, environments and health checks are the file's own; only names of hosts and paths of containers are replaced.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.real.components import Child, eventually, free_port
from tests.real.kafka.brokers import Cluster
from tests.real.postgres import Postgres

pytestmark = [
    pytest.mark.real("postgres", "apache-kafka", "roundup", "prometheus", "alertmanager"),
    pytest.mark.timeout(300),
]

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "headwater")
ROLES = ("work", "ingest", "publish", "api")


class Stack:
    """The services that run, and where each listens: ``places`` by the address in the file."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self.folder = folder
        self.services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
        subprocess.run([folder / "deploy" / "prepare"], check=True, capture_output=True)
        self.secrets = folder / "deploy" / "secrets"
        self.token = (self.secrets / "token").read_text()
        names = ("ingest:8666", "api:8666", "tickets:8080", "alertmanager:9093", "prometheus:9090")
        self.places = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.ports = {role: free_port() for role in ROLES}
        self.ports |= {role: int(self.places[f"{role}:8666"].split(":")[1]) for role in ("ingest", "api")}
        self.places |= {"kafka:9092": broker, "postgresql://headwater@postgres:5432/headwater": database}
        self.places |= {"/run/secrets/": f"{self.secrets}/"}
        shutil.copytree(folder / "deploy" / "catalogue", self.secrets / "catalogue")
        self.placed(self.secrets / "headwater.yaml")
        self.running: dict[str, Child] = {}

    def placed(self, file: Path) -> Path:
        """The file, with the places of this machine."""
        text = file.read_text(encoding="utf-8")
        for name, place in self.places.items():
            text = text.replace(name, place)
        file.write_text(text, encoding="utf-8")
        return file

    def environment(self, service: str) -> dict[str, str]:
        """What the file gives a service, on this machine."""
        declared: Mapping[str, str] = self.services[service]["environment"]
        (file,) = self.services[service]["env_file"]
        lines = (self.folder / file).read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines) | dict(declared)
        assert given["HEADWATER_CONFIG"] == "/etc/headwater/headwater.yaml"
        given |= {"HEADWATER_CONFIG": str(self.secrets / "headwater.yaml"), "HEADWATER_HOST": "127.0.0.1"}
        data = self.folder / service
        return {**os.environ, **given, "HEADWATER_DATA": str(data), "HEADWATER_PORT": str(self.ports.get(service, 0))}

    def role(self, name: str) -> Child:
        """A role of Headwater, alive."""
        url = f"http://127.0.0.1:{self.ports[name]}/healthz"
        command = [PROGRAM, *self.services[name]["command"]]
        return Child(command, url, self.folder / f"{name}.log", self.environment(name), seconds=90)

    def ready(self, name: str) -> bool:
        """Does it take its work?"""
        return httpx.get(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=5).status_code == 200

    def healthy(self, name: str) -> bool:
        """What the file's health check says of a role."""
        kind, *check = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        here = [part.replace("127.0.0.1:8666", f"127.0.0.1:{self.ports[name]}") for part in check]
        return subprocess.run([sys.executable, *here[1:]], check=False, capture_output=True).returncode == 0

    def get(self, path: str) -> Any:
        answer = httpx.get(
            f"http://{self.places['api:8666']}/api/v1/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, apache_kafka: Cluster) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    with ExitStack() as running:
        made = Stack(folder, running.enter_context(postgres.database()), apache_kafka.address)

        def run(child: Child) -> None:
            running.callback(child.stop)

        port = made.places["tickets:8080"].split(":")[1]
        tracker = [
            sys.executable,
            str(ROOT / "deploy" / "tickets" / "tracker.py"),
            str(folder / "tracker"),
            port,
            "127.0.0.1",
        ]
        given = {
            "TICKETS_PASSWORD_FILE": str(made.secrets / "tickets"),
            "TICKETS_URL": f"http://{made.places['tickets:8080']}",
        }
        run(Child(tracker, f"http://{made.places['tickets:8080']}/", folder / "tracker.log", given, seconds=60))
        topics = subprocess.run(
            [PROGRAM, *made.services["topics"]["command"]], env=made.environment("topics"), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert topics.returncode == 0, topics.stdout + topics.stderr
        for role in ROLES:
            made.running[role] = made.role(role)
            run(made.running[role])
        for role in ROLES:
            eventually(partial(made.ready, role), f"{role} is ready", 90)
        run(alertmanager(made))
        run(prometheus(made))
        yield made


def alertmanager(stack: Stack) -> Child:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program is not None
    config = stack.placed(stack.folder / "deploy" / "alertmanager" / "alertmanager.yml")
    place = stack.places["alertmanager:9093"]
    arguments = [f"--config.file={config}", f"--storage.path={stack.folder / 'alerts'}", "--cluster.listen-address="]
    return Child(
        [program, *arguments, f"--web.listen-address={place}"], f"http://{place}/-/ready", stack.folder / "am.log"
    )


def prometheus(stack: Stack) -> Child:
    program = shutil.which("prometheus")
    assert program is not None
    config = stack.placed(stack.folder / "deploy" / "prometheus" / "prometheus.yml")
    text = config.read_text(encoding="utf-8").replace("15s", "1s")
    targets = [f"127.0.0.1:{port}" for port in stack.ports.values()]
    begin, end = text.index("    dns_sd_configs"), text.index("alerting:")
    config.write_text(f"{text[:begin]}    static_configs: [{{targets: {targets}}}]\n{text[end:]}", encoding="utf-8")
    rules = config.with_name("headwater.rules.yml")
    rules.write_text(rules.read_text(encoding="utf-8").replace("for: 1m", "for: 2s"), encoding="utf-8")
    place = stack.places["prometheus:9090"]
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={stack.folder / 'tsdb'}",
        "--rules.alert.resend-delay=5s",
    ]
    return Child(
        [program, *arguments, f"--web.listen-address={place}"], f"http://{place}/-/ready", stack.folder / "p.log"
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_healthy_by_the_files_own_check(stack: Stack, role: str) -> None:
    assert stack.healthy(role)


def test_the_smoke_script_sees_one_incident_with_a_ticket(stack: Stack) -> None:
    given = {f"HEADWATER_{name.upper()}": f"http://{stack.places[f'{name}:8666']}" for name in ("ingest", "api")}
    done = subprocess.run(
        [stack.folder / "deploy" / "smoke", "150"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one incident, with a ticket" in done.stdout


def test_prometheus_scrapes_every_role(stack: Stack) -> None:
    url = f"http://{stack.places['prometheus:9090']}/api/v1/query"

    def up() -> bool:
        found = httpx.get(url, params={"query": 'sum(up{job="headwater"})'}).json()["data"]["result"]
        return bool(found) and found[0]["value"][1] == str(len(ROLES))

    eventually(up, "all roles are scraped with the token", 60)


def test_an_alarm_of_the_bundled_rules_becomes_an_incident(stack: Stack) -> None:
    stack.running["publish"].stop()

    def told() -> list[Any]:
        items = stack.get("alerts?name=HeadwaterDown")["items"]
        return [one for one in items if one["incident"]]

    (found,) = eventually(told, "HeadwaterDown is an alert of an incident", 90)
    assert found["labels"]["instance"] == f"127.0.0.1:{stack.ports['publish']}"
    assert found["incident"] in {one["id"] for one in stack.get("incidents?limit=50")["items"]}
