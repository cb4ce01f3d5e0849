"""Sources of alerts that go on whatever happens around a cluster: each told again until it is acknowledged."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing

import psycopg

from api import bootstrap
from api.kafka.shards import ShardTopic
from api.roles.force import InForce
from api.roles.lanes import Lanes
from engine.errors import StoreUnavailable
from engine.ports import Decoded, Record
from engine.resume import StoredLibrary
from engine.signals import AlertEvent, Labels
from engine.splitting import split
from engine.storage.postgres import PostgresReader, PostgresStore
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from tests.faults.history import keys, sound
from tests.real.components import eventually
from topology.model import Entity, Topology

ENTITIES = [f"svc-{number}" for number in range(8)]
CHECKS = 25
"""Alerts of an entity; each is told again and again."""
EVERY, TOGETHER = 0.1, 5
"""Seconds between two records of a sender; alerts in one."""
BACK = 90.0
"""Seconds within which everything is decided again."""
SOON = RuleSet(Content(correlation=Correlation(group_wait=1_000)))
"""Incidents are told after a second."""


class Sender(threading.Thread):
    """Tells alerts, each record again until it is acknowledged, as a source does."""

    def __init__(self, name: str, force: InForce, lanes: Lanes) -> None:
        super().__init__(name=name, daemon=True)
        self._force, self._lanes, self._ending = force, lanes, threading.Event()
        self.acknowledged: Counter[str] = Counter()
        self.refused = 0
        self.start()

    def run(self) -> None:
        number = 0
        while not self._ending.wait(EVERY):
            events = [self._event(number * TOGETHER + one) for one in range(TOGETHER)]
            sent = split(Record(self.name, "test", b"", 0, number), Decoded(tuple(events)), self._force.routes)
            while True:
                try:
                    self._lanes.send(sent)
                except StoreUnavailable:
                    self.refused += 1
                else:
                    break
            self.acknowledged.update(one.key for one in events)
            number += 1

    def _event(self, number: int) -> AlertEvent:
        entity, check = ENTITIES[number % len(ENTITIES)], number // len(ENTITIES) % CHECKS
        labels = {"alertname": f"Check{check}", "service": entity, "severity": "critical", "by": self.name}
        return AlertEvent(Labels.of(labels), key=f"{self.name}-{number}")

    def end(self) -> None:
        """Returns when the last record is acknowledged."""
        self._ending.set()
        self.join()


class Crowd:
    """A sender to each of these brokers' addresses, who divide alerts among the shards of one topic.

    Topology and rules are in force when the constructor returns; `begin` begins.
    """

    def __init__(self, dsn: str, addresses: Sequence[str], topic: str, shards: int, stack: ExitStack) -> None:
        self.dsn, self.shards, self.senders = dsn, shards, list[Sender]()
        self._lanes = [
            stack.enter_context(closing(Lanes(ShardTopic(bootstrap=(one,), shards=shards, topic=topic))))
            for one in addresses
        ]
        store = stack.enter_context(closing(PostgresStore(dsn, {})))
        self._force = InForce(store, StoredLibrary(store), shards, self._lanes[0].send, bootstrap.now)
        self._force.activate(Topology.build([Entity(id=name, domain=name) for name in ENTITIES]), SOON)

    def begin(self) -> None:
        """Returns when something is decided."""
        self.senders += [Sender(f"sender-{number}", self._force, lanes) for number, lanes in enumerate(self._lanes)]
        eventually(lambda: self.received, "alerts are decided", BACK)

    @property
    def sent(self) -> int:
        """Alerts acknowledged so far."""
        return sum(one.acknowledged.total() for one in self.senders)

    @property
    def refused(self) -> int:
        """Records sent again."""
        return sum(one.refused for one in self.senders)

    @property
    def received(self) -> int:
        """Alerts with a disposition in the store."""
        with closing(PostgresReader(self.dsn)) as reader:
            return reader.totals()["received"]

    def handed(self) -> int:
        """How often shards have changed hands."""
        return self._counted("SELECT coalesce(sum(epoch), 0)::int FROM headwater.owners")

    def caught_up(self) -> None:
        """Until all that was acknowledged by now is decided."""
        upto = self.sent
        eventually(lambda: self.received >= upto, f"all of {upto} alerts are decided", BACK)

    def end(self) -> None:
        """Until every sender has its last acknowledgement."""
        for one in self.senders:
            one.end()

    def told(self) -> None:
        """Until everything is decided, and each incident told."""
        self.caught_up()
        asked = "SELECT count(DISTINCT incident)::int FROM headwater.outbox"
        eventually(lambda: self._counted(asked) >= len(ENTITIES), "every incident is told", BACK)

    def check(self) -> None:
        """When the workers have ended: everything acknowledged is stored once, and the history is sound."""
        acknowledged = sum((one.acknowledged for one in self.senders), Counter[str]())
        assert keys(self.dsn, self.shards) == acknowledged, "an alert was lost, or taken twice"
        found = sound(self.dsn, self.shards)
        assert found.received == acknowledged.total()
        assert len(found.told) == len(ENTITIES), f"told are {found.told}"

    def _counted(self, statement: str) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return int(row[0]) if row else 0
