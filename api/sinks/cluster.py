"""A Kafka cluster as an operator declares it: where it is, who we are there, and what its topics are to be.

Everything that speaks to the cluster takes its options from here. Secrets come from the environment or from files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from ingest.kafka.security import Sasl, Tls, given
from ingest.kafka.topic import BROKERS
from ingest.kafka.topic import Topic as Wanted

DAY_MS = 86_400_000
Address = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):[0-9]{1,5}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, config=strict, kw_only=True)
class Topic:
    """A topic as `headwater topics create` makes it. ``format``: of records that do not say theirs. ``replication`` 0:
    what the cluster does by default. ``retention``: days, 0: for ever. ``compacted``: the latest record of each key is
    kept for ever, beside what ``retention`` keeps. ``in_sync``: replicas that must have a record before it is
    acknowledged, 0: as the cluster does."""

    name: TopicName
    format: str = "json"
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 6
    replication: Annotated[int, Field(ge=0, le=32)] = 0
    retention: Annotated[float, Field(ge=0)] = 7.0
    compacted: bool = False
    in_sync: Annotated[int, Field(ge=0, le=32)] = 0

    def wanted(self) -> Wanted:
        """The same in Kafka's words."""
        policy = "compact" if self.compacted else "delete"
        kept = -1 if not self.retention else round(self.retention * DAY_MS)
        if self.compacted and self.retention:
            policy = "compact,delete"
        settings = {"cleanup.policy": policy, "retention.ms": str(kept)}
        if self.in_sync:
            settings["min.insync.replicas"] = str(self.in_sync)
        return Wanted(self.name, self.partitions, self.replication or BROKERS, settings)


def topic(declared: str | Topic) -> Topic:
    """A topic by its name alone is one with the defaults."""
    return Topic(name=declared) if isinstance(declared, str) else declared


@dataclass(frozen=True, config=strict, kw_only=True)
class Cluster:
    """``bootstrap``: brokers to ask first. ``tls``: speak TLS, and check the brokers' names. ``authorities``: a file of
    certificates to believe instead of the system's; ``certificate`` and ``key``: files that say who we are. ``sasl``:
    how to log in as ``user``, with the password in the variable ``password_env`` or in ``password_file``."""

    bootstrap: Annotated[tuple[Address, ...], Field(min_length=1)]
    tls: bool = False
    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password_env: Variable | None = None
    key_password: Secret = secret()
    sasl: Mechanism | None = None
    user: str = ""
    password_env: Variable | None = None
    password_file: Path | None = None
    password: Secret = secret()

    def given(self) -> dict[str, Any]:
        """Options of every client of this cluster. Raises OSError where a file cannot be read."""
        tls = None
        if self.tls:
            authorities, certificate, key = (str(one or "") for one in (self.authorities, self.certificate, self.key))
            tls = Tls(authorities, certificate, key, self.key_password)
        sasl = None
        if self.sasl is not None:
            password = self.password
            if self.password_file is not None:
                password = self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
            sasl = Sasl(self.sasl, self.user, password)
        return given(self.bootstrap, tls, sasl)

    def unsafe(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """(setting, what is wrong with it)."""
        if not self.tls:
            for name in ("authorities", "certificate", "key"):
                if getattr(self, name) is not None:
                    yield (name,), "has no effect without tls: true"
        if self.key is not None and self.certificate is None:
            yield ("key",), "needs a certificate"
        if self.sasl == "PLAIN" and not self.tls:
            yield ("sasl",), "PLAIN needs tls: true: no password travels in the clear"
        if self.sasl is None and (self.user or self.password_env or self.password_file):
            yield ("user" if self.user else "password_env",), "has no effect without sasl"
        if self.sasl is not None:
            if not self.user:
                yield ("sasl",), "needs a user"
            if (self.password_env is None) == (self.password_file is None):
                yield ("sasl",), "needs either password_env or password_file"

    def located(self, base: Path) -> Self:
        """The same with files relative to this folder."""
        files = ("authorities", "certificate", "key", "password_file")
        found: dict[str, Any] = {name: base / given for name in files if (given := getattr(self, name)) is not None}
        return replace(self, **found)

    @classmethod
    def secrets(cls) -> dict[str, str]:
        """Field that names a variable -> field that takes what is in it."""
        return {"key_password_env": "key_password", "password_env": "password"}

    def declared(self) -> list[Topic]:
        """The topics that it speaks of."""
        raise NotImplementedError
