"""What runs out, and when: recovery objectives, data loss, regulatory deadlines, promised updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from api.console.states import called
from engine.clock_views import COUNTED_CLOCKS
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.signals import Millis

NAMES = {"rto": "RTO", "mtd": "MTD", "rpo": "RPO", "update": "update"}


class Countdown(msgspec.Struct, frozen=True, kw_only=True):
    """``due`` is the moment (None: nothing runs, it is a finding: RPO), ``sure`` whether it is certain to be missed
    (yes, no, cannot_exclude; "": not said)."""

    incident: str
    kind: str
    label: str
    about: str
    due: Millis | None
    sure: str = ""
    state: str = ""


def countdowns(views: Iterable[IncidentView]) -> list[Countdown]:
    """Of these incidents, the soonest first; what has no moment last."""
    found = [one for view in views for one in _of(view)]
    return sorted(found, key=lambda one: (one.due is None, one.due or 0, one.incident, one.kind, one.about))


def _of(view: IncidentView) -> Iterator[Countdown]:
    if view.state in OPEN:
        yield from _objectives(view)
        if view.next_update_at is not None:
            yield Countdown(
                incident=view.id, kind="update", label="Update", about="stakeholders", due=view.next_update_at
            )
    for clock in view.clocks:
        if clock.state in COUNTED_CLOCKS and clock.due is not None:
            about = f"{clock.name} to {clock.notify}" if clock.notify else clock.name
            yield Countdown(
                incident=view.id, kind="clock", label=clock.regime.upper(), about=about, due=clock.due,
                sure=clock.applies, state=clock.state,
            )  # fmt: skip


def _objectives(view: IncidentView) -> Iterator[Countdown]:
    for one in view.objectives:
        yield Countdown(
            incident=view.id, kind=one.kind, label=NAMES.get(one.kind, one.kind), about=called(view, one.entity),
            due=one.due, sure=one.breach,
        )  # fmt: skip
    for loss in view.harm.exposure:
        if loss.rpo is not None and loss.exposed != "no":
            yield Countdown(
                incident=view.id, kind="rpo", label="RPO", about=called(view, loss.entity), due=None, sure=loss.exposed,
                state=f"{loss.rpo}:{loss.loss_low}:{'' if loss.loss_high is None else loss.loss_high}",
            )  # fmt: skip
