"""Headwater under measurement: ``headwater serve`` on its embedded defaults (SQLite, FULL), on one core."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.alerts import SERVICES, SERVICES_EACH, service
from bench.process import Server, free_port

PATH = "/api/v2/alerts"
STORM_SERVICES = 500
HIDDEN = ("db-orders", "svc-orders-0", "svc-orders-1", "svc-orders-2")


def catalogue() -> str:
    """Fifty databases with ten services each, every one a domain of its own; five hundred services in one domain (all
    need the same identity provider); a switch with 500 leaves and a database with three services, in that domain too.
    """
    lines = ["entities:", "  - {id: identity}", "  - {id: switch-7, kind: network_device}"]
    lines += [f"  - {{id: db-{n:02}, kind: database}}" for n in range(SERVICES // SERVICES_EACH)]
    lines += [f"  - {{id: joined-db-{n:02}, kind: database}}" for n in range(SERVICES // SERVICES_EACH)]
    for n in range(SERVICES):
        database = f"db-{n // SERVICES_EACH:02}"
        lines.append(f"  - {{id: {service(n)}, depends_on: [{{on: {database}}}]}}")
        lines.append(f"  - {{id: joined-{service(n)}, depends_on: [{{on: joined-{database}}}, {{on: identity}}]}}")
    lines += [
        f"  - {{id: leaf-{n:03}, depends_on: [{{on: switch-7}}, {{on: identity}}]}}" for n in range(STORM_SERVICES)
    ]
    lines.append(f"  - {{id: {HIDDEN[0]}, kind: database, depends_on: [{{on: identity}}]}}")
    lines += [f"  - {{id: {name}, depends_on: [{{on: {HIDDEN[0]}}}, {{on: identity}}]}}" for name in HIDDEN[1:]]
    return "\n".join(lines) + "\n"


def start(folder: Path, sink: int, group_wait: str = "30s") -> Server:
    """A fresh Headwater that notifies 127.0.0.1:``sink``."""
    for name in ("catalogue", "rules"):
        (folder / name).mkdir(parents=True)
    (folder / "catalogue" / "catalogue.yaml").write_text(catalogue())
    (folder / "rules" / "rules.yaml").write_text(f"correlation: {{group_wait: {group_wait}}}\n")
    config = folder / "headwater.yaml"
    config.write_text(
        "data: data\ncatalogue: catalogue\nrules: rules\nlimits: {body: 8388608}\nsinks:\n  log: false\n  webhooks:\n"
        f"    - {{name: bench, url: 'http://127.0.0.1:{sink}/hook', allow_private: true, audiences: [tickets]}}\n"
    )
    port = free_port()
    program = str(Path(sys.executable).parent / "headwater")
    command = [program, "serve", "--config", str(config), "--port", str(port)]
    return Server(command, port, "/readyz", folder / "log")
