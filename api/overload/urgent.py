"""Which alerts must never wait behind others: tier 0, security, and heartbeats in the form of an alert."""

from __future__ import annotations

from collections.abc import Callable

from engine.signals import AlertEvent
from rules.ruleset import RuleSet
from topology.model import Topology

REMEMBERED = 100_000
"""Answers kept, by fingerprint; then all are forgotten."""


class UrgentAlerts:
    """By the versions of topology and rules in force; another version forgets all answers."""

    def __init__(self, topology: Callable[[], Topology], rules: Callable[[], RuleSet]) -> None:
        self._topology, self._rules = topology, rules
        self._versions = ("", "")
        self._known: dict[str, bool] = {}

    def __call__(self, event: AlertEvent) -> bool:
        """As the engine will find it: the first name that is an entity's."""
        topology, rules = self._topology(), self._rules()
        if (topology.version, rules.version) != self._versions or len(self._known) >= REMEMBERED:
            self._versions, self._known = (topology.version, rules.version), {}
        found = self._known.get(event.labels.fingerprint)
        if found is None:
            found = self._known[event.labels.fingerprint] = _urgent(event, topology, rules)
        return found


def _urgent(event: AlertEvent, topology: Topology, rules: RuleSet) -> bool:
    labels = event.labels.as_dict()
    entity = next((id for name in rules.names(labels) if (id := topology.resolve(name)) is not None), None)
    if entity is not None:
        known = topology.entities[entity]
        if known.tier == 0 or known.security:
            return True
    return rules.heartbeat(labels) is not None
