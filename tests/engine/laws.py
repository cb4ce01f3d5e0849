"""The core on a simulated clock, with what must hold after every call of it."""

from __future__ import annotations

import os
from collections import Counter

from engine import state as states
from engine.core import Core
from engine.lifecycle import OPEN, State
from engine.outcomes import Outcomes
from engine.reasons import Disposition, Reason
from rules.ruleset import RuleSet
from tests.scenarios import world
from tests.scenarios.drive import Driven
from topology.model import Topology

SNAPSHOTS = int(os.environ.get("SNAPSHOTS", "10"))
"""Every so often the snapshot is read back as well, which costs more than all else; `make soak` does it every time."""


class Lawful(Driven):
    """Looks after every input and every tick whether the laws hold."""

    received = 0
    kept = 0

    def _keep(self, said: Outcomes) -> None:
        super()._keep(said)
        self.received += len(said.ledger)
        self.kept += 1
        check(self)
        if self.kept % SNAPSHOTS == 0:
            assert states.decode(self.core.snapshot()).timers == self.core._context.timers.snapshot()


class World(world.World):
    """A scenario's world in which the laws are looked at all the time."""

    def __init__(self, topology: Topology, rules: RuleSet | None = None) -> None:
        super().__init__(topology, rules)
        self.driven = Lawful(topology, rules, start=world.MIDNIGHT)

    @property
    def core(self) -> Core:
        """The core under test."""
        return self.driven.core


def check(driven: Lawful) -> None:
    """Every event has one current disposition; what is held has a deadline; alerts and incidents agree."""
    counts = driven.core.counts
    current = Counter(entry.disposition for entry in driven.ledger.values())
    assert counts["received"] == driven.received == sum(current.values())
    assert {d: counts[d] for d in Disposition} == {d: current[d] for d in Disposition}
    state = driven.core.state
    timers = {(kind, key) for _, kind, key in driven.core._context.timers.snapshot()}
    waiting = Counter(entry.alert for entry in driven.ledger.values() if entry.disposition is Disposition.HELD)
    assert waiting.keys() <= state.alerts.keys(), "a held alert was forgotten"
    for number, alert in state.alerts.items():
        if alert.disposition is Disposition.HELD:
            waits = {("settle", alert.domain)} if alert.reason is Reason.SETTLING else {("gate", str(number))}
            if alert.reason is Reason.AWAITING_EVIDENCE:
                waits = {("settle", alert.domain), ("evidence", alert.domain)}
            assert waits & timers
        if alert.live:
            assert alert.no in state.domains[alert.domain].cells[alert.entity].alerts
            assert alert.disposition in (Disposition.OPENED, Disposition.ATTACHED) or alert.admitted or not alert.event
    keys = [publication.key for publication in driven.outbox]
    assert len(keys) == len(set(keys)), "two publications have one key"
    for name, incident in state.incidents.items():
        domain = state.domains[incident.domain]
        assert (name in domain.open) == (incident.state in OPEN)
        if incident.state in OPEN:
            assert incident.alerts <= state.alerts.keys()
        if incident.state in (State.DECLARED, State.RESTORING):
            assert incident.told, f"{name} is {incident.state}, and nobody was told"
