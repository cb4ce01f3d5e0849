"""The part of the command line about continuity: playbooks, duty, readiness, how an incident is worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

continuity = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Playbooks, duty, readiness, reviews.")

Url = Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")]
Token = Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of an incident.")]


@continuity.command(epilog="Example: headwater continuity playbooks")
def playbooks(url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """List the playbooks in force and what speaks against each."""
    from api.commands import continuity as command

    raise typer.Exit(command.playbooks(url, token, config, as_json=as_json))


@continuity.command(epilog="Example: headwater continuity duty")
def duty(url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """Say who is on duty and whom to call outside, with gaps and double bookings; exit code 1 if there are any."""
    from api.commands import continuity as command

    raise typer.Exit(command.duty(url, token, config, as_json=as_json))


@continuity.command(epilog="Example: headwater continuity readiness --json")
def readiness(url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """Say what is overdue between incidents, and the figures of readiness."""
    from api.commands import continuity as command

    raise typer.Exit(command.readiness(url, token, config, as_json=as_json))


@continuity.command(epilog="Example: headwater continuity situation INC-42")
def situation(id: Incident, url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """Print the situation report of an incident, to read out in a briefing."""
    from api.commands import continuity as command

    raise typer.Exit(command.situation(id, url, token, config, as_json=as_json))


@continuity.command(epilog="Example: headwater continuity report INC-42 > review.md")
def report(id: Incident, url: Url = None, token: Token = "", config: Config = None, as_json: Json = False) -> None:
    """Print the report for the review of an incident, as Markdown."""
    from api.commands import continuity as command

    raise typer.Exit(command.report(id, url, token, config, as_json=as_json))


@continuity.command(epilog="Example: headwater continuity governance --from 2026-07-01 --to 2026-09-30 -o q3.pdf")
def governance(
    first: Annotated[str, typer.Option("--from", help="First day (UTC); default: 90 days up to the last.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day (UTC), which is over; default: yesterday.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file ending in html, pdf, csv or json.")
    ] = None,
    url: Url = None,
    token: Token = "",
    config: Config = None,
) -> None:
    """Write the report of a period for governance, by service and by regime."""
    from api.commands import governance as command

    raise typer.Exit(command.run(first, last, output, url, token, config))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(continuity, name="continuity")
