"""A receiver of publications by HTTP POST."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass

from api.sinks.declared import Declared, Secret, Url, Variable, World, secret, strict
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Webhook(Declared):
    """``secret_env`` names the variable that holds the signing secret."""

    url: Url = field(repr=False)
    secret_env: Variable | None = None
    secret: Secret = secret()

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.webhook import Webhook as Sender

        egress = world.egress(self.url, allow_private=self.allow_private)
        return Sender(self.name, self.url, egress, world.clock, frozenset(self.audiences), self.secret)
