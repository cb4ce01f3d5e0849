"""The part of the command line about probes: `headwater probes` and `headwater probe run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

probe = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Probes and data checks, one at a time.")

Url = Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")]
Token = Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


@probe.command(epilog="Example: headwater probe run shop-front")
def run(
    id: Annotated[str, typer.Argument(metavar="ID", help="A probe or data check of the rules.")],
    url: Url = None,
    token: Token = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a running server make a probe or data check now; exit code 1 unless it passes."""
    from api.commands import probes as command

    raise typer.Exit(command.run(id, url, token, config, as_json=as_json))


def probes(url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """List the probes and data checks of a running server with what they last found."""
    from api.commands import probes as command

    raise typer.Exit(command.listed(url, token, config, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(probe, name="probe")
    app.command(epilog="Examples: headwater probes; headwater probes --json")(probes)
