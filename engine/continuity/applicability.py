"""Does a playbook fit this trouble, and does it still fit the topology and the people? Drift is named step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec

from engine.signals import Millis
from rules.playbooks import Playbook
from rules.playbooks.model import APPROVED, CONSISTENCY, PROBE
from topology.model import Topology


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks against a playbook; ``step`` is the task or gate concerned ("": all of it). One that
    ``blocks`` is overcome only by somebody who says so and why."""

    kind: str
    text: str
    step: str = ""
    blocks: bool = False


def stale(playbook: Playbook, now: Millis) -> Iterator[Doubt]:
    """Its state, its review, its last proof."""
    if playbook.state != APPROVED:
        yield Doubt(kind="state", text=f"the playbook is {playbook.state}, not approved", blocks=True)
    yield from _unapproved(playbook)
    due = review_due(playbook)
    if due is None:
        yield Doubt(kind="unreviewed", text="nobody has reviewed it")
    elif due <= now:
        yield Doubt(kind="stale", text=f"it was last reviewed on {playbook.reviewed}, which is too long ago")
    if not playbook.proven:
        yield Doubt(kind="unproven", text="it was never proven in an incident or an exercise")


def _unapproved(playbook: Playbook) -> Iterator[Doubt]:
    """What is from a repository counts once somebody else than its authors has approved it."""
    origin = playbook.origin
    if origin is not None and not origin.approved_by:
        text = f"commit {origin.commit[:12]} by {', '.join(origin.authors)} was approved by nobody else"
        yield Doubt(kind="unapproved", text=text, blocks=True)


def drift(playbook: Playbook, topology: Topology, checks: Collection[str]) -> Iterator[Doubt]:
    """Where it does not fit the topology and the rules in force, step by step. ``checks`` are the ids of declared
    probes and data checks."""
    if playbook.topology and playbook.topology != topology.version:
        text = f"it was proven against topology {playbook.topology}; {topology.version} is in force"
        yield Doubt(kind="topology", text=text)
    for task in playbook.tasks:
        if task.entity and topology.resolve(task.entity) is None:
            text = f"step {task.id}: there is no entity {task.entity!r} any more"
            yield Doubt(kind="entity", text=text, step=task.id, blocks=True)
        for consumer, provider in task.expects:
            if not _depends(topology, consumer, provider):
                text = f"step {task.id}: {consumer} does not depend on {provider} any more"
                yield Doubt(kind="dependency", text=text, step=task.id, blocks=True)
    for gate in playbook.gates:
        if gate.entity and topology.resolve(gate.entity) is None:
            text = f"gate {gate.id}: there is no entity {gate.entity!r} any more"
            yield Doubt(kind="entity", text=text, step=gate.id, blocks=True)
        if gate.check in (CONSISTENCY, PROBE) and gate.name not in checks:
            text = f"gate {gate.id}: {gate.name!r} is no declared probe or data check, so it will stay closed"
            yield Doubt(kind="check", text=text, step=gate.id)


def unowned(playbook: Playbook, fill: Callable[[str], tuple[str, ...]]) -> Iterator[Doubt]:
    """Tasks for which nobody is on duty; ``fill`` says who fills a role."""
    for task in playbook.tasks:
        if not fill(task.accountable):
            text = f"step {task.id}: nobody is on duty for {task.accountable}, who is accountable"
            yield Doubt(kind="owner", text=text, step=task.id, blocks=True)


def misfit(playbook: Playbook, troubled: Collection[str], alerts: Collection[str]) -> Iterator[Doubt]:
    """Is it for this trouble at all?"""
    if not set(playbook.entities) & set(troubled):
        text = f"it is for {', '.join(playbook.entities)}; the trouble is with {', '.join(sorted(troubled))}"
        yield Doubt(kind="entities", text=text, blocks=True)
    if playbook.alerts and not set(playbook.alerts) & set(alerts):
        yield Doubt(kind="alerts", text=f"it is for alerts {', '.join(playbook.alerts)}, none of which fires")


def changed_since(playbook: Playbook, changes: Collection[tuple[str, Millis, str]]) -> Iterator[Doubt]:
    """What of what it touches has changed (entity, when, what) since it was last proven."""
    proven = _day(playbook.proven)
    for entity, at, what in sorted(changes):
        if proven is not None and at >= proven + 86_400_000:
            steps = [task.id for task in playbook.tasks if task.entity == entity]
            where = f"step {', '.join(steps)}: " if steps else ""
            text = f"{where}{entity} has changed ({what}) since it was proven on {playbook.proven}"
            yield Doubt(kind="changed", text=text, step=steps[0] if steps else "")


def review_due(playbook: Playbook) -> Millis | None:
    """When it has to be reviewed again; None where it never was."""
    seen = _day(playbook.reviewed)
    return None if seen is None else seen + playbook.review_every


def _day(text: str) -> Millis | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return round((datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) / timedelta(milliseconds=1))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _depends(topology: Topology, consumer: str, provider: str) -> bool:
    user, used = topology.resolve(consumer), topology.resolve(provider)
    return user is not None and any(d.provider == used for d in topology.providers(user))
