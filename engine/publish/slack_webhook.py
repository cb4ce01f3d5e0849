"""Slack's incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

A webhook can neither edit a message nor be asked for one, so every publication is a message of its own, and one whose
answer was lost is sent once more: it names its incident and revision, by which a reader knows it.
"""

from __future__ import annotations

from engine.outcomes import Publication
from engine.publish.posting import Post, shown
from engine.publish.repeats import at_most_twice
from engine.publish.slack_message import Payload
from engine.publish.texts.message import Texts
from engine.sending import OutboxRow, Receipt


class SlackWebhook:
    """A sink for the channel of one webhook; its URL is the secret."""

    idempotent = True

    def __init__(self, name: str, url: str, post: Post, audiences: frozenset[str], texts: Texts) -> None:
        self.name, self.audiences = name, audiences
        self._url, self._post, self._texts = url, post, texts

    def send(self, row: OutboxRow) -> Receipt:
        """Post it. Raises `SinkError`."""
        with at_most_twice(row):
            self._post(self._url, self._message(row.publication))
        return Receipt(row.publication.key)

    def show(self, row: OutboxRow) -> str:
        """The JSON that is posted."""
        return shown(self._message(row.publication))

    def _message(self, publication: Publication) -> Payload:
        return Payload.of(self._texts.message(publication))
