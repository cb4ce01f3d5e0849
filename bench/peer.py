"""The two servers under one interface, each started fresh for every measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import alertmanager, headwater
from bench.process import Server


@dataclass(frozen=True)
class Peer:
    """``start(folder, sink port, group wait)``; ``path`` takes the alerts; ``durable``: a 2xx means on disk."""

    name: str
    start: Callable[[Path, int, str], Server]
    path: str
    durable: bool


ALERTMANAGER = Peer("alertmanager", alertmanager.start, alertmanager.PATH, durable=False)
HEADWATER = Peer("headwater", headwater.start, headwater.PATH, durable=True)


def present() -> list[Peer]:
    """The peers that can be started here, Headwater last."""
    return [ALERTMANAGER, HEADWATER] if alertmanager.program() else [HEADWATER]
