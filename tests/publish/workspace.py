"""A stand-in for Slack's Web API on loopback: as strict as the documents, with one channel and its threads.

Built from https://docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.history and .replies):
HTTP 200 for every answer but 429, `ok` with `error`, time stamps as strings, metadata only when asked for.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.publish.receiver import Handler

TOKEN, CHANNEL = "xoxb-right", "C0DWNDAR"


class Workspace:
    """Its messages by time stamp; ``fail`` are answers to the next calls of a method, ``lose`` drops an answer."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.fail: dict[str, list[str]] = {}
        self.lose: list[str] = []
        self.wait: list[int] = []
        self.page = 200

    def __call__(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        method = url.path.rpartition("/")[2]
        self.calls.append(method)
        if self.wait:
            handler.answer(429, b'{"ok":false,"error":"ratelimited"}', Retry_After=str(self.wait.pop()))
            return
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(handler, {"ok": False, "error": "invalid_auth"})
            return
        if self.fail.get(method):
            self._say(handler, {"ok": False, "error": self.fail[method].pop(0)})
            return
        if handler.command == "POST":
            given = msgspec.json.decode(handler.server.got[-1].body)
        else:
            given = {name: value[0] for name, value in parse_qs(url.query).items()}
        answer = {"chat.postMessage": self._post, "chat.update": self._update}.get(method, self._list)(given)
        if method in self.lose:
            self.lose.remove(method)
            handler.close_connection = True
            handler.connection.close()
            return
        self._say(handler, answer)

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """The replies below a message."""
        return [one for one in self.messages.values() if one["thread_ts"] == ts]

    def top(self) -> list[dict[str, Any]]:
        """The messages of the channel itself."""
        return [one for one in self.messages.values() if not one["thread_ts"]]

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["channel"] != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if problem := _wrong(given):
            return {"ok": False, "error": problem}
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages[ts] = {"metadata": {}, "thread_ts": "", **given, "ts": ts}
        return {"ok": True, "channel": CHANNEL, "ts": ts}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        if problem := _wrong(given):
            return {"ok": False, "error": problem}
        self.messages[given["ts"]] |= given
        return {"ok": True, "channel": CHANNEL, "ts": given["ts"]}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        ts = given.get("ts", "")
        found = [one for one in self.messages.values() if one["thread_ts"] == ts or (ts and one["ts"] == ts)]
        newest = [one for one in found if float(one["ts"]) >= float(given["oldest"])]
        if given.get("include_all_metadata") != "true":
            newest = [{**one, "metadata": {}} for one in newest]
        start = int(given.get("cursor", "0"))
        more = str(start + self.page) if start + self.page < len(newest) else ""
        page = newest[start : start + self.page]
        return {"ok": True, "messages": page, "response_metadata": {"next_cursor": more}}

    def _say(self, handler: Handler, answer: dict[str, Any]) -> None:
        handler.answer(200, msgspec.json.encode(answer), Content_Type="application/json; charset=utf-8")


def _wrong(given: dict[str, Any]) -> str:
    blocks = given.get("blocks", [])
    lengths = {"header": 150, "section": 3000}
    if len(blocks) > 50 or any(len(one["text"]["text"]) > lengths[one["type"]] for one in blocks):
        return "invalid_blocks"
    if not given.get("text") and not blocks:
        return "no_text"
    return "msg_too_long" if len(given.get("text", "")) > 40_000 else ""
