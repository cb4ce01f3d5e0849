"""The part of the command line about backups: `headwater backup make` and `headwater backup verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

backup = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Copies of the store, made while it runs.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Data = Annotated[Path | None, typer.Option(help="Folder with the data (default: that of the settings).")]
Copied = Annotated[Path, typer.Argument(metavar="FILE", help="The copy; its checksum lies beside it.")]


@backup.command(epilog="Example: headwater backup make /backup/headwater.db")
def make(file: Copied, config: Config = None, data: Data = None) -> None:
    """Copy the store as of one moment, with its checksum beside it, and verify the copy."""
    from api.commands import backup as command

    raise typer.Exit(command.make(file, config, data))


@backup.command(epilog="Example: headwater backup verify /backup/headwater.db")
def verify(file: Copied) -> None:
    """Verify a copy: its checksum, its pages, the record of decisions; exit code 1 when anything is wrong."""
    from api.commands import backup as command

    raise typer.Exit(command.verify(file))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(backup, name="backup")
