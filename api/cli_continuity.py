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


@continuity.command(epilog="Example: headwater continuity run INC-42 promote --dry-run")
def run(
    id: Incident,
    task: Annotated[str, typer.Argument(metavar="STEP", help="Id of an automated step.")],
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    url: Url = None,
    token: Token = "",
    config: Config = None,
) -> None:
    """Carry out an automated step of the playbook under way, and wait for its outcome; exit code 1 if it fails."""
    from api.commands import restoring as command

    raise typer.Exit(command.run(id, task, url, token, config, dry=dry))


@continuity.command(epilog="Example: headwater continuity fetch")
def fetch(url: Url = None, token: Token = "", config: Config = None) -> None:
    """Look for newer playbooks in their repository; exit code 1 where something is wrong or doubtful."""
    from api.commands import restoring as command

    raise typer.Exit(command.fetch(url, token, config))


@continuity.command(epilog="Example: headwater continuity propose INC-42 orders-db-lost --out change.patch")
def propose(
    id: Incident,
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="Id of a playbook.")],
    out: Annotated[Path | None, typer.Option(help="File for the change as a patch.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    url: Url = None,
    token: Token = "",
    config: Config = None,
) -> None:
    """Turn what was done otherwise than a playbook says into a branch of its repository, for somebody to review."""
    from api.commands import restoring as command

    raise typer.Exit(command.propose(id, playbook, out, reason, url, token, config))


bundle = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Sealed copies of what is known of an incident.")
continuity.add_typer(bundle, name="bundle")


@bundle.command(epilog='Example: headwater continuity bundle export INC-42 --reason "for the regulator"')
def export(
    id: Incident,
    reason: Annotated[str, typer.Option(help="Why it is taken along.")],
    out: Annotated[Path | None, typer.Option(help="File to write (default: INCIDENT.zip).")] = None,
    url: Url = None,
    token: Token = "",
    config: Config = None,
) -> None:
    """Seal everything known of an incident into a file. That it was done is in the timeline and in the trail."""
    from api.commands import restoring as command

    raise typer.Exit(command.export(id, out or Path(f"{Path(id).name}.zip"), reason, url, token, config))


@bundle.command(epilog="Example: headwater continuity bundle verify INC-42.zip --seal 5c1e…")
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A bundle.")],
    seal: Annotated[str, typer.Option(help="The seal as it was kept elsewhere.")] = "",
) -> None:
    """Say whether a bundle is as it was sealed, without any server; exit code 1 if not, with all that was changed."""
    from api.commands import restoring as command

    raise typer.Exit(command.check(file, seal))


@bundle.command("list", epilog="Example: headwater continuity bundle list INC-42")
def list_(id: Incident, url: Url = None, token: Token = "", config: Config = None) -> None:
    """List the bundles of an incident that are kept."""
    from api.commands import restoring as command

    raise typer.Exit(command.listed(id, url, token, config))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(continuity, name="continuity")
