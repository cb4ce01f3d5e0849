"""The part of the command line about publications: `headwater publish …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

publish = typer.Typer(rich_markup_mode=None, help="Publications: try a sink out, and see what is or would be sent.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
DataDir = Annotated[Path | None, typer.Option("--data", help="Data folder (default: from the settings).")]
Only = Annotated[str, typer.Option("--sink", help="Of this sink only.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


@publish.callback(invoke_without_command=True, epilog="Example: headwater publish --dry-run --sink noc-mail")
def waiting(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what waits to be sent; sends nothing.")] = False,
    sink: Only = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Try a sink out, and see what is or would be sent. `serve` alone publishes."""
    if context.invoked_subcommand is not None:
        return
    if not dry_run:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    from api.commands import publish as command

    raise typer.Exit(command.waiting(command.Asked(sink, config, data), as_json=as_json))


@publish.command("test", epilog="Example: headwater publish test noc-mail")
def try_out(
    name: Annotated[str, typer.Argument(metavar="SINK", help="Name of a sink in the settings.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent; sends nothing.")] = False,
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Send a publication that says that it is a test, past the same guard as all others; 1 when it is not taken."""
    from api.commands import publish as command

    raise typer.Exit(command.test(command.Asked(name, config, data), dry_run=dry_run, as_json=as_json))


@publish.command(epilog="Examples: headwater publish show INC-42; headwater publish show INC-42 --sink noc-mail")
def show(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of an incident.")],
    sink: Only = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Print the exact text that each sink gets of an incident's latest publications; sends nothing."""
    from api.commands import publish as command

    raise typer.Exit(command.show(command.Asked(sink, config, data), incident, as_json=as_json))


@publish.command(epilog="Example: headwater publish redrive 17")
def redrive(
    id: Annotated[int, typer.Argument(metavar="ID", help="Id of a dead row of the outbox.", min=1)],
    url: Annotated[str | None, typer.Option(help="Address of the server (default: from the settings).")] = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token, where the server asks for one.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a running server send a dead publication again; 1 when there is no such dead one."""
    from api.commands import publish as command

    raise typer.Exit(command.redrive(id, url, token, config, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(publish, name="publish")
