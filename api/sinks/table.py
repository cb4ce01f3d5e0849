"""All kinds of receivers: one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic.dataclasses import dataclass

from api.sinks.declared import Declared, World, strict
from api.sinks.webhook import Webhook
from engine.sending import Sink

PUBLICATIONS = "publications.jsonl"


@dataclass(frozen=True, config=strict)
class Sinks:
    """Where publications go. ``log`` writes them to a file beside the data as well."""

    log: bool = True
    webhooks: tuple[Webhook, ...] = ()

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

    def with_secrets(self, variables: Mapping[str, str]) -> Sinks:
        """The same with the secrets filled in."""
        filled: dict[str, Any] = {
            one.name: tuple(_filled(receiver, variables) for receiver in getattr(self, one.name))
            for one in fields(self)
            if isinstance(getattr(self, one.name), tuple)
        }
        return replace(self, **filled)

    def open(self, world: World) -> list[Sink]:
        """All of them."""
        sinks: list[Sink] = []
        if self.log:
            from engine.publish.log import Log

            written = Log("log", world.data / PUBLICATIONS, frozenset({"engineers", "stakeholders", "tickets"}))
            world.stack.callback(written.close)
            sinks.append(written)
        return sinks + [receiver.open(world) for _, _, receiver in self.declared()]


def _filled(receiver: Declared, variables: Mapping[str, str]) -> Declared:
    named = {held: getattr(receiver, name) for name, held in receiver.secrets().items()}
    held: dict[str, Any] = {held: variables.get(variable or "", "") for held, variable in named.items()}
    return replace(receiver, **held)
