"""Slack's messages, as they are sent and as they are answered.

Limits: 150 characters of a header, 3,000 of a section, 50 blocks (https://docs.slack.dev/reference/block-kit/blocks).
Nothing is unfurled, and names are not made mentions (``link_names``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.publish.texts.markup.mrkdwn import MRKDWN, escape
from engine.publish.texts.message import Message

KIND = "headwater_publication"
HEADER, SECTION, BODY = 150, 3000, 12_000


class Metadata(msgspec.Struct):
    """What a message carries for programs: ours is known by its type, and holds the publication's key."""

    event_type: str = ""
    event_payload: dict[str, Any] = {}


class Words(msgspec.Struct, omit_defaults=True):
    """Text in a block: ``plain_text``, or ``mrkdwn`` in which no name is linked."""

    type: str
    text: str
    verbatim: bool | None = None
    emoji: bool | None = None


class Block(msgspec.Struct):
    """A header or a section."""

    type: str
    text: Words


class Payload(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of chat.postMessage and chat.update, and of an incoming webhook (without channel and metadata)."""

    text: str
    blocks: tuple[Block, ...] = ()
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    metadata: Metadata | None = None
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    link_names: bool | None = None

    @classmethod
    def of(cls, message: Message, *, channel: str = "", metadata: Metadata | None = None) -> Payload:
        """A header and the lines below it; ``text`` is what notifications show."""
        title = Words("plain_text", message.title[:HEADER], emoji=False)
        sections = (Block("section", Words("mrkdwn", text, verbatim=True)) for text in _sections(message.lines))
        blocks = (Block("header", title), *sections)
        return _quiet(cls(text=escape(message.title), blocks=blocks, channel=channel, metadata=metadata))

    @classmethod
    def reply(cls, text: str, channel: str, ts: str, metadata: Metadata) -> Payload:
        """Lines of mrkdwn in the thread below the message at ``ts``."""
        return _quiet(cls(text=text, channel=channel, thread_ts=ts, metadata=metadata))

    def edit(self, channel: str, ts: str) -> Payload:
        """The same message in place of the one at ``ts``, which keeps its metadata; an edit unfurls nothing."""
        return Payload(text=self.text, blocks=self.blocks, channel=channel, ts=ts, link_names=False)


class Sent(msgspec.Struct):
    """The answer to a message that was posted or edited."""

    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


class _Found(msgspec.Struct):
    ts: str = ""
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class _Next(msgspec.Struct):
    next_cursor: str = ""


class Posted(msgspec.Struct):
    """The answer of conversations.history and conversations.replies."""

    ok: bool
    error: str = ""
    messages: tuple[_Found, ...] = ()
    response_metadata: _Next = msgspec.field(default_factory=_Next)


def _quiet(message: Payload) -> Payload:
    return msgspec.structs.replace(message, unfurl_links=False, unfurl_media=False, link_names=False)


def _sections(lines: Sequence[str]) -> Iterator[str]:
    """Lines in as few sections as hold them; none is longer than a section may be."""
    held = ""
    for line in (MRKDWN.cut(line, SECTION) for line in lines):
        if held and len(held) + 1 + len(line) > SECTION:
            yield held
            held = line
        else:
            held = f"{held}\n{line}" if held else line
    if held:
        yield held
