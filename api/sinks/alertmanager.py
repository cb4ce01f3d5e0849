"""A receiver that takes what Alertmanager's webhook sends."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass

from api.sinks import posted
from api.sinks.declared import Secret, Url, Variable, World, secret, strict
from api.sinks.told import Told
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Alertmanager(Told):
    """``impact``: each entity that is hit is an alert of the group too. ``token_env``: a bearer token."""

    url: Url = field(repr=False)
    impact: bool = False
    token_env: Variable | None = None
    token: Secret = secret()

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.alertmanager import BODY
        from engine.publish.alertmanager import Alertmanager as Sender
        from engine.publish.texts.markup.plain import PLAIN

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else None
        post = posted.post(self.name, self.url, world, allow_private=self.allow_private, headers=headers)
        texts = self.texts(PLAIN, title=200, body=BODY)
        return Sender(self.name, self.url, post, frozenset(self.audiences), texts, self.impact)
