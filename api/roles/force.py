"""What is in force in a cluster, for the processes that own no shard.

An activation is stored first, then told to every partition, then noted (a version of kind `NOTED`) for stage 1, which
looks for notes: so nothing is divided by versions that the shards have not heard of before it reaches them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from engine import envelope
from engine.library import Library
from engine.ports import Clock, Origin, Version
from engine.routes import Routes
from engine.signals import Activation
from engine.splitting import Sent
from engine.state import CoreState
from rules.ruleset import RuleSet
from topology.model import Topology

log = logging.getLogger(__name__)

NOTED = "in_force"


class Noted(msgspec.Struct, frozen=True):
    """Versions in force since activation ``number``."""

    number: int = 0
    topology: str = ""
    rules: str = ""


class Versions(Protocol):
    """Where versions are kept."""

    def keep_version(self, version: Version) -> None:
        """Store one."""

    def version(self, kind: str, id: str) -> Version | None:
        """One of them."""

    def versions(self, kind: str = "") -> list[Version]:
        """Newest first, without content."""


class InForce:
    """Follows the notes, and makes them. Safe from any thread."""

    def __init__(
        self, store: Versions, library: Library, shards: int, send: Callable[[Sequence[Sent]], None], clock: Clock
    ) -> None:
        self._store, self._library, self._shards, self._send, self._clock = store, library, shards, send, clock
        self._lock = threading.Lock()
        self._routes = Routes(RuleSet.default(), Topology.build(), shards)
        self.noted = Noted()

    @property
    def routes(self) -> Routes:
        """The ways of signals now."""
        return self._routes

    def topology(self) -> Topology:
        """The topology in force."""
        return self._routes.topology

    def rules(self) -> RuleSet:
        """The rules in force."""
        return self._routes.rules

    def state(self) -> CoreState | None:
        """No core is in this process."""
        return None

    def refresh(self) -> bool:
        """Look for a newer note; whether there is one. Raises `StoreUnavailable`."""
        newest = max((int(one.id) for one in self._store.versions(NOTED)), default=0)
        if newest <= self.noted.number:
            return False
        stored = self._store.version(NOTED, str(newest))
        if stored is None:
            return False
        with self._lock:
            noted = msgspec.json.decode(stored.content, type=Noted)
            rules = self._library.rules(noted.rules) if noted.rules else RuleSet.default()
            topology = self._library.topology(noted.topology) if noted.topology else Topology.build()
            self._routes, self.noted = Routes(rules, topology, self._shards), noted
        log.info("topology %s and rules %s are in force", noted.topology, noted.rules)
        return True

    def activate(self, topology: Topology | None, rules: RuleSet | None) -> list[str]:
        """Bring into force what differs; the kinds that did. Raises `StoreUnavailable`."""
        self.refresh()
        found = []
        wanted = (("topology", topology, self.noted.topology), ("rules", rules, self.noted.rules))
        for kind, content, before in wanted:
            if content is not None and content.version != before:
                self._bring(kind, content.version, content.encode())
                found.append(kind)
        return found

    def _bring(self, kind: str, version: str, content: bytes) -> None:
        now = self._clock()
        number = max(now, self.noted.number + 1)
        self._store.keep_version(Version(kind, version, now, content))
        body = envelope.encode([Activation(kind, version, number)])
        self._send([Sent(shard, body, Origin("self")) for shard in range(self._shards)])
        noted = msgspec.structs.replace(self.noted, number=number, **{kind: version})
        self._store.keep_version(Version(NOTED, str(number), now, msgspec.json.encode(noted)))
        self.refresh()
