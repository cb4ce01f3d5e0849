"""Which shard a signal is for: that of the domain of its entity, as the core itself resolves it.

Stage 1 splits by it what comes in; a core asks it whether a signal is its own. Both know the same rules and topology,
or soon will: a core that gets what is another's passes it on (`engine.handover`).

* alerts, samples, log records, changes: the domain of their entity; what no entity is found for is of one domain
* spans: the domain of the entity that reports them, so that they are evidence where it is decided. Calls between two
  domains are then seen by neither: nothing but undeclared or informational dependencies runs between domains
* answers of probes: the domain of the entity asked
* heartbeats: all shards, as any shard's alerts may lean on them; an alert that is one goes to its own domain, and as
  a plain heartbeat to the others
* commands, tickets' events, queried ranges: the shard in which their incident or alert began, which knows where it is
  now; silences, modes of rules and models: all shards
* activations: all shards
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from engine.shards import shard_at, shard_of
from engine.signals import (
    AlertEvent,
    Answer,
    Change,
    Command,
    Fetched,
    Heartbeat,
    Labels,
    LogRecord,
    Samples,
    SampleTable,
    Signal,
    Span,
    TicketEvent,
)
from rules.ruleset import RuleSet
from topology.model import UNMAPPED, Topology

EVERYWHERE = -1
CACHED = 500_000
FOR_ALL = frozenset({"silence", "unsilence", "promote_rule", "activate_model"})
"""Commands that are not about one incident."""


def resolve(rules: RuleSet, topology: Topology, labels: dict[str, str]) -> tuple[str | None, str]:
    """(the entity that a label set is of, the first name it goes by): first match wins."""
    first = ""
    for name in rules.names(labels):
        first = first or name
        found = topology.resolve(name)
        if found is not None:
            return found, first
    return None, first


class Routes:
    """The way of signals at one version of rules and topology. Not safe for threads."""

    def __init__(self, rules: RuleSet, topology: Topology, shards: int) -> None:
        self.rules, self.topology, self.shards = rules, topology, shards
        self._known: dict[str, int] = {}

    def of_labels(self, labels: Labels) -> int:
        """The shard of a label set's domain; looked up once per label set."""
        found = self._known.get(labels.fingerprint)
        if found is None:
            entity, _ = resolve(self.rules, self.topology, labels.as_dict())
            found = self.of_domain(UNMAPPED if entity is None else self.topology.domain(entity))
            if len(self._known) >= CACHED:
                self._known.clear()
            self._known[labels.fingerprint] = found
        return found

    def of_domain(self, domain: str) -> int:
        """The shard of a domain."""
        return shard_of(domain, self.shards)

    def of(self, signal: Signal) -> int:
        """The shard of a signal, or `EVERYWHERE`. A table of samples has none; see `split`."""
        if isinstance(signal, AlertEvent | Samples | LogRecord | Span | Change):
            return self.of_labels(signal.labels)
        if isinstance(signal, Answer):
            entity = self.topology.resolve(signal.entity) or signal.entity
            return self.of_domain(self.topology.domain(entity))
        if isinstance(signal, Command):
            return EVERYWHERE if signal.action in FOR_ALL else shard_at(signal.target, self.shards)
        if isinstance(signal, TicketEvent | Fetched):
            return shard_at(signal.incident, self.shards)
        return EVERYWHERE

    def split(self, signals: Iterable[Signal]) -> dict[int, list[Signal]]:
        """The signals of one input by shard, in their order."""
        found: dict[int, list[Signal]] = {}
        for signal in signals:
            if isinstance(signal, SampleTable):
                for shard, part in self.parts(signal).items():
                    found.setdefault(shard, []).append(part)
                continue
            shard = self.of(signal)
            beat = self._beat(signal) if isinstance(signal, AlertEvent) else None
            if beat is not None or shard == EVERYWHERE:
                for other in range(self.shards):
                    mine = beat is None or other == shard
                    found.setdefault(other, []).append(signal if mine or beat is None else beat)
            else:
                found.setdefault(shard, []).append(signal)
        return found

    def parts(self, table: SampleTable) -> dict[int, SampleTable]:
        """The rows of a table by shard, in their order."""
        whose = np.fromiter(map(self.of_labels, table.labels), np.int64, len(table.labels))
        shards = np.unique(whose).tolist()
        if len(shards) == 1:
            return {shards[0]: table}
        series = np.frombuffer(table.series, np.int64)
        times, values = np.frombuffer(table.times, np.int64), np.frombuffer(table.values)
        found = {}
        for shard in shards:
            kept = np.flatnonzero(whose == shard)
            number = np.zeros(len(whose), np.int64)
            number[kept] = np.arange(len(kept))
            rows = whose[series] == shard
            labels = tuple(table.labels[place] for place in kept.tolist())
            found[shard] = SampleTable(
                labels, _column("q", number[series[rows]]), _column("q", times[rows]), _column("d", values[rows])
            )
        return found

    def _beat(self, event: AlertEvent) -> Heartbeat | None:
        """The sign of life that an alert is, if it is one."""
        if not self.rules.content.heartbeats or not event.firing:
            return None
        labels = event.labels.as_dict()
        rule = self.rules.heartbeat(labels)
        return None if rule is None else Heartbeat(rule.source(labels), rule.every, None, dict(rule.of(labels)))


def _column(typecode: str, content: Sequence[float] | np.ndarray) -> array:  # type: ignore[type-arg]
    column = array(typecode)
    column.frombytes(np.ascontiguousarray(content).tobytes())
    return column
