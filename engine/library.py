"""What the versions contain that the input log names: topologies and rule sets, filled in by the shell."""

from __future__ import annotations

from engine.errors import UnknownVersion
from rules.ruleset import RuleSet
from topology.model import Topology


class Library:
    """Versions by id. Versions are never changed, only added."""

    def __init__(self) -> None:
        self._topologies: dict[str, Topology] = {}
        self._rules: dict[str, RuleSet] = {}

    def add_topology(self, topology: Topology) -> str:
        """Keep a topology; returns its version."""
        self._topologies[topology.version] = topology
        return topology.version

    def add_rules(self, rules: RuleSet) -> str:
        """Keep a rule set; returns its version."""
        self._rules[rules.version] = rules
        return rules.version

    def topology(self, version: str) -> Topology:
        """The topology of a version; `UnknownVersion` when the shell did not provide it."""
        try:
            return self._topologies[version]
        except KeyError:
            raise UnknownVersion(f"topology {version}") from None

    def rules(self, version: str) -> RuleSet:
        """The rules of a version; `UnknownVersion` when the shell did not provide them."""
        try:
            return self._rules[version]
        except KeyError:
            raise UnknownVersion(f"rules {version}") from None
