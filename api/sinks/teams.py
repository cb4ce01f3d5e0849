"""A channel or chat of Microsoft Teams, by the webhook of a workflow."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from api.sinks import posted
from api.sinks.declared import Secret, Variable, World, secret, strict
from api.sinks.told import Told
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Teams(Told):
    """``url_env`` names the variable that holds the workflow's URL, which is a secret."""

    url_env: Variable
    url: Secret = secret()

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.teams import BODY
        from engine.publish.teams import Teams as Sender
        from engine.publish.texts.markup.markdown import MARKDOWN

        post = posted.post(self.name, self.url, world, allow_private=self.allow_private)
        texts = self.texts(MARKDOWN, title=200, body=BODY, news=True)
        return Sender(self.name, self.url, post, frozenset(self.audiences), texts)
