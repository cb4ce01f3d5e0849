"""The command line, `headwater`. Each command's work is in `api.commands`, imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api import cli_backup, cli_evidence, cli_probes, cli_publish, cli_readiness, cli_recovery, cli_roles, cli_topics

EPILOG = "Exit codes: 0 done, 1 what you gave is wrong, 2 wrong usage, 3 something needed is not there, 70 our defect."
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Headwater finds where the flood starts, and everything downstream of it.",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
token = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Credentials of people and programs.")
audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The hash-chained record of decisions.")
whatif = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What-if questions, and saved scenarios.")
catalogues = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The catalogue beyond its mistakes.")
for _name, _group in (("whatif", whatif), ("token", token), ("audit", audit), ("catalogue", catalogues)):
    app.add_typer(_group, name=_name)
for _part in (cli_backup, cli_evidence, cli_probes, cli_publish, cli_readiness, cli_recovery, cli_roles, cli_topics):
    _part.add_to(app)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (default: ./headwater.yaml).")]
Catalogue = Annotated[Path | None, typer.Option(help="Folder of the catalogue (default: from the settings).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Rules = Annotated[Path | None, typer.Option(help="Folder of the rules (default: from the settings).")]
Several = list[str] | None
Down = Annotated[Several, typer.Option(metavar="ENTITY", help="It fails; may be repeated, as all of these.")]
Degraded = Annotated[Several, typer.Option(metavar="ENTITY=HEALTH", help="Its own health: 0 … 1000, or 50%.")]
Slow = Annotated[Several, typer.Option(metavar="ENTITY=DELAY", help="It answers so much later: 5s, 250ms.")]
Maintenance = Annotated[Several, typer.Option(metavar="ENTITY=FOR[@AFTER]", help="It is out for so long: 2h, 2h@30m.")]
Fate = Annotated[Several, typer.Option(metavar="NAME", help="A shared fate strikes.")]
Lost = Annotated[Several, typer.Option(metavar="PLACE", help="A site or host is lost with all it holds.")]
Assume = Annotated[Path | None, typer.Option(help="YAML with further assumptions, as below assume: in a scenario.")]
At = Annotated[Several, typer.Option(metavar="TIME", help="A moment after the onset to look at: 10m.")]
Scenarios = Annotated[
    list[Path] | None, typer.Argument(metavar="[SCENARIOS]...", help="Files or folders (default: from the settings).")
]
DataDir = Annotated[Path | None, typer.Option("--data", help="Data folder (default: from the settings).")]


@app.command(epilog="Example: headwater init myshop && headwater check -c myshop/headwater.yaml")
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to put the files.")] = Path(),
) -> None:
    """Write a commented headwater.yaml, catalogue/ and rules/ to start from. Overwrites nothing."""
    from api.commands import init as command

    raise typer.Exit(command.run(folder))


@app.command(epilog="Example: headwater serve --config headwater.yaml --port 8666")
def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one (default 8666).")] = None,
    data: DataDir = None,
) -> None:
    """Take signals over HTTP and Kafka, and serve what comes of them, until Ctrl-C."""
    from api.commands import serve as command

    raise typer.Exit(command.run(config, host, port, data))


@app.command(epilog="Example: headwater demo --pace 30")
def demo(
    pace: Annotated[float, typer.Option(min=0.1, help="How many seconds of the outage pass in one.")] = 20.0,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8666,
    data: Annotated[Path | None, typer.Option(help="Keep the data in this folder (default: a temporary one).")] = None,
    exit_after: Annotated[bool, typer.Option("--exit-after", help="End with the outage.")] = False,
    storm: Annotated[bool, typer.Option("--storm", help="Play a made-up storm of 10,000 alerts instead.")] = False,
) -> None:
    """Start on loopback and play a real outage through the HTTP API; says what happens and where to look."""
    from api.commands import demo as command

    raise typer.Exit(command.run(pace, port, data, exit_after=exit_after, storm=storm))


@app.command(epilog="Example: headwater replay examples/demo/outage.jsonl --catalogue examples/demo/catalogue")
def replay(
    stream: Annotated[
        Path, typer.Argument(metavar="STREAM", help="Events as JSON Lines, in event time; - reads standard input.")
    ],
    catalogue: Annotated[Path | None, typer.Option(help="Catalogue to use instead of the stream's topology.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Folder of rules (default: the built-in ones).")] = None,
    suppression: Annotated[str, typer.Option(help="enforce or shadow.")] = "enforce",
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON result to this file.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Events per transaction; changes nothing but the speed.")] = 256,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell the incident whole, as `headwater explain` does.")
    ] = False,
) -> None:
    """Run recorded events through the engine in event time and say what it makes of them at the last one."""
    from api.commands import replay as command

    asked = command.Asked(stream, catalogue, rules, suppression, as_json, out, batch, explain)
    raise typer.Exit(command.run(asked))


@app.command(epilog="Example: headwater backtest rules-next --from 2026-03-01T00:00:00Z --suppression enforce")
def backtest(  # noqa: PLR0913, PLR0917 - options are arguments
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="Folder of the other rules.")],
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="RFC 3339 (default: the log's first).")] = "",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="RFC 3339 (default: the log's last).")] = "",
    catalogue: Annotated[Path | None, typer.Option(help="Another catalogue too (default: as it was).")] = None,
    suppression: Annotated[str, typer.Option(help="enforce or shadow (default: as the rules say).")] = "",
    warm_up: Annotated[str, typer.Option(help="Start empty so long before --from: 6h, 1d.")] = "",
    fail_on: Annotated[str, typer.Option(help="Exit 1 on more of these: silenced,gone=2; or any.")] = "silenced",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Replay the stored input log under other rules, and say what would have been different."""
    from api.commands import backtest as command

    asked = command.Options(rules, since, until, catalogue, suppression, warm_up, fail_on, config, data)
    raise typer.Exit(command.run(asked, as_json=as_json))


@app.command(epilog="Examples: headwater explain; headwater explain INC-42; headwater explain 42-0")
def explain(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="An incident, an alert or an alert event.")] = None,
    url: Annotated[str | None, typer.Option(help="A running server (default: that of the settings, if any).")] = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")] = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Argue an incident or an alert: is it real, where does it begin, what is hit, what would change the answer."""
    from api.commands import explain as command

    raise typer.Exit(command.run(id, url, token, config, data, as_json))


@app.command(epilog="Examples: headwater clocks; headwater clocks INC-42; headwater clocks --waiting")
def clocks(
    id: Annotated[
        str | None, typer.Argument(metavar="[INCIDENT]", help="Id of an incident (default: deadlines of all).")
    ] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Also those without a deadline yet.")] = False,
    url: Annotated[str | None, typer.Option(help="A running server (default: that of the settings).")] = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")] = "",
    config: Config = None,
    data: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say by which regulatory regimes incidents are judged and which deadlines run. Advice, not legal advice."""
    from api.commands import clocks as command

    raise typer.Exit(command.run(id, url, token, config, data, waiting=waiting, as_json=as_json))


@app.command("command", epilog="Example: headwater command mark INC-42 regime=dora mark=aware --reason 'desk called'")
def ask(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="acknowledge, mark, give_fact, dismiss_clock …")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="What it is about, most often an incident.")],
    facts: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its facts.")] = None,
    reason: Annotated[str, typer.Option(help="Why; some actions need it.")] = "",
    url: Annotated[str | None, typer.Option(help="A running server (default: that of the settings).")] = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask a running server to do something, in your name."""
    from api.commands import command

    raise typer.Exit(command.run(action, target, facts or [], reason, url, token, config, as_json=as_json))


@app.command(epilog="Example: headwater check --config headwater.yaml")
def check(config: Config = None) -> None:
    """Check settings, catalogue, rules and scenarios; every mistake is named at once with its file and line."""
    from api.commands import check as command

    raise typer.Exit(command.run(config))


@app.command(epilog="Example: headwater impact orders-db --catalogue catalogue")
def impact(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="Id or alias of an entity.")],
    catalogue: Catalogue = None,
    as_json: Json = False,
) -> None:
    """Say what is hit if an entity fails: who, how badly, by which path, and when."""
    from api.commands import impact as command

    raise typer.Exit(command.run(entity, catalogue, as_json=as_json))


@app.command(epilog="Examples: headwater risk; headwater risk shop --down db-1; headwater risk --single-points")
def risk(
    entities: Annotated[
        list[str] | None, typer.Argument(metavar="[ENTITY]...", help="Whose risk (default: that of the business).")
    ] = None,
    down: Annotated[list[str] | None, typer.Option(help="An entity that is down already; may be repeated.")] = None,
    single_points: Annotated[bool, typer.Option("--single-points", help="What takes business down alone.")] = False,
    worlds: Annotated[int, typer.Option(min=100, max=1_000_000, help="Worlds to sample for each entity.")] = 10_000,
    catalogue: Catalogue = None,
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Say how probable it is that business goes down within a day, what would take it down next, and alone."""
    from api.commands import risk as command

    asked = command.Asked(entities or [], down or [], single_points, worlds, catalogue, rules, as_json)
    raise typer.Exit(command.run(asked))


@app.command(epilog="Example: headwater restoration orders-db mail --catalogue catalogue")
def restoration(
    entities: Annotated[list[str], typer.Argument(metavar="ENTITY...", help="Ids or aliases of what has failed.")],
    catalogue: Catalogue = None,
    as_json: Json = False,
) -> None:
    """Say what must come back before what if entities fail, how long it takes, and whether objectives are met."""
    from api.commands import restoration as command

    raise typer.Exit(command.run(entities, catalogue, as_json=as_json))


@app.command(epilog="Example: headwater schema catalogue > catalogue.schema.json")
def schema(
    what: Annotated[
        str, typer.Argument(metavar="KIND", help="settings, catalogue, rules, scenarios, publication, slack …")
    ],
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from api.commands import schema as command

    raise typer.Exit(command.run(what))


@whatif.command("ask", epilog="Example: headwater whatif ask --down db-1 --slow mail=5s --maintenance db-2=2h --at 10m")
def whatif_ask(  # noqa: PLR0913, PLR0917 - options are arguments
    down: Down = None,
    degraded: Degraded = None,
    slow: Slow = None,
    maintenance: Maintenance = None,
    fate: Fate = None,
    lost: Lost = None,
    assume: Assume = None,
    at: At = None,
    config: Config = None,
    catalogue: Catalogue = None,
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Say who would be hit, when and how badly, which margins would be lost, and how severe that would be."""
    from api.commands import whatif as command

    asked = command.Asked(
        down or [], degraded or [], slow or [], maintenance or [], fate or [], lost or [], assume, at or [],
        config, catalogue, rules,
    )  # fmt: skip
    raise typer.Exit(command.ask(asked, as_json=as_json))


@whatif.command("save", epilog="Example: headwater whatif save replica-lost scenarios/replicas.yaml --down db-1")
def whatif_save(  # noqa: PLR0913, PLR0917 - options are arguments
    id: Annotated[str, typer.Argument(metavar="ID", help="The scenario's id.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
    title: Annotated[str, typer.Option(help="The scenario's title.")] = "",
    down: Down = None,
    degraded: Degraded = None,
    slow: Slow = None,
    maintenance: Maintenance = None,
    fate: Fate = None,
    lost: Lost = None,
    assume: Assume = None,
    at: At = None,
    config: Config = None,
    catalogue: Catalogue = None,
    rules: Rules = None,
) -> None:
    """Write a scenario that expects what the answer is now."""
    from api.commands import whatif as command

    asked = command.Asked(
        down or [], degraded or [], slow or [], maintenance or [], fate or [], lost or [], assume, at or [],
        config, catalogue, rules,
    )  # fmt: skip
    raise typer.Exit(command.save(asked, id, title, file))


@whatif.command("run", epilog="Example: headwater whatif run scenarios --junit report.xml")
def whatif_run(
    scenarios: Scenarios = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit XML too.")] = None,
    config: Config = None,
    catalogue: Catalogue = None,
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Run saved scenarios against the catalogue; exit code 1 when an expectation is not met."""
    from api.commands import scenarios as command

    asked = command.Asked(scenarios or [], config, catalogue, rules)
    raise typer.Exit(command.run_all(asked, junit, as_json=as_json))


@whatif.command("diff", epilog="Example: headwater whatif diff --before 9f2c1b7a55d0e3aa --after catalogue")
def whatif_diff(
    before: Annotated[str, typer.Option(metavar="VERSION|DIR", help="A catalogue, or a stored version of it.")],
    scenarios: Scenarios = None,
    after: Annotated[Path | None, typer.Option(help="The other catalogue (default: from the settings).")] = None,
    config: Config = None,
    rules: Rules = None,
    data: DataDir = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when an answer differs.")] = False,
    as_json: Json = False,
) -> None:
    """Say which saved scenarios have another answer with another catalogue, entity by entity."""
    from api.commands import scenarios as command

    asked = command.Asked(scenarios or [], config, None, rules)
    raise typer.Exit(command.diff(asked, before, after, data, as_json=as_json, exit_code=exit_code))


@catalogues.command("audit", epilog="Example: headwater catalogue audit --catalogue catalogue --date 2026-12-31")
def catalogue_audit(
    catalogue: Catalogue = None,
    date: Annotated[str, typer.Option(help="Day of the audit, YYYY-MM-DD (default: today).")] = "",
    as_json: Json = False,
) -> None:
    """Say which objectives cannot be met, why, and what would mend it; exit code 1 when there are any."""
    from api.commands import catalogue as command

    raise typer.Exit(command.audit(catalogue, date, as_json=as_json))


@catalogues.command("observed", epilog="Example: headwater catalogue observed --url http://127.0.0.1:8666")
def catalogue_observed(
    url: Annotated[str | None, typer.Option(help="A running server (default: that of the settings).")] = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_TOKEN", help="Token for that server.")] = "",
    as_json: Json = False,
) -> None:
    """Say which dependencies traces show that nobody declared, and which declared ones they do not show."""
    from api.commands import observed as command

    raise typer.Exit(command.run(url, token, as_json=as_json))


@token.command(epilog="Example: headwater token create prometheus --role ingest")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is.")],
    role: Annotated[str, typer.Option(help="viewer, operator, admin or ingest.")] = "viewer",
) -> None:
    """Make a token: printed once, stored only as a hash in your settings."""
    from api.commands import token as command

    raise typer.Exit(command.create(name, role))


@audit.command(epilog="Example: headwater audit verify --anchors heads.json")
def verify(
    config: Config = None,
    data: DataDir = None,
    anchors: Annotated[Path | None, typer.Option(help="Heads kept elsewhere; they show a cut-off end.")] = None,
    as_json: Json = False,
) -> None:
    """Verify the record of every domain: ok, erased or broken; exit code 1 when one is broken."""
    from api.commands import audit as command

    raise typer.Exit(command.verify(config, data, anchors, as_json=as_json))


@audit.command(epilog="Example: headwater audit heads > heads.json")
def heads(config: Config = None, data: DataDir = None) -> None:
    """Print the end of every chain as JSON, to be kept elsewhere as an anchor."""
    from api.commands import audit as command

    raise typer.Exit(command.heads(config, data))


@app.command()
def version() -> None:
    """Print the version."""
    from api.version import installed

    typer.echo(f"headwater {installed()}")


def main() -> None:
    """The console script. Errors are one line with the mend; `HEADWATER_TRACEBACK=1` shows where they came from."""
    from api.commands.console import failure

    try:
        app()
    except Exception as error:
        sys.exit(failure(error))
