"""A real engine behind a real server on a free port of loopback, in threads of the test's process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx

from api import bootstrap, settings
from api.commands.serve import Server, address, listening
from engine.ports import Clock
from tests.real.components import eventually

CATALOGUE = """\
entities:
  - id: shop
    kind: business_service
    tier: 1
    users: 500
    depends_on: [checkout]
  - id: checkout
    aliases: [checkout-api]
    owner: team-checkout
    depends_on: [db, {on: mail, semantics: async, buffer: 30m}]
  - {id: db, kind: database}
  - {id: mail}
  - {id: lab, scope: false}
"""


class Live:
    """The folder with the operator's files, and the server's address."""

    def __init__(self, folder: Path, url: str, app: Any = None, broken: list[BaseException] | None = None) -> None:
        self.broken = broken if broken is not None else []
        self.folder = folder
        self.app = app
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=20)

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON behind a path."""
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, *alerts: Mapping[str, Any]) -> httpx.Response:
        """Alerts as Prometheus sends them."""
        return self.client.post("/api/v2/alerts", json=list(alerts))

    def incident_of(self, service: str) -> dict[str, Any]:
        """The open incident of an entity, as soon as the engine has made up its mind."""

        def look() -> dict[str, Any]:
            found = self.get("/api/v1/incidents", entity=service)["items"]
            return next((one for one in found if not one["merged_into"] and one["cause"]), {})

        return eventually(look, f"an incident of {service}")


def alert(name: str, service: str, severity: str = "critical", **labels: str) -> dict[str, Any]:
    """One alert of API v2."""
    return {"labels": {"alertname": name, "service": service, "severity": severity, **labels}}


def write_files(folder: Path, extra: str = "", server: str = "port: 0", catalogue: str = CATALOGUE) -> Path:
    """A configuration; returns the settings file."""
    (folder / "catalogue").mkdir(parents=True, exist_ok=True)
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "catalogue" / "shop.yaml").write_text(catalogue, encoding="utf-8")
    config = folder / "headwater.yaml"
    config.write_text(f"server: {{{server}}}\n{extra}", encoding="utf-8")
    return config


@contextmanager
def live(
    folder: Path,
    extra: str = "",
    server: str = "port: 0",
    variables: Mapping[str, str] | None = None,
    *,
    clock: Clock = bootstrap.now,
    catalogue: str = CATALOGUE,
) -> Iterator[Live]:
    """Serve as `headwater serve` does, until the context ends; by this clock, with this catalogue."""
    environment = {"HEADWATER_BALLAST": "0", **(variables or {})}
    found = settings.load(write_files(folder, extra, server, catalogue), environment=environment)
    ready = threading.Event()
    broken: list[BaseException] = []
    with listening(found) as bound, bootstrap.engine(found, clock=clock, stopped=broken.append) as running:
        http = Server(running, ready.set)
        running.start()
        thread = threading.Thread(target=lambda: asyncio.run(http.serve([bound])))
        thread.start()
        try:
            assert ready.wait(20)
            world = Live(folder, address(found, bound), cast(Any, running.app).app.app, broken)
            eventually(lambda: httpx.get(f"{world.url}/readyz").status_code == 200, "the engine is ready")
            with world.client:
                yield world
        finally:
            http.end()
            thread.join(20)
    assert broken == []
