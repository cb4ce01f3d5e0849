"""The roles of a cluster on the command line, beside `headwater serve`, which is all of them in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli_publish import publish

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (default: from the settings).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (default: from the settings).")]


def ingest(config: Config = None, host: Host = None, port: Port = None) -> None:
    """Take input over HTTP and from raw topics, and divide it among the shards of a cluster."""
    _run("ingest", config, host, port)


def work(config: Config = None, host: Host = None, port: Port = None) -> None:
    """Own shards of a cluster: decide, and store what was decided. HTTP answers health and metrics only."""
    _run("work", config, host, port)


def api(config: Config = None, host: Host = None, port: Port = None) -> None:
    """Answer questions and take commands for a cluster; bring catalogue and rules into force in it."""
    _run("api", config, host, port)


def deliver(config: Config = None, host: Host = None, port: Port = None) -> None:
    """Send what a cluster has to tell, and take in what people do in tickets. HTTP answers health and metrics only."""
    _run("publish", config, host, port)


def add_to(app: typer.Typer) -> None:
    """Add them to the command line."""
    for command in (ingest, work, api):
        name = command.__name__
        app.command(name, epilog=f"Example: headwater {name} -c cluster.yaml --port 8081")(command)
    publish.command("run", epilog="Example: headwater publish run -c cluster.yaml --port 8083")(deliver)


def _run(role: str, config: Path | None, host: str | None, port: int | None) -> None:
    from api.commands import roles

    raise typer.Exit(roles.run(role, config, host, port))
