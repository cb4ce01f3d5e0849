"""The part of the command line about access: `headwater key`, `user`, `trail` and `erase`, on the data itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

key = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys of programs and people.")
user = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="People who log in with a password.")
trail = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The record of what was changed and denied.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: from the settings).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
ROLES = "viewer, responder, operator, admin, auditor or ingest."


@key.command("create", epilog="Example: headwater key create prometheus --role ingest --days 365")
def key_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")],
    role: Annotated[str, typer.Option(help=ROLES)] = "viewer",
    scope: Annotated[list[str] | None, typer.Option(help="An action to narrow it to; may be repeated.")] = None,
    days: Annotated[float | None, typer.Option(help="Until it expires (default: never).")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make an API key: printed once, stored only as a hash. A running server takes it at once."""
    from api.commands import access as command

    raise typer.Exit(command.create_key(config, data, name, role, tuple(scope or ()), days))


@key.command("list", epilog="Example: headwater key list --json")
def key_list(config: Config = None, data: Data = None, as_json: Json = False) -> None:
    """List the keys: id, name, role, when they expire and were last used."""
    from api.commands import access as command

    raise typer.Exit(command.list_keys(config, data, as_json=as_json))


@key.command("revoke", epilog="Example: headwater key revoke 5f0c2a91")
def key_revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `headwater key list` shows it.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let a key open nothing any more; a running server knows within a second."""
    from api.commands import access as command

    raise typer.Exit(command.revoke_key(config, data, id))


@user.command("add", epilog="Example: headwater user add ann --role responder")
def user_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Under which the person logs in.")],
    role: Annotated[str, typer.Option(help=ROLES)] = "viewer",
    config: Config = None,
    data: Data = None,
) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    from api.commands import access as command

    raise typer.Exit(command.add_user(config, data, name, role))


@user.command("list", epilog="Example: headwater user list")
def user_list(config: Config = None, data: Data = None, as_json: Json = False) -> None:
    """List the people who log in with a password."""
    from api.commands import access as command

    raise typer.Exit(command.list_users(config, data, as_json=as_json))


@user.command("change", epilog="Example: headwater user change ann --role operator")
def user_change(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom.")],
    role: Annotated[str | None, typer.Option(help=ROLES)] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    disable: Annotated[bool | None, typer.Option("--disable/--enable", help="May the user log in at all?")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Change a user; all of the user's sessions end."""
    from api.commands import access as command

    raise typer.Exit(command.change_user(config, data, name, role, password=password, disable=disable))


@trail.command("verify", epilog="Example: headwater trail verify --anchor trail-head.json")
def trail_verify(
    config: Config = None,
    data: Data = None,
    anchor: Annotated[Path | None, typer.Option(help="An end kept elsewhere; it shows a cut-off trail.")] = None,
    as_json: Json = False,
) -> None:
    """Verify the trail: ok, erased or broken; exit code 1 when it is broken."""
    from api.commands import access as command

    raise typer.Exit(command.verify(config, data, anchor, as_json=as_json))


@trail.command("head", epilog="Example: headwater trail head > trail-head.json")
def trail_head(config: Config = None, data: Data = None) -> None:
    """Print the end of the trail as JSON, to be kept elsewhere as an anchor."""
    from api.commands import access as command

    raise typer.Exit(command.head(config, data))


def erase(
    person: Annotated[str, typer.Option(help="The name under which somebody was known here.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Forget a person: user, sessions, and what the trail and the record of decisions say; both still verify."""
    from api.commands import access as command

    raise typer.Exit(command.erase(config, data, person))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(key, name="key")
    app.add_typer(user, name="user")
    app.add_typer(trail, name="trail")
    app.command(epilog="Example: headwater erase --person ann")(erase)
