"""All kinds of receivers: one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from api.sinks.access import Access
from api.sinks.alertmanager import Alertmanager
from api.sinks.declared import Declared, World, strict
from api.sinks.jira import Jira
from api.sinks.kafka import Kafka
from api.sinks.mail import Mail
from api.sinks.pagerduty import PagerDuty
from api.sinks.rest import Rest
from api.sinks.roundup import Roundup
from api.sinks.rt import RequestTracker
from api.sinks.servicenow import ServiceNow
from api.sinks.slack import Slack
from api.sinks.teams import Teams
from api.sinks.webhook import Webhook
from engine.sending import Sink
from rules.routing import FOLLOW_UP

PUBLICATIONS = "publications.jsonl"
LOG = "log"
EVERYBODY = frozenset({"engineers", "stakeholders", "tickets"})


@dataclass(frozen=True, config=strict)
class Sinks:
    """Where publications go. ``log`` writes them to a file beside the data as well."""

    log: bool = True
    webhooks: tuple[Webhook, ...] = ()
    mail: tuple[Mail, ...] = ()
    slack: tuple[Slack, ...] = ()
    teams: tuple[Teams, ...] = ()
    alertmanager: tuple[Alertmanager, ...] = ()
    rt: tuple[RequestTracker, ...] = ()
    roundup: tuple[Roundup, ...] = ()
    rest: tuple[Rest, ...] = ()
    servicenow: tuple[ServiceNow, ...] = ()
    jira: tuple[Jira, ...] = ()
    pagerduty: tuple[PagerDuty, ...] = ()
    kafka: tuple[Kafka, ...] = ()
    access: tuple[Access, ...] = ()

    def declared(self) -> Iterator[tuple[str, int, Declared]]:
        """(setting, place in its list, receiver)"""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, tuple):
                yield from ((one.name, place, receiver) for place, receiver in enumerate(value))

    @property
    def names(self) -> frozenset[str]:
        """The names of the declared receivers."""
        return frozenset(receiver.name for _, _, receiver in self.declared())

    def unset(self, variables: Mapping[str, str]) -> Iterator[tuple[str, int, str, str]]:
        """(setting, place, field, variable) of every variable that a receiver names and that is not set."""
        for setting, place, receiver in self.declared():
            for name in receiver.secrets():
                variable = getattr(receiver, name)
                if variable and not variables.get(variable):
                    yield setting, place, name, variable

    def located(self, base: Path) -> Sinks:
        """The same with files relative to this folder."""
        return replace(self, kafka=tuple(one.located(base) for one in self.kafka))

    def with_secrets(self, variables: Mapping[str, str]) -> Sinks:
        """The same with the secrets filled in."""
        filled: dict[str, Any] = {
            one.name: tuple(_filled(receiver, variables) for receiver in getattr(self, one.name))
            for one in fields(self)
            if isinstance(getattr(self, one.name), tuple)
        }
        return replace(self, **filled)

    def kinds(self) -> dict[str, tuple[str, str]]:
        """Name of a sink -> its kind and mode, in the order in which they are declared."""
        own = {LOG: (LOG, "live")} if self.log else {}
        return own | {receiver.name: (setting, receiver.mode) for setting, _, receiver in self.declared()}

    def serving(self) -> dict[str, frozenset[str]]:
        """Name of a sink -> its audiences."""
        own = {LOG: EVERYBODY} if self.log else {}
        return own | {receiver.name: frozenset(receiver.audiences) for _, _, receiver in self.declared()}

    def one(self, name: str, world: World) -> Sink:
        """The sink of this name. Raises KeyError."""
        if self.log and name == LOG:
            return _log(world)
        return {receiver.name: receiver for _, _, receiver in self.declared()}[name].open(world)

    def open(self, world: World) -> list[Sink]:
        """All of them."""
        sinks = [_log(world)] if self.log else []
        return sinks + [_opened(receiver, world) for _, _, receiver in self.declared()]


def _opened(receiver: Declared, world: World) -> Sink:
    if receiver.mode == "live":
        return receiver.open(world)
    from engine.publish.shadow import Shadow

    noted = Shadow(receiver.name, world.data / f"shadow-{receiver.name}.jsonl", receiver.hears())
    world.stack.callback(noted.close)
    return noted


def _log(world: World) -> Sink:
    from engine.publish.log import Log

    written = Log(LOG, world.data / PUBLICATIONS, EVERYBODY | {FOLLOW_UP})
    world.stack.callback(written.close)
    return written


def _filled(receiver: Declared, variables: Mapping[str, str]) -> Declared:
    named = {held: getattr(receiver, name) for name, held in receiver.secrets().items()}
    held: dict[str, Any] = {held: variables.get(variable or "", "") for held, variable in named.items()}
    return replace(receiver, **held)
