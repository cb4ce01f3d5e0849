"""How declared receivers fare: the settings joined with what the outbox knows of them."""

from __future__ import annotations

from collections.abc import Iterable

from api.schemas import SinkOf, SinksOf
from api.sinks.table import Sinks
from engine.ports import Standing


def states(sinks: Sinks, standings: Iterable[Standing]) -> SinksOf:
    """Every declared sink; what the outbox still holds for one that is declared no more is not shown."""
    known = {one.sink: one for one in standings}
    audiences = sinks.serving()
    return SinksOf(
        [
            _state(name, kind, mode, sorted(audiences[name]), known.get(name, Standing(sink=name)))
            for name, (kind, mode) in sinks.kinds().items()
        ]
    )


def _state(name: str, kind: str, mode: str, audiences: list[str], standing: Standing) -> SinkOf:
    failed, succeeded = standing.last_failure or 0, standing.last_success or 0
    state = "failing" if standing.dead or failed > succeeded else "ok" if succeeded else "idle"
    return SinkOf(
        name=name, kind=kind, audiences=audiences, mode=mode, state="shadow" if mode == "shadow" else state,
        waiting=standing.waiting, dead=standing.dead, last_success=standing.last_success,
        last_failure=standing.last_failure, error=standing.error,
    )  # fmt: skip
