"""What the routes need of the running engine, put together by `api.bootstrap`. Routes name no implementation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from api.auth.opening import Opened
from api.broadcast import Broadcaster
from api.feasibility import Audits
from api.observed import Observations
from api.overload.schemas import Load
from api.prober import Prober
from api.readiness.book import Book
from api.restoring.workshop import Workshop
from api.scenarios import Watch
from api.schemas import Check, Reloaded, SinkTest
from api.settings import Settings
from engine.evidence.logs.store import Logs
from engine.ports import Clock, DeadLetter, Decode, Reader, Record, StoredLog, Version
from engine.sending import Link
from engine.state import CoreState
from rules.gates import Silence
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet
from topology.model import Topology

if TYPE_CHECKING:
    from api.tracing.spans import Tracing


class InForce(Protocol):
    """Who knows what is in force."""

    def topology(self) -> Topology:
        """The topology."""

    def rules(self) -> RuleSet:
        """The rules."""

    def state(self) -> CoreState | None:
        """The core's state, where there is one in this process."""


@dataclass(frozen=True)
class Parts:
    """``accept`` stores a record and returns when it is durable; it raises
    `engine.errors.StoreUnavailable` or TimeoutError. ``topology`` and ``rules`` are those in force. ``reload`` reads
    the operator's files; it raises `api.files.FilesError`. ``bring`` lets other playbooks
    come into force. ``sample`` sets the gauges that the store answers; it raises
    `engine.errors.StoreUnavailable`. ``settle_dead_letter`` marks one as redriven or dropped. ``redrive`` brings a dead
    publication back; ``hinted`` hears of a call of a sink's web hook (name, body); both say whether there is one.
    ``elsewhere`` reads the silences of each Alertmanager, for the command `reconcile`.
    ``tickets`` is what sinks keep of an incident. ``test_sink`` tests the sink of a name, None: there is none.
    """

    settings: Settings
    access: Opened
    reader: Reader
    log: StoredLog
    tickets: Callable[[str], Sequence[Link]]
    redrive: Callable[[int], bool]
    hinted: Callable[[str, bytes], bool]
    decode: Decode
    clock: Clock
    accept: Callable[[Record], Awaitable[None]]
    topology: Callable[[], Topology]
    rules: Callable[[], RuleSet]
    reload: Callable[[], Awaitable[Reloaded]]
    bring: Callable[[ContinuityPolicy], Awaitable[bool]]
    version: Callable[[str, str], Version | None]
    dead_letter: Callable[[int], DeadLetter | None]
    settle_dead_letter: Callable[[int, str], bool]
    test_sink: Callable[[str], SinkTest | None]
    silences: Callable[[], Sequence[Silence]]
    elsewhere: Callable[[], dict[str, str]]
    logs: Callable[[], Logs | None]
    state: Callable[[], CoreState | None]
    checks: Callable[[], list[Check]]
    load: Callable[[], Load]
    prober: Prober
    broadcaster: Broadcaster
    scenarios: Watch
    audits: Audits
    observations: Observations
    readiness: Book
    workshop: Workshop
    registry: CollectorRegistry
    sample: Callable[[], None]
    tracing: Tracing | None = None
