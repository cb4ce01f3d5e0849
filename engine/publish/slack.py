"""Slack: one message per incident that is edited as the incident goes on, with the news in the thread below it.

https://docs.slack.dev/reference/methods/chat.postMessage and chat.update. A message carries the publication's key in
its metadata, by which `Slack.find` recognises it in the channel's history after a lost answer. An answer is ``ok`` or
names an ``error``; both have HTTP status 200. Editing twice changes nothing, so only what is posted is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.ports import Clock
from engine.publish.asking import asking
from engine.publish.egress import Answer, Egress
from engine.publish.posting import Post, shown
from engine.publish.slack_message import KIND, Metadata, Payload, Posted, Sent
from engine.publish.texts import comment, plain
from engine.publish.texts.message import Texts
from engine.publish.webhook import judge
from engine.sending import Link, OutboxRow, Receipt

API = "https://slack.com/api"
LATER = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"})
PERHAPS = frozenset({"internal_error", "fatal_error"})
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The message cannot be edited (any more): the incident gets another one."""
LOOKED_BACK = 3600
"""Seconds before its creation from which a publication is looked for: clocks differ."""
Answered = TypeVar("Answered", Sent, Posted)


class Slack:
    """A sink for one channel, by a bot's token. It serves one audience, for it keeps one message per incident."""

    idempotent = False

    def __init__(
        self,
        name: str,
        channel: str,
        token: str,
        egress: Egress,
        clock: Clock,
        audiences: frozenset[str],
        texts: Texts,
        base: str = API,
    ) -> None:
        self.name, self.audiences = name, audiences
        self._channel, self._texts, self._base = channel, texts, base
        self._egress, self._clock = egress, clock
        self._headers = {"Authorization": f"Bearer {token}"}
        self._post = Post(egress, clock, self._headers)

    def send(self, row: OutboxRow) -> Receipt:
        """Edit the incident's message and say what is new below it; post it when there is none."""
        publication, message = row.publication, self._message(row.publication)
        if row.link is None:
            return self._posted(publication, message)
        channel, _, ts = row.link.remote.partition(":")
        try:
            self._call("chat.update", message.edit(channel, ts))
        except SinkError as error:
            if isinstance(error, SlackError) and error.code in GONE:
                return self._posted(publication, message)
            error.ambiguous = False  # editing once more changes nothing
            raise
        if text := self._texts.escape(comment(publication)):
            self._call("chat.postMessage", Payload.reply(text, channel, ts, _metadata(publication)))
        return self._receipt(row.link, publication)

    def find(self, row: OutboxRow) -> Receipt | None:
        """The message or the reply that carries the publication's key, if it is there."""
        publication, link = row.publication, row.link
        channel, _, ts = link.remote.partition(":") if link else (self._channel, "", "")
        oldest = publication.created_at // 1000 - LOOKED_BACK
        query = {"channel": channel, "limit": "200", "include_all_metadata": "true", "oldest": str(oldest)}
        method = "conversations.replies" if link else "conversations.history"
        if link:
            query["ts"] = ts
        cursor = ""
        while True:
            found = self._get(method, query | ({"cursor": cursor} if cursor else {}))
            for one in found.messages:
                if one.ts != ts and one.metadata == _metadata(publication):  # a thread begins with its parent
                    return self._receipt(link, publication) if link else self._kept(channel, one.ts, publication)
            cursor = found.response_metadata.next_cursor
            if not cursor:
                return None

    def show(self, row: OutboxRow) -> str:
        """The JSON of every call."""
        message = self._message(row.publication)
        if row.link is None:
            return f"chat.postMessage {shown(message)}"
        channel, _, ts = row.link.remote.partition(":")
        calls = [f"chat.update {shown(message.edit(channel, ts))}"]
        if text := self._texts.escape(comment(row.publication)):
            calls.append(f"chat.postMessage {shown(Payload.reply(text, channel, ts, _metadata(row.publication)))}")
        return "\n".join(calls)

    def _message(self, publication: Publication) -> Payload:
        return Payload.of(self._texts.message(publication), channel=self._channel, metadata=_metadata(publication))

    def _posted(self, publication: Publication, message: Payload) -> Receipt:
        made = self._call("chat.postMessage", message)
        if not made.ts:
            raise SinkError("Slack took the message and did not say under which time stamp", ambiguous=True)
        return self._kept(made.channel or self._channel, made.ts, publication)

    def _kept(self, channel: str, ts: str, publication: Publication) -> Receipt:
        return Receipt(f"{channel}:{ts}", keeps=_state(publication))

    def _receipt(self, link: Link, publication: Publication) -> Receipt:
        return Receipt(link.remote, link.url, keeps=_state(publication))

    def _call(self, method: str, body: object) -> Sent:
        return _said(self._post(f"{self._base}/{method}", body), Sent, method)

    def _get(self, method: str, query: Mapping[str, str]) -> Posted:
        with asking(acts=False):
            answer = self._egress.get(f"{self._base}/{method}?{urlencode(query)}", self._headers)
        if answer.status != 200:
            raise judge(answer, self._clock())
        return _said(answer, Posted, method)


class SlackError(SinkError):
    """Slack answered, and did not do it."""

    def __init__(self, code: str, method: str) -> None:
        later, perhaps = code in LATER, code in PERHAPS
        said = f"Slack refuses {method}: {plain(code, 100)}"
        super().__init__(said, permanent=not (later or perhaps), ambiguous=perhaps)
        self.code = code


def _said(answer: Answer, kind: type[Answered], method: str) -> Answered:
    """What Slack says came of it. A page of HTML behind a success says nothing."""
    try:
        said = msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SinkError(f"{method} was answered, but not in Slack's JSON", ambiguous=True) from None
    if not said.ok:
        raise SlackError(said.error or "no reason given", method)
    return said


def _metadata(publication: Publication) -> Metadata:
    return Metadata(KIND, {"key": publication.key, "incident": publication.incident})


def _state(publication: Publication) -> str:
    return "closed" if publication.action in ("resolve", "merge") else "open"
