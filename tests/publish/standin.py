"""A strict stand-in for a ticketing system: no deduplication, a search that lags, rate limits, and faults by script.

It speaks JSON over four routes, as the smallest common part of real systems: make a ticket, search by key, read one,
add a note (and close). `Office.handle` is the whole of it; `tests.publish.standin_http` puts it behind a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from engine.signals import Millis

LAG: Millis = 120_000
"""How far the search index is behind."""
HTML = b"<!doctype html><title>Sign in</title><p>Your session has ended.</p>"


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b"{}"
    retry_after: int | None = None


class NoAnswer(Exception):
    """The client hears nothing; ``sent``: the request arrived; ``seconds``: how long it waited for that."""

    def __init__(self, *, sent: bool, seconds: float = 0.0) -> None:
        super().__init__("no answer")
        self.sent, self.seconds = sent, seconds


class Ticket(msgspec.Struct, kw_only=True):
    id: str
    key: str
    title: str
    made_at: Millis
    state: str = "open"
    duplicate_of: str = ""
    texts: list[str] = []
    changes: list[dict[str, str]] = []  # by people


class New(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    title: str
    text: str


class Addition(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    state: str = ""
    duplicate_of: str = ""


Script = Callable[[str, str], str]
"""(method, path) -> what goes wrong with this request: one of `FAULTS`, empty for nothing."""

FAULTS = (
    "refused", "hang", "hang after", "lost", "500", "500 after", "html", "html after", "429", "503", "double",
)  # fmt: skip


class Office:
    """``allowed`` requests a minute; whoever comes before it was told to has not obeyed (``impolite``)."""

    def __init__(self, clock: Callable[[], Millis], *, lag: Millis = LAG, allowed: int = 1_000_000) -> None:
        self.clock, self.lag, self.allowed = clock, lag, allowed
        self.tickets: dict[str, Ticket] = {}
        self.script: Script = lambda method, path: ""
        self.struck = self.requests = self.impolite = 0
        self._window: list[Millis] = []
        self._shut: Millis = 0

    def handle(self, method: str, target: str, body: bytes) -> Reply:
        """One request. Raises `NoAnswer`."""
        self.requests += 1
        now = self.clock()
        if now < self._shut:
            self.impolite += 1
            return self._wait(self._shut - now)
        self._window = [at for at in self._window if at > now - 60_000] + [now]
        if len(self._window) > self.allowed:
            self.struck += 1
            return self._wait(self._window[0] + 60_000 - now)
        fault = self.script(method, target)
        self.struck += bool(fault)
        return self._faulty(fault, method, target, body) if fault else self._do(method, target, body)

    def _wait(self, left: Millis) -> Reply:
        seconds = max(1, -(-left // 1000))
        self._shut = self.clock() + seconds * 1000
        return Reply(429, b'{"error": "slow down"}', seconds)

    def _faulty(self, fault: str, method: str, target: str, body: bytes) -> Reply:
        kind, _, after = fault.partition(" ")
        if kind == "refused":
            raise NoAnswer(sent=False)
        if kind == "429":
            return self._wait(20_000)
        if kind == "503":
            return Reply(503, b"", 20)
        if after or kind in ("lost", "double"):
            done = self._do(method, target, body)
        if kind == "double":
            return self._do(method, target, body)
        if kind in ("hang", "lost"):
            raise NoAnswer(sent=True, seconds=20.0 if kind == "hang" else 0.1)
        if kind == "html":
            return Reply(done.status if after else 200, HTML)
        assert kind == "500", fault
        return Reply(500, b"oops")

    def _do(self, method: str, target: str, body: bytes) -> Reply:
        url = urlsplit(target)
        parts = url.path.strip("/").split("/")
        try:
            match method, parts:
                case "POST", ["tickets"]:
                    return self._make(msgspec.json.decode(body, type=New))
                case "GET", ["tickets"]:
                    return self._search(parse_qs(url.query)["key"][0])
                case "GET", ["tickets", id]:
                    return _json(200, self.tickets[id])
                case "POST", ["tickets", id, "notes"]:
                    return self._add(self.tickets[id], msgspec.json.decode(body, type=Addition))
        except KeyError:
            return Reply(404)
        except msgspec.DecodeError as error:
            return Reply(400, str(error).encode())
        return Reply(404)

    def _make(self, new: New) -> Reply:
        id = f"T-{len(self.tickets) + 1}"
        made = Ticket(id=id, key=new.key, title=new.title, made_at=self.clock(), texts=[new.text])
        self.tickets[id] = made
        return _json(201, {"id": id})

    def _search(self, key: str) -> Reply:
        seen = self.clock() - self.lag
        found = [one for one in self.tickets.values() if one.key == key and one.made_at <= seen]
        return _json(
            200, {"tickets": [{"id": one.id, "state": one.state, "duplicate_of": one.duplicate_of} for one in found]}
        )

    def _add(self, ticket: Ticket, new: Addition) -> Reply:
        if new.state not in ("", "open", "closed"):
            return Reply(422, b'{"error": "no such state"}')
        ticket.texts.append(new.text)
        ticket.state = new.state or ticket.state
        ticket.duplicate_of = new.duplicate_of or ticket.duplicate_of
        return _json(201, {})

    def person(self, id: str, field: str, value: str) -> None:
        """Somebody changes something in a ticket."""
        self.tickets[id].changes.append({"field": field, "value": value, "author": "ann"})


def _json(status: int, value: Any) -> Reply:
    return Reply(status, msgspec.json.encode(value))
