"""What one span shows: time of its own, time on the way to a provider, or a wait for somebody who reports nothing.

Network time of a call is the duration of the client span minus that of the server span: each is measured by one clock,
so skew between hosts is in neither. It holds everything between the two: network, proxies, queues before the server's
handler, and the client's own encoding. A call without a client span has none: what passes between the caller's work and
the server's start cannot be told from the caller's work.

A span is a client span when it says so, or, where senders give no kinds, when a single span of another entity is its
only child. A client span without a server span below it is a wait for a provider that reports no spans; it is neither
the entity's own time nor the network's.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.evidence.traces.self_time import covered
from engine.evidence.traces.tally import Micros

CLIENT = "client"
UNSEEN = ""
"""Stands for a provider that reports no spans."""


class Shown(NamedTuple):
    """``provider`` is None for time of its own; ``time`` is None where nothing can be said."""

    provider: str | None
    time: Micros | None
    origin: bool


class Paired(Protocol):
    """A span and what is known of its children."""

    duration: Micros
    kind: str
    failed: bool
    children: int
    broken: bool
    provider: str
    mixed: bool
    waited: Micros
    covered: list[Micros]


def shown(span: Paired) -> Shown:
    """What a span shows, with the children known so far. ``origin``: it failed and none of its children did."""
    origin = span.failed and not span.broken
    if span.kind == CLIENT and not span.provider:
        return Shown(UNSEEN, span.duration - covered(span.covered), origin)
    if span.provider and (span.kind == CLIENT or (not span.kind and span.children == 1)):
        return Shown(span.provider, None if span.mixed else max(0, span.duration - span.waited), origin)
    return Shown(None, span.duration - covered(span.covered), origin)
