"""The part of the command line about readiness: `headwater readiness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Days = Annotated[int, typer.Option(min=1, max=3660, help="Incidents opened in the last so many days.")]
Form = Annotated[str, typer.Option("--format", metavar="FORM", help="words, json or csv.")]
Url = Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")]
Token = Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]


def readiness(days: Days = 90, form: Form = "words", url: Url = None, token: Token = "", config: Config = None) -> None:
    """Say how fast incidents were met, which objectives were kept, and what is covered."""
    from api.commands import readiness as command

    raise typer.Exit(command.run(days, url, token, config, form=form))


def add_to(app: typer.Typer) -> None:
    """Make this command part of the command line."""
    app.command(epilog="Examples: headwater readiness --days 365; headwater readiness --format csv")(readiness)
