"""Where there is no history: an entity (or edge) beside its peers in the same window.

Robust z-score of the logarithm of the mean time among those of all peers: (x − median) / max(1.4826 · MAD,
`NARROWEST`). Network times of edges in one system are alike (milliseconds), so a delay of a hundred stands out; self
times are not, and only what is far beyond all others does. It is weaker than a comparison with the entity's own past,
and a finding says which of the two it is (`basis`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from statistics import median
from typing import NamedTuple, TypeVar

from engine.evidence.traces.tally import Tally

PEERS = 5
"""Entities or edges without which a comparison says nothing."""
NARROWEST = 0.5
"""Least spread believed, in logarithms: peers differ by two thirds without meaning anything."""
SHRINK = 2
"""A mean of n times counts n / (n + this)."""
MAD_TO_SIGMA = 1.4826


Peer = TypeVar("Peer")


class Beside(NamedTuple):
    """How far one is from its peers: ``score`` in robust deviations, ``ratio`` to their median, mean in ms."""

    score: float
    ratio: float
    usual: float
    seen: float
    spans: int
    peers: int


def beside(window: Mapping[Peer, Tally]) -> dict[Peer, Beside]:
    """Each of the peers against all of them; nothing where they are too few."""
    sizes = {name: tally.measured for name, tally in window.items()}
    logs = {name: log((window[name].total + size) / size) for name, size in sizes.items() if size}
    if len(logs) < PEERS:
        return {}
    middle = median(logs.values())
    spread = max(median(abs(value - middle) for value in logs.values()) * MAD_TO_SIGMA, NARROWEST)
    found = {}
    for name, value in logs.items():
        size = sizes[name]
        score = (value - middle) / spread * size / (size + SHRINK)
        usual = exp(middle)
        found[name] = Beside(
            round(score, 4),
            round(window[name].total / size / usual, 4),
            round(usual / 1000, 4),
            round(window[name].total / size / 1000, 4),
            size,
            len(logs),
        )
    return found
