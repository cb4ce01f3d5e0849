"""The part of the command line about recoveries: `headwater recovery report` and `headwater recovery period`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

recovery = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Reports of recoveries.")

Url = Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")]
Token = Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Data = Annotated[Path | None, typer.Option(help="A data folder, read without a server.")]
Form = Annotated[str, typer.Option("--format", "-f", help="csv, json, html or md.")]
Out = Annotated[Path | None, typer.Option(help="Write to a file.")]


@recovery.command(epilog="Example: headwater recovery report INC-42 --format html --out INC-42.html")
def report(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT")],
    table: Annotated[list[str] | None, typer.Option(help="summary, ratios, samples (repeat it).")] = None,
    form: Form = "md",
    out: Out = None,
    url: Url = None,
    token: Token = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Tables of what an incident's indicators showed before and after."""
    from api.commands import recovery as command

    raise typer.Exit(command.report(incident, table or [], command.Asked(url, token, config, data, form, out)))


@recovery.command(epilog="Example: headwater recovery period --from 2026-03-01T00:00:00Z --format csv")
def period(
    since: Annotated[str, typer.Option("--from", help="Start (default: 30 days before the end).")] = "",
    until: Annotated[str, typer.Option("--to", help="End (default: now).")] = "",
    form: Form = "md",
    out: Out = None,
    url: Url = None,
    token: Token = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """How the incidents of a period were closed, and how long their proof took."""
    from api.commands import recovery as command

    raise typer.Exit(command.period(since, until, command.Asked(url, token, config, data, form, out)))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(recovery, name="recovery")
