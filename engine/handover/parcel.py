"""What one shard hands over to another, and how it is cut into parts that fit into a record."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.context import Context
from engine.evidence.answers import Answered
from engine.evidence.logs.store import EntityLogs
from engine.evidence.model.cases import Case
from engine.evidence.traces.store import Edge, Reporter
from engine.signals import Handover
from engine.state import Alert, ChangeSeen, Copies, Incident, Trouble, decoder_of, encode_part
from engine.timers import Timer

PART = 512 * 1024
"""Bytes of a part at most: half of what a broker takes in one record unless it is told otherwise."""


class Parcel(msgspec.Struct, omit_defaults=True):
    """Everything that a shard knew of domains that another one owns, as of its activation number ``activated``.

    ``glue`` and ``pins`` are of the alerts, ``timers`` of alerts and incidents; ``waiting`` are those of the incidents
    that wait for the end of a storm, ``marks`` what storms held together. ``cases`` name their table. ``series`` are in
    the form of a snapshot. ``signals``: an envelope of what has come for the domains since.
    """

    activated: int
    alerts: list[Alert] = []
    incidents: list[Incident] = []
    glue: dict[int, int] = {}
    pins: dict[int, int] = {}
    timers: list[Timer] = []
    waiting: list[str] = []
    marks: list[int] = []
    cases: list[tuple[str, Case]] = []
    changes: dict[str, list[ChangeSeen]] = {}
    copies: dict[str, dict[str, Copies]] = {}
    troubled: dict[str, list[Trouble]] = {}
    answers: dict[str, Answered] = {}
    logs: dict[str, EntityLogs] = {}
    reporters: dict[str, Reporter] = {}
    edges: dict[str, dict[str, Edge]] = {}
    series: dict[str, Any] | None = None
    signals: bytes = b""


_decoder = decoder_of(Parcel)


def opened(body: bytes) -> Parcel:
    """The parcel of its encoded form."""
    found: Parcel = _decoder.decode(body)
    return found


def send(context: Context, to: int, parcel: Parcel) -> None:
    """Among the outcomes, in parts."""
    body, shared = encode_part(parcel), context.state.shared
    for begin in range(0, len(body), PART):
        shared.handed += 1
        part = Handover(context.shard.number, shared.handed, begin + PART >= len(body), body[begin : begin + PART])
        context.out.handovers.append((to, part))
