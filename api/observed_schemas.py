"""What the API answers about dependencies that spans show. Times are milliseconds since 1970."""

from __future__ import annotations

import msgspec

from api.schemas import Versions
from engine.evidence.traces.observed import ObservedEdge, UnseenEdge


class ObservedTopology(msgspec.Struct, kw_only=True):
    """The calls that spans show, beside the topology in force.

    ``edges``: all of them, the undeclared first. ``undeclared``: how many are not in the topology. ``unknown``:
    entities that they name and the catalogue does not. ``unseen``: declared dependencies that no span has shown though
    both ends have reported spans for a day. ``total`` and ``unseen_total`` count what one answer may leave out.
    """

    versions: Versions
    total: int
    undeclared: int
    edges: list[ObservedEdge]
    unseen_total: int
    unseen: list[UnseenEdge]
    unknown: list[str]
