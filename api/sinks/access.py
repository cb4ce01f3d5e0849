"""The system that grants access to production: told by a signed web hook when access is granted and revoked."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.dataclasses import dataclass

from api.sinks.declared import World, strict
from api.sinks.webhook import Webhook
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Access(Webhook):
    """It hears of access and of nothing else; ``audiences`` do not apply to it, and it needs a secret."""

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.access import ACCESS, access_event
        from engine.publish.webhook import Webhook as Sender

        egress = world.egress(self.url, allow_private=self.allow_private)
        return Sender(self.name, self.url, egress, world.clock, frozenset({ACCESS}), self.secret, access_event)

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Nobody grants access because of a request that is not signed."""
        if self.secret_env is None:
            yield ("secret_env",), "access is told by signed requests only"
