"""Trying a sink out: a publication that says that it is a test, sent the way of all others, guard included."""

from __future__ import annotations

import msgspec

from api.schemas import SinkTest
from api.sinks.declared import World
from api.sinks.table import PUBLICATIONS, Sinks
from engine.errors import SinkError
from engine.outcomes import IncidentView, Publication, SeverityView
from engine.sending import Link, OutboxRow, Receipt, Shown, Sink
from engine.signals import Millis
from rules.routing import FOLLOW_UP


def attempt(sinks: Sinks, name: str, world: World) -> SinkTest | None:
    """Send a test through the sink of this name; None when there is no such sink. ``world`` closes what it opened.

    A sink in shadow mode sends nothing. Raises Wrong where the sink cannot be put together.
    """
    found = sinks.kinds().get(name)
    if found is None:
        return None
    kind, mode = found
    sink = sinks.one(name, world)
    if mode == "shadow":
        return SinkTest(name, kind, True, "in shadow mode: nothing was sent")
    try:
        return SinkTest(name, kind, True, f"taken as {_try(sink, world.clock()) or PUBLICATIONS}")
    except SinkError as error:
        return SinkTest(name, kind, False, " ".join(error.detail.split()), _kind(error))


def shown(sink: Sink, row: OutboxRow) -> str:
    """What it would send, as text."""
    from engine.publish.texts.message import for_audience

    if isinstance(sink, Shown):
        return sink.show(row)
    text = for_audience(row.publication)
    return f"{text.title}\n\n{text.body}"


def trial_row(sink: str, audience: str, now: Millis, action: str = "open", link: Link | None = None) -> OutboxRow:
    """The publication of a test, as it comes from the outbox."""
    id = f"TEST-{now}"
    why = f"This is a test of the sink {sink}: nothing is wrong, and nothing is to be done."
    view = IncidentView(
        id=id, revision=1, state="suspected" if action == "open" else "resolved", domain="",
        title=f"test of the sink {sink}", why=why, onset=now, opened_at=now, updated_at=now,
        severity=SeverityView(level="SEV5", user_impact="no", data_loss="no", regulatory="no", fired=()),
    )  # fmt: skip
    body = {"incident": msgspec.to_builtins(view), "why": why, "news": [why], "test": True}
    publication = Publication(
        key=f"{id}.{sink}.{action}.{audience}", incident=id, revision=1, generation=1, action=action,
        audience=audience, not_before=now, created_at=now, body=body,
    )  # fmt: skip
    return OutboxRow(id=0, publication=publication, sink=sink, attempts=0, epoch=0, link=link)


def _try(sink: Sink, now: Millis) -> str:
    """Open, and where the receiver keeps something, close it again."""
    audience = min(sink.audiences, key=lambda one: (one == FOLLOW_UP, one))
    receipt = sink.send(trial_row(sink.name, audience, now))
    if receipt.keeps:
        sink.send(trial_row(sink.name, audience, now, "resolve", _link(sink.name, now, receipt)))
    return receipt.remote


def _link(sink: str, now: Millis, receipt: Receipt) -> Link:
    return Link(
        sink=sink, incident=f"TEST-{now}", generation=1, remote=receipt.remote, url=receipt.url, state=receipt.keeps,
        seen=receipt.seen, created_at=now, changed_at=now,
    )  # fmt: skip


def _kind(error: SinkError) -> str:
    if error.permanent:
        return "permanent"
    return "ambiguous" if error.ambiguous else "transient"
