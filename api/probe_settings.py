"""What probes and queries may use, by name: databases, commands, tokens, Prometheus servers.

Rules name these and cannot add to them: who may write rules reaches no secret, no program and no environment variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.findings import Finding
from api.sinks.declared import Name, Secret, Url, Variable, secret, strict
from rules.ruleset import RuleSet

Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Driver = Literal["sqlite3", "psycopg"]


@dataclass(frozen=True, config=strict, kw_only=True)
class DatabaseSettings:
    """A database for SQL probes and data checks. ``database`` is its name, of SQLite the file. Give ``user`` no right
    but to read: what is asked for is read-only as far as the driver can make it so."""

    name: Name
    driver: Driver
    database: Annotated[str, Field(min_length=1)]
    host: Host | None = None
    port: Port = 5432
    user: str = ""
    allow_private: bool = False
    password_env: Variable | None = None
    password: Secret = secret()


@dataclass(frozen=True, config=strict, kw_only=True)
class CommandSettings:
    """A program that probes may run, with all of its arguments. There is no shell."""

    name: Name
    argv: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


@dataclass(frozen=True, config=strict, kw_only=True)
class CredentialSettings:
    """A bearer token of HTTP probes, and the only hosts that it is sent to."""

    name: Name
    hosts: Annotated[tuple[Host, ...], Field(min_length=1)]
    token_env: Variable
    token: Secret = secret()


@dataclass(frozen=True, config=strict, kw_only=True)
class ProbeSettings:
    """``threads``: checks under way at once. ``authorities``: a PEM file of certificates that are believed, too."""

    threads: Annotated[int, Field(ge=2, le=64)] = 8
    authorities: Path | None = None
    databases: tuple[DatabaseSettings, ...] = ()
    commands: tuple[CommandSettings, ...] = ()
    credentials: tuple[CredentialSettings, ...] = ()

    def unset(self, variables: Mapping[str, str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """(place, variable) of every variable that is named and not set."""
        for number, database in enumerate(self.databases):
            if database.password_env and not variables.get(database.password_env):
                yield ("databases", number, "password_env"), database.password_env
        for number, credential in enumerate(self.credentials):
            if not variables.get(credential.token_env):
                yield ("credentials", number, "token_env"), credential.token_env

    def incomplete(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """(place, what is wrong) of what only shows together."""
        for number, database in enumerate(self.databases):
            if database.driver != "sqlite3" and database.host is None:
                yield ("databases", number), f"host: {database.driver} needs one"
        for number, command in enumerate(self.commands):
            if not command.argv[0].startswith("/"):
                yield ("commands", number, "argv"), "argv: the program's whole path, from /"

    def with_secrets(self, variables: Mapping[str, str]) -> ProbeSettings:
        """The same with the secrets filled in."""
        databases = (replace(one, password=variables.get(one.password_env or "", "")) for one in self.databases)
        credentials = (replace(one, token=variables.get(one.token_env, "")) for one in self.credentials)
        return replace(self, databases=tuple(databases), credentials=tuple(credentials))


@dataclass(frozen=True, config=strict, kw_only=True)
class PrometheusSettings:
    """A Prometheus that is asked for ranges of samples. ``timeout`` in seconds; ``answer``: its largest, in MiB."""

    name: Name
    url: Url = field(repr=False)
    allow_private: bool = False
    timeout: Annotated[float, Field(gt=0, le=300)] = 30.0
    answer: Annotated[int, Field(ge=1, le=1024)] = 64
    token_env: Variable | None = None
    token: Secret = secret()


def unnamed(
    settings: ProbeSettings, servers: tuple[PrometheusSettings, ...], rules: RuleSet, folder: Path
) -> list[Finding]:
    """What the rules name and the settings do not have: such checks are always unknown, such indicators not asked."""
    databases = {one.name for one in settings.databases}
    commands = {one.name for one in settings.commands}
    credentials = {one.name for one in settings.credentials}
    wanted: list[tuple[str, str, str, set[str]]] = []
    for probe in rules.probes:
        if probe.kind == "sql":
            wanted.append((probe.id, "database", probe.target, databases))
        elif probe.kind == "command":
            wanted.append((probe.id, "command", probe.target, commands))
        if probe.credential:
            wanted.append((probe.id, "credential", probe.credential, credentials))
    for check in rules.data_checks:
        sides = (check.left, *((check.right,) if check.right is not None else ()))
        wanted += [(check.id, "database", side.database, databases) for side in sides]
    found = [
        Finding(str(folder), 0, f"{id} names the {what} {name!r}", f"no probes.{what}s of the settings has it", True)
        for id, what, name, known in wanted
        if name not in known
    ]
    return found + _unasked({one.name for one in servers}, rules, folder)


def _unasked(servers: set[str], rules: RuleSet, folder: Path) -> list[Finding]:
    asked = [one for one in rules.recovery.indicators if one.expr]
    return [
        Finding(
            str(folder),
            0,
            f"{one.id} asks the prometheus {one.prometheus or 'of the settings'!r}",
            "there is none",
            True,
        )
        for one in asked
        if (one.prometheus not in servers if one.prometheus else not servers)
    ]
