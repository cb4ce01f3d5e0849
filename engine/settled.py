"""What is kept of a domain's last settling while only alerts come in. It is no part of the state: whoever has it not
settles anew, and finds the same."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.correlate.graph import Node
from engine.state import Alert, Incident

_OF_ALERTS = frozenset({"settle", "final", "expiry", "forget", "gate", "flap"})
"""Timers that change nothing about an incident but by its alerts."""


class Settled(msgspec.Struct):
    """The nodes of a domain's only trouble, the id of its incident, and the alerts that ``came`` since."""

    nodes: list[Node]
    incident: str
    came: list[Alert] = []


def unsettle(settled: dict[str, Settled], incidents: Mapping[str, Incident], kind: str, key: str) -> None:
    """A timer fires, of an incident or else of anything: how its domain was settled may be so no longer."""
    if kind in _OF_ALERTS:
        return
    incident = incidents.get(key)
    if incident is None:
        settled.clear()
    else:
        settled.pop(incident.domain, None)
