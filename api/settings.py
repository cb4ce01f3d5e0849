"""Settings: `headwater.yaml`, then the environment, then the command line. The only reader of the environment.

Each section is a frozen dataclass that pydantic validates; all mistakes are reported at once, with file and line.
Secrets come from the environment and are in no repr.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from api.access_settings import Access, Token
from api.findings import Finding, Wrong
from api.kafka import declared as kafka_declared
from api.kafka import shards as cluster_declared
from api.kafka.declared import Kafka
from api.kafka.shards import ShardTopic
from api.kept import Kept, password_in
from api.logging_format import Form
from api.overload_settings import Overload
from api.probe_settings import ProbeSettings, PrometheusSettings
from api.restoring_settings import Restoring
from api.sinks.declared import strict as _strict
from api.sinks.table import Sinks
from api.tracing_settings import Traces
from rules import document as yaml_text
from rules.document import Document, Place

DEFAULT_FILE = "headwater.yaml"
MIB = 1024 * 1024


@dataclass(frozen=True, config=_strict)
class Server:
    """Where Headwater listens. ``names``: host names under which it may be addressed besides the loopback ones."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8666
    prefix: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    names: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, config=_strict)
class Limits:
    """``body`` and ``inflated``: bytes of one request as sent and after decompression. ``wait``: seconds that a
    sender waits for the disk before it is told to try again. ``streams``: clients of the live stream.
    """

    body: Annotated[int, Field(ge=1024, le=256 * MIB)] = 4 * MIB
    inflated: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 32 * MIB
    wait: Annotated[float, Field(gt=0, le=300)] = 30.0
    streams: Annotated[int, Field(ge=1, le=10_000)] = 100


@dataclass(frozen=True, config=_strict)
class Retention:
    """``input_log``: days for which inputs are kept for replay, at least until the next snapshot."""

    input_log: Annotated[float, Field(gt=0)] = 7.0


@dataclass(frozen=True, config=_strict)
class Publishing:
    """How receivers are treated; all in seconds but the counts.

    ``timeout`` of one read or write and ``deadline`` of one request; ``lease`` of a publication in hand, renewed while
    calls run; ``attempts`` until a publication is given up, at most ``longest_wait`` apart; ``failures`` in a row until
    a receiver is left alone; ``probes``: before each look for a publication with an unclear answer, the first of
    which counts for SEV1; ``poll`` and ``reconcile``: between two looks at open tickets for what people did, and
    for second tickets; ``doubt``: how long a second ticket may take to turn up.
    """

    timeout: Annotated[float, Field(gt=0, le=300)] = 10.0
    deadline: Annotated[float, Field(gt=0, le=600)] = 20.0
    lease: Annotated[float, Field(ge=1, le=3600)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=1000)] = 24
    longest_wait: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    probes: Annotated[tuple[Annotated[float, Field(gt=0, le=86_400)], ...], Field(min_length=1)] = (30.0, 120.0, 300.0)
    poll: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    reconcile: Annotated[float, Field(ge=1, le=86_400)] = 600.0
    doubt: Annotated[float, Field(ge=0, le=86_400)] = 900.0


@dataclass(frozen=True, config=_strict)
class Settings:
    """All of `headwater.yaml`. Relative paths are relative to the file.

    ``store``: the address of a PostgreSQL; empty: SQLite in ``data``. Its password stands in ``store_password_file`` or
    in the environment.
    """

    data: Path = Path("headwater-data")
    store: Annotated[str, Field(pattern=r"^(postgres(ql)?://\S+)?$")] = field(default="", repr=False)
    store_password_file: Path | None = None
    store_password: Annotated[str, Field(exclude=True)] = field(default="", repr=False)
    catalogue: Path = Path("catalogue")
    rules: Path = Path("rules")
    scenarios: Path = Path("scenarios")
    playbooks: Path = Path("playbooks")
    suppression: Literal["shadow", "enforce"] = "shadow"
    snapshot: Annotated[float, Field(gt=0)] = 60.0
    server: Server = Server()
    tokens: tuple[Token, ...] = ()
    access: Access = Access()
    sinks: Sinks = Sinks()
    kafka: tuple[Kafka, ...] = ()
    cluster: ShardTopic | None = None
    probes: ProbeSettings = ProbeSettings()
    prometheus: tuple[PrometheusSettings, ...] = ()
    restoring: Restoring = Restoring()
    alertmanagers: tuple[PrometheusSettings, ...] = ()
    limits: Limits = Limits()
    overload: Overload = Overload()
    retention: Retention = Retention()
    publishing: Publishing = Publishing()
    traces: Traces | None = None
    log: Form = "text"
    failpoints: str = ""

    @property
    def kept(self) -> Kept:
        """Where the engine keeps its state."""
        return Kept(self.data, self.store, self.store_password)


ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "HEADWATER_DATA": ("data",),
    "HEADWATER_STORE": ("store",),
    "HEADWATER_STORE_PASSWORD": ("store_password",),
    "HEADWATER_STORE_PASSWORD_FILE": ("store_password_file",),
    "HEADWATER_CATALOGUE": ("catalogue",),
    "HEADWATER_RULES": ("rules",),
    "HEADWATER_SCENARIOS": ("scenarios",),
    "HEADWATER_PLAYBOOKS": ("playbooks",),
    "HEADWATER_SUPPRESSION": ("suppression",),
    "HEADWATER_SNAPSHOT": ("snapshot",),
    "HEADWATER_HOST": ("server", "host"),
    "HEADWATER_PORT": ("server", "port"),
    "HEADWATER_PREFIX": ("server", "prefix"),
    "HEADWATER_LOG": ("log",),
    "HEADWATER_FAILPOINTS": ("failpoints",),
    "HEADWATER_BALLAST": ("overload", "ballast"),
}
"""Variable -> the setting that it replaces."""


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str | int] | None = None,
) -> Settings:
    """The settings in force. ``overrides`` are command-line options by their environment variable's name.

    Without ``file``: HEADWATER_CONFIG, else `headwater.yaml` in the current directory if there is one, else the
    defaults. Raises Wrong.
    """
    variables = os.environ if environment is None else environment
    path = file or Path(variables.get("HEADWATER_CONFIG") or DEFAULT_FILE)
    explicit = file is not None or "HEADWATER_CONFIG" in variables
    document = _read(path, required=explicit)
    values = document.value if isinstance(document.value, dict) else {}
    findings = [Finding(one.file, one.line, one.message, one.hint) for one in document.problems]
    if document.value and not isinstance(document.value, dict):
        findings.append(Finding(str(path), 1, "must be a mapping of settings"))
    origins = _overlay(values, variables, overrides or {})
    try:
        settings = _adapter().validate_python(values)
    except ValidationError as error:
        findings += _findings(error, document, str(path), origins)
        raise Wrong(findings) from None
    findings += _cross_checks(settings, document, str(path), origins, variables)
    if findings:
        raise Wrong(findings)
    return _resolved(settings, path.parent, origins, variables)


def kept(config: Path | None, data: Path | None) -> Kept:
    """Where the state is that a command reads: in the folder that it was given, else where the settings say."""
    return Kept(data) if data else load(config).kept


def at(data: Path | None) -> dict[str, str]:
    """The overrides for a data folder that a command was given: what is kept lies there and nowhere else."""
    return {"HEADWATER_DATA": str(data), "HEADWATER_STORE": ""} if data else {}


def traceback_wanted() -> bool:
    """Whether the person in front of the terminal wants to see where an error came from."""
    return bool(os.environ.get("HEADWATER_TRACEBACK"))


def schema() -> dict[str, object]:
    """The JSON Schema of `headwater.yaml`, for editors."""
    content = _adapter().json_schema()
    for definition in content.get("$defs", {}).values():
        properties = definition.get("properties", {})
        for name in [name for name in properties if {f"{name}_env", f"{name}_file"} & properties.keys()]:
            del properties[name]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **content, "title": "headwater.yaml"}


@cache
def _adapter() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def _read(path: Path, *, required: bool) -> Document:
    try:
        return yaml_text.read(str(path), path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise Wrong([Finding(str(path), 0, "no such file", "headwater init creates one")]) from None
        return Document(str(path), {}, {}, [])
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong([Finding(str(path), 0, f"cannot be read: {error}")]) from None


def _overlay(
    values: dict[str, object], variables: Mapping[str, str], overrides: Mapping[str, str | int]
) -> dict[tuple[str, ...], str]:
    """Put environment and command line over the file's values; returns where each replaced value came from."""
    origins: dict[tuple[str, ...], str] = {}
    for source, given in (("environment", variables), ("command line", overrides)):
        for variable, path in ENVIRONMENT.items():
            if variable not in given:
                continue
            section = values
            for key in path[:-1]:
                inner = section.get(key)
                section[key] = section = dict(inner) if isinstance(inner, dict) else {}
            section[path[-1]] = given[variable]
            origins[path] = variable if source == "environment" else f"--{path[-1]}"
    return origins


def _findings(
    error: ValidationError, document: Document, file: str, origins: Mapping[tuple[str, ...], str]
) -> list[Finding]:
    found = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        path = problem["loc"]
        name = ".".join(map(str, path))
        origin = origins.get(tuple(map(str, path)))
        message = problem["msg"].removeprefix("Value error, ")
        message = "unknown setting" if problem["type"] == "unexpected_keyword_argument" else message
        if origin:
            found.append(Finding(origin, 0, f"{name}: {message}"))
        else:
            found.append(Finding(file, document.line(tuple(path)), f"{name}: {message}"))
    return sorted(found)


def _cross_checks(
    settings: Settings, document: Document, file: str, origins: Mapping[tuple[str, ...], str],
    variables: Mapping[str, str],
) -> list[Finding]:  # fmt: skip
    found: list[Finding] = []
    ages = settings.overload
    if not ages.backfill <= ages.telemetry <= ages.alerts:
        mend = "what is less urgent is refused no later than what is more urgent"
        message = "overload: backfill, telemetry and alerts must not fall"
        found.append(Finding(file, document.line(("overload",)), message, mend))
    for setting, number, key, variable in settings.sinks.unset(variables):
        line = document.line(("sinks", setting, number, key))
        found.append(Finding(file, line, f"sinks.{setting}.{number}.{key}: {variable} is not set"))
    for inner, variable in settings.access.unset(variables):
        path: Place = ("access", *inner)
        found.append(Finding(file, document.line(path), f"{'.'.join(map(str, path))}: {variable} is not set"))
    found += _wrong_sinks(settings, document, file)
    found += _of_kafka(settings, document, file, variables)
    found += _of_store(settings, document, file, origins)
    return [*found, *_of_probes(settings, document, file, variables), *_used_twice(settings, document, file)]


def _of_kafka(settings: Settings, document: Document, file: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    wrong = [(("kafka", *place), said) for place, said in kafka_declared.unset(settings.kafka, variables)]
    for number, source in enumerate(settings.kafka):
        wrong += [(("kafka", number, *place), said) for place, said in source.wrong()]
    wrong += [(("cluster", *place), said) for place, said in cluster_declared.unset(settings.cluster, variables)]
    for place, said in wrong:
        yield Finding(file, document.line(place), f"{'.'.join(map(str, place))}: {said}")


def _of_store(
    settings: Settings, document: Document, file: str, origins: Mapping[tuple[str, ...], str]
) -> Iterator[Finding]:
    """Secrets stand in no file of settings."""
    mend = "put it into store_password_file or HEADWATER_STORE_PASSWORD"
    written = {"store": bool(urlsplit(settings.store).password), "store_password": bool(settings.store_password)}
    for name, secret in written.items():
        if secret and (name,) not in origins:
            yield Finding(file, document.line((name,)), f"{name}: a password does not belong here", mend)


def _of_probes(settings: Settings, document: Document, file: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    unset = [(("probes", *place), variable) for place, variable in settings.probes.unset(variables)]
    unset += [(("restoring", *place), variable) for place, variable in settings.restoring.unset(variables)]
    for section, servers in (("prometheus", settings.prometheus), ("alertmanagers", settings.alertmanagers)):
        for number, server in enumerate(servers):
            if server.token_env and not variables.get(server.token_env):
                unset.append(((section, number, "token_env"), server.token_env))
    if settings.traces and (variable := settings.traces.unset(variables)):
        unset.append((("traces", "token_env"), variable))
    for place, variable in unset:
        yield Finding(file, document.line(place), f"{'.'.join(map(str, place))}: {variable} is not set")
    wrong = [(("probes", *inner), message) for inner, message in settings.probes.incomplete()]
    wrong += [(("restoring", *inner), message) for inner, message in settings.restoring.wrong()]
    for place, message in wrong:
        yield Finding(file, document.line(place), f"{'.'.join(map(str, place))}: {message}")


def _wrong_sinks(settings: Settings, document: Document, file: str) -> Iterator[Finding]:
    for setting, number, sink in settings.sinks.declared():
        for place, message in sink.wrong():
            path: Place = ("sinks", setting, number, *place)
            yield Finding(file, document.line(path), f"{'.'.join(map(str, path))}: {message}")


def _used_twice(settings: Settings, document: Document, file: str) -> Iterator[Finding]:
    tokens = [("tokens", number, token.name) for number, token in enumerate(settings.tokens)]
    kafka = [("kafka", number, source.name) for number, source in enumerate(settings.kafka)]
    sinks = [(f"sinks.{setting}", number, sink.name) for setting, number, sink in settings.sinks.declared()]
    probes = settings.probes
    prometheus = [("prometheus", number, server.name) for number, server in enumerate(settings.prometheus)]
    prometheus += [
        ("alertmanagers", number, f"alertmanager {one.name}") for number, one in enumerate(settings.alertmanagers)
    ]
    databases = [("probes.databases", number, one.name) for number, one in enumerate(probes.databases)]
    commands = [("probes.commands", number, one.name) for number, one in enumerate(probes.commands)]
    credentials = [("probes.credentials", number, one.name) for number, one in enumerate(probes.credentials)]
    hooks = [("access.webhooks", number, hook.name) for number, hook in enumerate(settings.access.webhooks)]
    for named in (tokens, hooks, kafka, sinks, prometheus, databases, commands, credentials):
        for place, (section, number, name) in enumerate(named):
            if name in [before for _, _, before in named[:place]]:
                line = document.line((*section.split("."), number, "name"))
                yield Finding(file, line, f"{section}.{number}.name: {name} is used twice")


def _resolved(
    settings: Settings, base: Path, origins: Mapping[tuple[str, ...], str], variables: Mapping[str, str]
) -> Settings:
    """Paths of the file made relative to it; secrets filled in."""
    paths = {
        name: getattr(settings, name) if (name,) in origins else base / getattr(settings, name)
        for name in ("data", "catalogue", "rules", "scenarios", "playbooks")
    }
    file = settings.store_password_file
    if file and ("store_password_file",) not in origins:
        file = base / file
    probes = settings.probes.with_secrets(variables)
    if probes.authorities is not None:
        probes = replace(probes, authorities=base / probes.authorities)
    databases = (
        replace(one, database=str(base / one.database)) if one.driver == "sqlite3" else one for one in probes.databases
    )
    servers, others = (
        tuple(replace(one, token=variables.get(one.token_env or "", "")) for one in found)
        for found in (settings.prometheus, settings.alertmanagers)
    )
    return replace(
        settings,
        **paths,
        store_password=settings.store_password or password_in(file),
        access=settings.access.with_secrets(variables),
        sinks=settings.sinks.located(base).with_secrets(variables),
        cluster=settings.cluster and cluster_declared.with_secrets(settings.cluster.located(base), variables),
        kafka=tuple(kafka_declared.with_secrets(one.located(base), variables) for one in settings.kafka),
        probes=replace(probes, databases=tuple(databases)),
        prometheus=servers,
        alertmanagers=others,
        restoring=settings.restoring.with_secrets(variables),
        traces=settings.traces and settings.traces.with_secrets(variables),
    )
