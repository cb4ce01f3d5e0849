"""Runs the service's thread, brings the operator's files into force, and knows what is in force now."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from api import files
from api.errors import Fault, Problem
from api.files import Loaded
from api.restoring.library import books
from api.scenarios import Watch
from api.schemas import Check, Reloaded
from api.settings import Settings
from engine.core import Core
from engine.errors import StoreUnavailable
from engine.evidence.logs.store import Logs
from engine.evidence.traces.store import Traces
from engine.library import Library
from engine.ports import Commit, Version
from engine.service import Service
from engine.signals import Millis
from engine.state import CoreState
from engine.submissions import Submissions
from ingest.turning import Turning
from rules.gates import Silence
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet
from topology.model import Topology

log = logging.getLogger(__name__)

RETRY = 0.5
"""Seconds between looks at whether the store is back."""
ENDING = 15.0
"""Seconds that the thread gets to store what it holds."""


class Conductor:
    """``news`` hears of commits that people may want to see, ``due`` of those to be published, ``stopped`` of an
    error that the engine cannot recover from.
    """

    def __init__(
        self,
        settings: Settings,
        library: Library,
        submissions: Submissions,
        clock: Callable[[], Millis],
        news: Callable[[], None],
        due: Callable[[], None],
        stopped: Callable[[BaseException], None] | None,
        scenarios: Watch,
    ) -> None:
        self._settings, self._library, self._submissions = settings, library, submissions
        self._clock, self._news, self._due, self._stopped = clock, news, due, stopped
        self.scenarios = scenarios
        self._stop = threading.Event()
        self.loop = Turning("engine", self._run)
        self._service: Service | None = None
        self._loaded: Loaded | None = None
        self._topology = Topology.build()
        self._rules = RuleSet.default()
        self._files = False
        self._first: list[Future[None]] = []
        self._reloading = asyncio.Lock()

    def start(self, service: Service, loaded: Loaded) -> None:
        """Begin the service's thread; the loaded files come into force once it has recovered."""
        self._service, self._loaded = service, loaded
        self.loop.start()
        if loaded.topology is not None and loaded.rules is not None:
            run = self.scenarios.run
            threading.Thread(target=run, args=(loaded.topology, loaded.rules), name="scenarios", daemon=True).start()

    def stop(self) -> None:
        """Let the thread store what it holds, and end."""
        self._stop.set()
        self.loop.join(ENDING)

    def _run(self) -> None:
        service, loaded = self._service, self._loaded
        assert service is not None and loaded is not None  # noqa: PT018, S101 - `start` has them
        try:
            self._recover(service)
            self._first = [durable for _, durable in self._activate(loaded)]
            self._files = True
            service.run(self._stop, self.loop.turn)
        except BaseException as error:
            log.critical("the engine stopped: %s", error, exc_info=not isinstance(error, StoreUnavailable))
            if self._stopped is not None:
                self._stopped(error)

    def _recover(self, service: Service) -> None:
        """A store that cannot be written now may be so later: the service tries again by itself."""
        try:
            service.recover()
        except StoreUnavailable as error:
            log.error("not recovered yet: %s", error)
        while self.state() is None and not self._stop.is_set():
            self.loop.turn()
            service.step(RETRY)

    def committed(self, commit: Commit) -> None:
        """Hear of a commit, in the service's thread."""
        if commit.incidents or commit.timeline:
            self._news()
        if commit.outbox:
            self._due()

    def state(self) -> CoreState | None:
        """The core's state, of which any thread may read single values; None while the core is being rebuilt."""
        try:
            core = self._service.core if self._service is not None else None
        except StoreUnavailable:
            return None
        return core.state if isinstance(core, Core) else None

    def topology(self) -> Topology:
        """The topology in force, as far as it was last known."""
        state = self.state()
        if state is not None and state.topology and state.topology != self._topology.version:
            self._topology = self._library.topology(state.topology)
        return self._topology

    def rules(self) -> RuleSet:
        """The rules in force, as far as they were last known."""
        state = self.state()
        if state is not None and state.rules and state.rules != self._rules.version:
            self._rules = self._library.rules(state.rules)
        return self._rules

    def silences(self) -> Sequence[Silence]:
        """Silences made by people that have not ended."""
        state = self.state()
        return tuple(state.silences.values()) if state is not None else ()

    def writable(self) -> bool:
        """Whether the store can be written, as far as that was tried."""
        return self._service is None or self._service.health().ready

    def traces(self) -> Traces | None:
        """What spans have shown so far; None while the core is being rebuilt."""
        state = self.state()
        return state.traces if state is not None else None

    def logs(self) -> Logs | None:
        """What is kept of log records; None while the core is being rebuilt."""
        state = self.state()
        return state.logs if state is not None else None

    def checks(self) -> list[Check]:
        """What readiness looks at."""
        service, alive = self._service, self.loop.alive
        found = [Check("engine", alive, "" if alive else "its thread has ended")]
        found.append(Check("recovered", self.state() is not None))
        if (state := self.state()) is not None:
            storm = state.storms
            waits = f"{len(storm.waiting)} lone alerts wait" if state.storm else ""
            found.append(Check("storm", True, f"an alert storm is under way ({storm.name}); {waits}" if waits else ""))
        if service is not None:
            health = service.health()
            found.append(Check("store", health.ready, health.reason))
        in_force = self._files and all(durable.done() and not durable.exception() for durable in self._first)
        found.append(Check("files", in_force, "" if in_force else "catalogue and rules are not in force yet"))
        return found

    async def reload(self) -> Reloaded:
        """Read the files; new versions come into force at a position of the input log. Raises Problem."""
        async with self._reloading:
            loaded = await asyncio.to_thread(
                files.load, self._settings.catalogue, self._settings.rules, self._settings.sinks.names,
                books(self._settings, self._clock),
            )  # fmt: skip
            if loaded.wrong:
                faults = [Fault("", str(finding)) for finding in loaded.wrong]
                raise Problem(422, "files-wrong", "The files have mistakes; what was in force stays so.", faults=faults)
            before = self.topology(), self.rules()
            changed = await self._in_force(loaded)
            after = self.topology(), self.rules()
            told = await asyncio.to_thread(self.scenarios.reloaded, before, after)
            return Reloaded(after[0].version, after[1].version, changed, told)

    async def bring(self, continuity: ContinuityPolicy) -> bool:
        """Let these playbooks come into force, and nothing else; whether they are other ones than before."""
        async with self._reloading:
            return bool(await self._in_force(Loaded(None, self.rules().with_continuity(continuity), [])))

    async def _in_force(self, loaded: Loaded) -> list[str]:
        """Returns, once it is durable, which kinds have changed."""
        changed = self._activate(loaded)
        async with asyncio.timeout(self._settings.limits.wait):
            await asyncio.gather(*(asyncio.wrap_future(durable) for _, durable in changed))
        return [kind for kind, _ in changed]

    def _activate(self, loaded: Loaded) -> list[tuple[str, Future[None]]]:
        """Submit what differs from what is in force."""
        changed = []
        topology, rules = loaded.topology, loaded.rules
        if topology is not None and topology.version != self.topology().version:
            self._library.add_topology(topology)
            changed.append(self._submit("topology", topology.version, topology.encode()))
        if rules is not None:
            rules = rules.with_mode("enforce") if self._settings.suppression == "enforce" else rules
            if rules.version != self.rules().version:
                self._library.add_rules(rules)
                changed.append(self._submit("rules", rules.version, rules.encode()))
        return changed

    def _submit(self, kind: str, version: str, content: bytes) -> tuple[str, Future[None]]:
        log.info("%s version %s comes into force", kind, version)
        return kind, self._submissions.activate(Version(kind, version, self._clock(), content))
