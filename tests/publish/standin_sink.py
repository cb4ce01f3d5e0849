"""A sink over the stand-in: everything a sink without a key of its own must do, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.publish.egress import EgressFailed
from engine.sending import Link, Look, OutboxRow, Receipt
from engine.signals import TicketEvent
from tests.publish.standin import Reply

Wire = Callable[[str, str, bytes], Reply]
"""(method, path, body) -> reply. Raises `EgressFailed`."""


class Desk:
    """A `Sink` that is `Finder`, `Watched` and `Reconciled`. The text of a publication is its key."""

    idempotent = False
    audiences = frozenset({"tickets"})

    def __init__(self, wire: Wire, name: str = "tickets") -> None:
        self.name, self._wire = name, wire

    def send(self, row: OutboxRow) -> Receipt:
        publication, link = row.publication, row.link
        if link is None:
            new = {"key": _key(publication), "title": publication.incident, "text": publication.key}
            return Receipt(self._ask("POST", "/tickets", new)["id"], keeps="open")
        closes = publication.action == "resolve"
        note = {"text": publication.key, "state": "closed" if closes else ""}
        self._ask("POST", f"/tickets/{link.remote}/notes", note)
        return Receipt(link.remote, keeps="closed" if closes else "open")

    def find(self, row: OutboxRow) -> Receipt | None:
        publication, link = row.publication, row.link
        remotes = self._search(publication) if link is None else [link.remote]
        for remote in remotes:
            ticket = self._ask("GET", f"/tickets/{remote}")
            if publication.key in ticket["texts"]:
                return Receipt(remote, keeps=ticket["state"])
        return None

    def look(self, link: Link) -> Look:
        changes = self._ask("GET", f"/tickets/{link.remote}")["changes"]
        events = [
            TicketEvent(
                self.name, link.remote, link.incident, one["field"], one["value"], f"{link.remote}/{n}", one["author"]
            )
            for n, one in enumerate(changes)
            if n >= int(link.seen or 0)
        ]
        return Look(tuple(events), str(len(changes)))

    def hint(self, body: bytes) -> str:
        try:
            return str(msgspec.json.decode(body)["ticket"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return ""

    def reconcile(self, link: Link) -> Sequence[Link]:
        found = self._ask("GET", f"/tickets?key={link.incident}.{link.generation}")["tickets"]
        for one in found:
            if one["state"] == "open" and one["id"] != link.remote:
                note = {"text": f"duplicate of {link.remote}", "state": "closed", "duplicate_of": link.remote}
                self._ask("POST", f"/tickets/{one['id']}/notes", note)
                one["duplicate_of"] = link.remote
        others = [one["id"] for one in found if one["duplicate_of"] == link.remote]
        return [msgspec.structs.replace(link, remote=remote, url="", seen="") for remote in others]

    def _search(self, publication: Publication) -> list[str]:
        return [one["id"] for one in self._ask("GET", f"/tickets?key={_key(publication)}")["tickets"]]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        changes = method == "POST"
        try:
            reply = self._wire(method, path, b"" if body is None else msgspec.json.encode(body))
        except EgressFailed as error:
            raise SinkError(str(error), ambiguous=error.sent and changes) from error
        if reply.retry_after is not None:
            raise SinkError(f"the receiver answered {reply.status}", after=float(reply.retry_after))
        if reply.status >= 500:
            raise SinkError(f"the receiver answered {reply.status}", ambiguous=changes)
        if reply.status >= 400:
            raise SinkError(f"the receiver answered {reply.status}", permanent=True)
        try:
            return msgspec.json.decode(reply.body)
        except msgspec.DecodeError:
            raise SinkError("the receiver answered something that is no JSON", ambiguous=changes) from None


def _key(publication: Publication) -> str:
    return f"{publication.incident}.{publication.generation}"
