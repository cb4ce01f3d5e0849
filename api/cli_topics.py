"""The part of the command line about topics of Kafka: `headwater topics …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

topics = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Topics of Kafka that the settings declare.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


@topics.command(epilog="Example: headwater topics create")
def create(config: Config = None, as_json: Json = False) -> None:
    """Make the declared topics that are missing. Those that are there stay as they are; 1 when some differ."""
    from api.commands import topics as command

    raise typer.Exit(command.create(config, as_json=as_json))


@topics.command(epilog="Example: headwater topics show")
def show(config: Config = None, as_json: Json = False) -> None:
    """Compare the declared topics with those of the clusters; 1 when some are missing or differ."""
    from api.commands import topics as command

    raise typer.Exit(command.show(config, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(topics, name="topics")
