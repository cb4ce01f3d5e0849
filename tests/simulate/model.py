"""The engine as a state machine that hypothesis drives: what comes, what people do, how it dies, in any order.

Two oracles know better: a dictionary of what was accepted, and the same core without a shell, fed with the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from prometheus_client import CollectorRegistry

from engine import failpoints, own
from engine.chain import verify
from engine.core import Core
from engine.failpoints import Died
from engine.lifecycle import OPEN
from engine.metrics import EngineMetrics
from engine.ports import Record, Version
from engine.resume import Machine, StoredLibrary
from engine.service import Service
from engine.signals import AlertEvent, Command, Millis
from engine.storage.sqlite.store import SqliteStore
from engine.submissions import Submissions
from tests.scenarios.drive import Driven
from tests.service.world import ListSource
from tests.simulate.disk import AUDIENCES, memory
from tests.simulate.plant import RULES, START, TOPOLOGY, rfc3339
from tests.simulate.world import SETTINGS, decode

SERVICES = st.sampled_from(sorted(TOPOLOGY.entities))
NAMES = st.sampled_from(("Down", "Slow"))
POINTS = ("ingest.after_poll", "ingest.before_commit", "ingest.after_commit_before_ack", "timers.before_commit",
          "snapshot.before", "snapshot.after")  # fmt: skip


class Engine(RuleBasedStateMachine):
    """One engine on a file, through all its lives."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=memory()))
        self.now: Millis = START
        self.source, self.submissions = ListSource("http"), Submissions()
        self.accepted: list[bytes] = []
        self.sent: list[bytes] = []
        self._start()

    # --- its lives -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.store = SqliteStore(self.folder / "db", AUDIENCES)
        self.store._writer.execute("PRAGMA synchronous = OFF")
        self.source, self.submissions = ListSource("http"), Submissions()
        library = StoredLibrary(self.store)
        library.add_topology(TOPOLOGY)
        library.add_rules(RULES)
        self.metrics = EngineMetrics(CollectorRegistry())
        self.service = Service(
            Machine(Core, library, decode, "1"), self.store, [self.submissions, self.source], lambda: self.now,
            self.metrics, settings=SETTINGS,
        )  # fmt: skip
        self.service.recover()
        assert self.metrics.violations._value.get() == 0, "a restart decided otherwise"

    def _step(self) -> None:
        """Until nothing waits; a death on the way is followed by another life."""
        try:
            while self.service.step(0):
                pass
        except Died:
            self._die()
        self.accepted += [record.body for record in self.source.durable]
        self.source.durable.clear()

    def _die(self) -> None:
        failpoints.arm("")
        self.accepted += [record.body for record in self.source.durable]
        self.store.close()
        self._start()

    @initialize()
    def files(self) -> None:
        """Topology and rules come into force."""
        for kind, version, content in (
            ("topology", TOPOLOGY.version, TOPOLOGY.encode()), ("rules", RULES.version, RULES.encode()),
        ):  # fmt: skip
            self.submissions.activate(Version(kind, version, START, content))
        self._step()

    @rule()
    def killed(self) -> None:
        """The process is gone."""
        self._die()

    @rule(point=st.sampled_from(POINTS), passes=st.integers(1, 3))
    def will_die(self, point: str, passes: int) -> None:
        """At a named point, when it comes there."""
        failpoints.arm(f"{point}:die:{passes}")

    @rule(seconds=st.integers(16, 600))
    def away(self, seconds: int) -> None:
        """Down for a while."""
        self.now += seconds * 1000
        self._die()

    @rule()
    def restored(self) -> None:
        """From a copy made just now: nothing is missing."""
        copy = self.folder / "copy"
        with tempfile.TemporaryDirectory():
            self.store.compact()
            shutil.copy(self.folder / "db", copy)
            self.store.close()
            for name in ("db-wal", "db-shm"):
                (self.folder / name).unlink(missing_ok=True)
            shutil.move(copy, self.folder / "db")
        failpoints.arm("")
        self._start()

    # --- what comes ----------------------------------------------------------------------------------------------

    def _send(self, content: object) -> None:
        body = msgspec.json.encode(content)
        self.sent.append(body)
        self.source.waiting.append(Record("http", "alertmanager-v2", body))
        self._step()

    @rule(service=SERVICES, name=NAMES, severity=st.sampled_from(("critical", "warning")))
    def fires(self, service: str, name: str, severity: str) -> None:
        """An alert, as Prometheus sends it."""
        labels = {"alertname": name, "service": service, "severity": severity}
        self._send([{"labels": labels, "startsAt": rfc3339(self.now), "annotations": {"summary": "bad"}}])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeats(self, data: st.DataObject) -> None:
        """Something is delivered again."""
        self._send(msgspec.json.decode(data.draw(st.sampled_from(self.sent))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def resolves(self, data: st.DataObject) -> None:
        """An alert ends."""
        (alert,) = msgspec.json.decode(data.draw(st.sampled_from(self.sent)))
        self._send([{**alert, "endsAt": rfc3339(self.now)}])

    @rule(seconds=st.integers(1, 120))
    def time_passes(self, seconds: int) -> None:
        """And timers fire."""
        self.now += seconds * 1000
        self._step()

    # --- what people do ------------------------------------------------------------------------------------------

    def _command(self, action: str, target: str, **facts: str) -> None:
        self.submissions.command(Command("ann", action, target, "because", facts))
        self._step()

    @rule(name=NAMES)
    def silence(self, name: str) -> None:
        """For a minute."""
        self._command("silence", f"q{self.now}", until=rfc3339(self.now + 60_000), matchers=f"alertname={name}")

    @rule(action=st.sampled_from(("acknowledge", "close", "declare", "false_alarm", "merge")), data=st.data())
    def act(self, action: str, data: st.DataObject) -> None:
        """On an open incident."""
        found = [view.id for view in self.store.incidents(state=sorted(OPEN), limit=50).items]  # type: ignore[attr-defined]
        if found:
            target = data.draw(st.sampled_from(found))
            facts = {"into": data.draw(st.sampled_from(found))} if action == "merge" else {}
            self._command(action, target, **facts)

    # --- what must hold ------------------------------------------------------------------------------------------

    @invariant()
    def everything_accepted_is_accounted_for(self) -> None:
        """Law 1, as the first oracle sees it."""
        stored = Counter(entry.body for entry in self.store.entries(0) if entry.source == "http")
        assert not Counter(self.accepted) - stored, "an acknowledged record was lost"
        totals = self.store.totals()
        assert totals["unaccounted"] == 0
        assert totals["received"] == sum(stored.values())

    def teardown(self) -> None:
        """Law 2 and 3, as the second oracle sees them; then one publication per key, in order."""
        failpoints.arm("")
        try:
            self._step()
            self._equals_an_undisturbed_core()
            for head in self.store.heads():
                assert verify(self.store.chain(head.domain), head=head).broken_at is None
            rows = msgspec.convert(self.store.outbox(limit=500).items, list[dict[str, object]])
            keys = [str(row["key"]) for row in sorted(rows, key=lambda row: int(str(row["id"])))]
            assert len(keys) == len(set(keys)), "something was decided to be told twice"
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def _equals_an_undisturbed_core(self) -> None:
        twin = Driven(TOPOLOGY, RULES, start=START)
        twin.core, twin.position, twin.decisions = Core(twin.library), 0, []
        events: list[str] = []
        for entry in self.store.entries(0):
            signals = own.decode(entry.body).signals if entry.format == own.FORMAT else decode(
                entry.format, entry.body
            ).signals  # fmt: skip
            twin.now = entry.arrival
            twin.feed(entry.arrival, signals)
            events += [f"{entry.position}-{n}" for n, one in enumerate(signals) if isinstance(one, AlertEvent)]
        twin.pass_time(max(twin.now, self.store.resume().ticked))
        mine = [(one.domain, one.position, one.at, one.payload) for one in self.store.decisions(-1)]
        assert mine == [(one.domain, one.position, one.at, one.payload) for one in twin.decisions]
        assert all(self.store.why(event) for event in events), "an event has no disposition"
