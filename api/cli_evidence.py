"""The part of the command line about evidence: `headwater evidence …` and `headwater suppressed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

evidence = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Outcomes of alerts, what they teach, and rules that suppress."
)

Url = Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")]
Token = Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
DataDir = Annotated[Path | None, typer.Option("--data", help="Data folder (default: from the settings).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Since = Annotated[str, typer.Option("--from", metavar="TIME", help="Outcomes judged since, RFC 3339 (default: all).")]
Until = Annotated[str, typer.Option("--to", metavar="TIME", help="Outcomes judged until, RFC 3339 (default: all).")]


@evidence.command(epilog="Example: headwater evidence learn --from 2026-03-01T00:00:00Z")
def learn(
    since: Since = "",
    until: Until = "",
    url: Url = None,
    token: Token = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Learn weights from what people said of alerts, and measure them on the half that was held out."""
    from api.commands import evidence as command

    where = command.Where(url, token, config, data)
    raise typer.Exit(command.learn(where, since, until, as_json=as_json))


@evidence.command(epilog="Example: headwater evidence report")
def report(
    url: Url = None, token: Token = "", config: Config = None, data: DataDir = None, as_json: Json = False
) -> None:
    """Say which weights are in force, how good they are, and what stands behind the rules that suppress."""
    from api.commands import evidence as command

    raise typer.Exit(command.report(command.Where(url, token, config, data), as_json=as_json))


@evidence.command(epilog="Example: headwater evidence activate 3f0c77d2a9e41b60 --reason 'better on the held-out half'")
def activate(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `learn` says; prior goes back to the shipped.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    since: Since = "",
    until: Until = "",
    url: Url = None,
    token: Token = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a running server weigh evidence by a learned model from now on, in your name."""
    from api.commands import evidence as command

    where = command.Where(url, token, config, None)
    raise typer.Exit(command.activate(where, version, reason, since, until, as_json=as_json))


@evidence.command(epilog="Example: headwater evidence promotion evidence.contradicted")
def promotion(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule that keeps alerts back.")],
    url: Url = None,
    token: Token = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say what a rule suppressed or would have, how that was in truth, and whether that is enough to enforce it."""
    from api.commands import evidence as command

    raise typer.Exit(command.promotion(command.Where(url, token, config, data), rule, as_json=as_json))


def suppressed(  # noqa: PLR0913, PLR0917 - options are arguments
    shadow: Annotated[bool, typer.Option("--shadow", help="Also what rules in shadow mode would keep back.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Those that wait for a person's judgement.")] = False,
    rule: Annotated[str, typer.Option(help="Of this rule only.")] = "",
    entity: Annotated[str, typer.Option(help="Of this entity only.")] = "",
    url: Url = None,
    token: Token = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """List the alerts that are held or suppressed, with the reason, and what would let each of them in."""
    from api.commands import evidence as command

    where = command.Where(url, token, config, data)
    raise typer.Exit(command.suppressed(where, command.Listed(shadow, audit, rule, entity), as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    app.add_typer(evidence, name="evidence")
    app.command(epilog="Examples: headwater suppressed; headwater suppressed --shadow; headwater suppressed --audit")(
        suppressed
    )
