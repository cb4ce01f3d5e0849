"""Microsoft Teams, by the webhook of a Workflow: a message with an Adaptive Card.

https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook and https://adaptivecards.io/explorer/. The
workflow posts what it gets and answers before it has done so: it can neither edit a message nor be asked for one. So
every publication is a card of its own, and one whose answer was lost is sent once more, under the same reference. A
message holds 28 KB (https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams).
"""

from __future__ import annotations

import msgspec

from engine.outcomes import Publication
from engine.publish.one_way import OneWay
from engine.publish.texts.markup.markdown import escape
from engine.publish.texts.message import Message

SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
BODY = 15_000
LARGEST = 26_000
"""Bytes of a message, with something to spare for what the workflow adds."""


class TextBlock(msgspec.Struct, omit_defaults=True, tag_field="type", tag="TextBlock"):
    """A paragraph of Markdown."""

    text: str
    wrap: bool = False
    weight: str = ""
    size: str = ""
    spacing: str = ""


class Card(msgspec.Struct, tag_field="type", tag="AdaptiveCard"):
    """An Adaptive Card."""

    body: tuple[TextBlock, ...]
    schema: str = msgspec.field(name="$schema", default=SCHEMA)
    version: str = "1.4"


class Attachment(msgspec.Struct):
    """A card as a message carries it."""

    content: Card
    contentType: str = "application/vnd.microsoft.card.adaptive"  # noqa: N815 - Microsoft's name
    contentUrl: str | None = None  # noqa: N815 - Microsoft's name


class CardMessage(msgspec.Struct, tag_field="type", tag="message"):
    """What the webhook takes."""

    attachments: tuple[Attachment, ...]


class Teams(OneWay):
    """A sink for the channel or chat of one workflow."""

    def body(self, publication: Publication) -> CardMessage:
        """The card, without the last lines where it would be too large."""
        message = self._texts.message(publication)
        lines, left = list(message.lines), 0
        while len(msgspec.json.encode(made := _card(message, lines, left))) > LARGEST:
            lines.pop()
            left += 1
        return made


def _card(message: Message, lines: list[str], left: int) -> CardMessage:
    """One block per line: nothing in a line can make it part of another."""
    head = TextBlock(escape(message.title), wrap=True, weight="Bolder", size="Medium")
    shown = [*lines, f"… {left} more lines"] if left else lines
    blocks = (TextBlock(line, wrap=True, spacing="Small") for line in shown if line.strip())
    return CardMessage((Attachment(Card((head, *blocks))),))
