"""Slack's incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""

from __future__ import annotations

from engine.outcomes import Publication
from engine.publish.one_way import OneWay
from engine.publish.slack_message import Payload


class SlackWebhook(OneWay):
    """A sink for the channel of one webhook."""

    def body(self, publication: Publication) -> Payload:
        """The message."""
        return Payload.of(self._texts.message(publication))
