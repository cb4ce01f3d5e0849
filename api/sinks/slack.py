"""A channel of Slack, by a bot's token (one message that is edited) or by an incoming webhook (a message each time)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from api.sinks import posted
from api.sinks.declared import Secret, Url, Variable, World, secret, strict
from api.sinks.told import Told
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Slack(Told):
    """Either ``token_env`` (scopes chat:write and channels:history, for private channels groups:history) with
    ``channel``, its id, or ``url_env``, the variable that holds a webhook's URL."""

    channel: Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9]{2,30})?$")] = ""
    token_env: Variable | None = None
    token: Secret = secret()
    url_env: Variable | None = None
    url: Secret = secret()
    api: Url = "https://slack.com/api"

    @model_validator(mode="after")
    def _one_way(self) -> Slack:
        if bool(self.token_env) == bool(self.url_env) or bool(self.token_env) != bool(self.channel):
            raise ValueError("give either token_env and channel, or url_env")
        if self.channel and len(self.audiences) != 1:
            raise ValueError("one message per incident has one audience: declare a sink for each")
        return self

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.slack import Slack as Bot
        from engine.publish.slack_message import BODY, HEADER
        from engine.publish.slack_webhook import SlackWebhook
        from engine.publish.texts.markup.mrkdwn import MRKDWN

        audiences = frozenset(self.audiences)
        texts = self.texts(MRKDWN, title=HEADER, body=BODY, news=bool(self.url_env))  # else they are in the thread
        if self.url_env:
            post = posted.post(self.name, self.url, world, allow_private=self.allow_private)
            return SlackWebhook(self.name, self.url, post, audiences, texts)
        egress = posted.egress(self.name, self.api, world, allow_private=self.allow_private)
        return Bot(self.name, self.channel, self.token, egress, world.clock, audiences, texts, self.api.rstrip("/"))
