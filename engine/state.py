"""The state of the core: plain data, all of it in a snapshot."""

from __future__ import annotations

from array import array
from typing import Any

import msgspec

from engine.arrivals import Arrivals
from engine.cases import Case, Observed
from engine.correlate.graph import Node
from engine.drills import REAL
from engine.evidence.answers import Answered
from engine.evidence.logs.store import Logs
from engine.evidence.model.cases import Learning
from engine.evidence.telemetry import Telemetry
from engine.evidence.traces.store import Traces
from engine.evidence.verdict import Term
from engine.heard import Desk, Told
from engine.lifecycle import State
from engine.member_views import MemberView, OnsetView
from engine.outcomes import Candidate, HarmView, Impacted, SeverityView
from engine.people_views import Called, Declaration, EscalationView, Override, Status
from engine.readiness_views import Preparedness
from engine.reasons import Disposition, Reason, Verdict
from engine.recovery_views import AcceptedView, Pinned, Ranges, RecoveryView
from engine.response_views import Response
from engine.shards import Shared
from engine.signals import Labels, Millis
from engine.spell import Spell
from engine.timers import Timer
from rules.gates.silence import Silence
from rules.severity import SeverityFacts
from topology.objectives import Objective

SCHEMA = 11
"""Number of the snapshot's layout; raised with every change of it."""


class Alert(msgspec.Struct, gc=False, array_like=True):
    """The life of one fingerprint. ``event`` is the id of the alert event that began its spell.

    ``disposition`` is that event's current one. ``internal`` alerts are the engine's own (a lost heartbeat): they have
    no alert event and no ledger entry. ``replaced``: a later spell of its fingerprint has an alert of its own.
    ``shadowed``: what a rule in shadow mode would have done with it. Until ``unverified_until`` something may still
    confirm it before people are told. ``returns`` are the events with which it fired again, since ``event``.
    """

    no: int
    labels: Labels
    name: str
    entity: str
    mapped: bool
    domain: str
    word: str
    spell: Spell
    event: str
    disposition: Disposition
    reason: Reason
    annotations: bytes = b"{}"
    url: str = ""
    value: float | None = None
    rule: str = ""
    incident: str = ""
    verdict: Verdict = Verdict.UNVERIFIABLE
    terms: tuple[Term, ...] = ()
    held_until: Millis | None = None
    last_event: str = ""
    key: str = ""
    metric: str = ""
    events: int = 1
    internal: bool = False
    flapping: bool = False
    cleared_at: Millis | None = None
    starved: bool = False
    live: bool = False
    security: bool = False
    replaced: bool = False
    flapping_since: Millis | None = None
    shadowed: Disposition | None = None
    unverified_until: Millis | None = None
    returns: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        """Does it take part in correlation?"""
        return self.disposition in _ADMITTED or self.reason is Reason.SETTLING or self.kept_back

    @property
    def kept_back(self) -> bool:
        """Is it held or suppressed by what evidence says? It takes part in correlation all the same."""
        return self.live and self.by_evidence

    @property
    def by_evidence(self) -> bool:
        """Is it held or suppressed by what evidence says, or was when its incident ended?"""
        return self.reason in BY_EVIDENCE


_ADMITTED = (Disposition.OPENED, Disposition.ATTACHED)  # hashing a member costs more than comparing it with all
BY_EVIDENCE = (Reason.AWAITING_EVIDENCE, Reason.CONTRADICTED, Reason.SELF_CLEARED)
"""Why evidence keeps an alert back."""


class Copies(msgspec.Struct, array_like=True):
    """How far one copy of a store was behind, oldest first: (at, milliseconds)."""

    gives: str
    points: list[tuple[Millis, int]]


class CopiesSeen(msgspec.Struct, array_like=True, frozen=True):
    """How far a store's copies were behind at some moment, best and worst, in milliseconds; None: not seen."""

    lag: tuple[int, int] | None = None
    backup: tuple[int, int] | None = None


class Incident(msgspec.Struct):
    """One trouble. ``alerts`` are the numbers of its alerts; ``quiet`` is when its last alert ended.
    ``telling_since`` is since when it has had, without a break, an alert that may start the incident workflow.
    ``copies`` is what was seen of its stores' copies when they went down, ``escalated`` since when each escalation
    rule has asked for somebody. ``regimes`` are its cases by regime, ``observed`` what was seen for them;
    ``kept``: it is closed and long over, and only at hand for its clocks. ``own``, ``touched``, ``beside``,
    ``shifts_at``: what has failed because of it, and its part in the world of the others (`engine.together`).
    ``onset`` is its first alert's; ``began`` the first sign before it, ``examined`` whose signs were looked at for it
    when all had arrived, ``onset_told`` what the timeline says. ``deviating`` do so without an alert, as of the last
    look; ``members`` (of ``members_total``) are what belongs to it. ``heard`` is what each audience was told, ``step``
    how many steps it has gone up because nobody acknowledged, ``call_due`` when it goes on; ``reopened_at`` is when its
    generation began, if it is not the first. ``pinned`` is what a recovery is compared with, ``pinned_for`` the
    onset and entities it was taken for; ``ranges`` what was asked for elsewhere, by the id of the declared indicator;
    ``compared`` is the latest comparison, whether or not it says anything new; ``accepted`` are the entities without
    a baseline for which somebody answers;
    ``refused`` is why it was last not resolved; ``response`` is how it is being worked on."""

    id: str
    domain: str
    state: State
    opened_at: Millis
    onset: Millis
    updated_at: Millis
    severity: SeverityView
    alerts: set[int] = set()
    revision: int = 0
    generation: int = 1
    quiet: Millis | None = None
    telling_since: Millis | None = None
    declared_at: Millis | None = None
    resolved_at: Millis | None = None
    begun: bool = False
    restoring: bool = False
    restoring_at: Millis | None = None
    told: bool = False
    told_digest: str = ""
    told_revision: int = 0
    cause: str | None = None
    abstained: str = ""
    silent: str = ""
    candidates: tuple[Candidate, ...] = ()
    impact: tuple[Impacted, ...] = ()
    impact_total: int = 0
    objectives: tuple[Objective, ...] = ()
    reach: tuple[str, ...] = ()
    own: dict[str, tuple[int, Millis, Millis | None]] = {}
    touched: tuple[str, ...] | None = None
    beside: tuple[str, ...] = ()
    shifts_at: Millis | None = None
    users: tuple[int, int | None] | None = None
    harm: HarmView = HarmView()
    facts: SeverityFacts = SeverityFacts()
    copies: dict[str, CopiesSeen] = {}
    escalation: EscalationView = EscalationView()
    escalated: dict[str, Millis] = {}
    obligations: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    firing: int = 0
    events: int = 0
    confirmed: int = 0
    override: Override | None = None
    regimes: dict[str, Case] = {}
    observed: Observed = msgspec.field(default_factory=Observed)
    kept: bool = False
    assigned: str = ""
    acknowledged_by: str = ""
    acknowledged_at: Millis | None = None
    heard: dict[str, Told] = {}
    called: tuple[Called, ...] = ()
    step: int = 0
    call_due: Millis | None = None
    declaration: Declaration | None = None
    status: Status | None = None
    next_update_at: Millis | None = None
    update_overdue: bool = False
    desk: Desk = msgspec.field(default_factory=Desk)
    reopened_at: Millis | None = None
    merged_into: str = ""
    split_from: str = ""
    signature: str = ""
    digest: str = ""
    began: OnsetView | None = None
    examined: tuple[str, ...] = ()
    onset_provisional: bool = False
    onset_told: Millis | None = None
    deviating: tuple[str, ...] = ()
    members: tuple[MemberView, ...] = ()
    members_total: int = 0
    pinned: dict[str, Pinned] = {}
    pinned_for: tuple[Millis, tuple[str, ...]] = (0, ())
    ranges: dict[str, Ranges] = {}
    recovery: RecoveryView | None = None
    compared: RecoveryView | None = None
    accepted: dict[str, AcceptedView] = {}
    refused: tuple[str, ...] = ()
    closed_as: str = ""
    response: Response = Response()

    @property
    def told_at(self) -> Millis | None:
        """When the latest of its messages is due; None while nobody is told."""
        return max((told.at for told in self.heard.values()), default=None)

    @property
    def level(self) -> str:
        """The severity in force: what a person has set, else what was computed."""
        return self.override.level if self.override else self.severity.level


class Cell(msgspec.Struct, array_like=True):
    """The live alerts of one entity, the nodes of the symptom graph made of them, and what evidence says of them."""

    alerts: set[int]
    nodes: list[Node]
    verdict: Verdict = Verdict.UNVERIFIABLE
    terms: tuple[Term, ...] = ()


class Domain(msgspec.Struct):
    """What one owner decides together.

    ``cells`` are the admitted alerts of open incidents by entity, ``dirty`` those that changed; ``cover`` says which
    open incident explains an entity, ``glue`` and ``pins`` are what people joined and split. It is settled at
    ``settle_at`` (0: nothing has changed), ``urgent``ly if its partition may have changed; ``weight`` is how many
    live alerts it had the last time. ``last_pass`` is when all that belongs to what is known has arrived (rounded up
    to seconds: a storm sets no timer per alert). Evidence was last looked at at ``looked_at``, will be at ``look_at``
    (0: nothing new), and has been ``looks`` times.
    """

    name: str
    cells: dict[str, Cell] = {}
    dirty: set[str] = set()
    open: set[str] = set()
    cover: dict[str, str] = {}
    glue: dict[int, int] = {}
    pins: dict[int, int] = {}
    settle_at: Millis = 0
    urgent: bool = False
    weight: int = 0
    last_pass: Millis = 0
    looked_at: Millis = 0
    look_at: Millis = 0
    looks: int = 0


class Pulse(msgspec.Struct):
    """A source with a heartbeat: live, late or dead. ``of`` are the labels that name it, ``gaps`` the latest of
    those between its signs of life, ``unsure`` the alerts that were not sent again while it was silent."""

    source: str
    every: Millis
    last: Millis
    state: str = "live"
    alert: int | None = None
    of: dict[str, str] = {}
    learned: bool = False
    gaps: list[Millis] = []
    unsure: list[int] = []


class ChangeSeen(msgspec.Struct, frozen=True):
    """A change to an entity, kept for the cause ranking."""

    at: Millis
    what: str
    detail: str


class Trouble(msgspec.Struct, array_like=True, frozen=True):
    """An incident that is over, seen from one of the entities that it hit."""

    incident: str
    since: Millis
    until: Millis


class Storm(msgspec.Struct):
    """The alert storm under way, or the last one. ``waiting`` are incidents of one lone alert, ``parent`` is the one of
    alerts of unknown entities, which ``mark`` holds together; ``marks`` are those of earlier storms too."""

    name: str = ""
    since: Millis = 0
    calm: int = 0
    alerts: int = 0
    most: int = 0
    mark: int = 0
    parent: str = ""
    waiting: set[str] = set()
    marks: list[int] = []


class CoreState(msgspec.Struct):
    """Everything that the core remembers. ``storm``: one is under way; ``strange_tickets`` counts what was changed in
    tickets of incidents that are not known;
    ``lane`` is how the ids of its incidents begin, ``drill`` the snapshot of the drill lane (empty: no drill yet).
    ``expiring`` are alerts by the second in which their announced end is over. ``troubled``: when incidents that are
    over hit which entity."""

    schema: int = SCHEMA
    now: Millis = 0
    position: int = 0
    next_alert: int = 1
    next_mark: int = 1
    node_version: int = 0
    topology: str = ""
    rules: str = ""
    alerts: dict[int, Alert] = {}
    incidents: dict[str, Incident] = {}
    domains: dict[str, Domain] = {}
    pulses: dict[str, Pulse] = {}
    pulses_ignored: int = 0
    silences: dict[str, Silence] = {}
    modes: dict[str, str] = {}
    changes: dict[str, list[ChangeSeen]] = {}
    telemetry: Telemetry = msgspec.field(default_factory=Telemetry)
    logs: Logs = msgspec.field(default_factory=Logs)
    traces: Traces = msgspec.field(default_factory=Traces)
    answers: dict[str, Answered] = {}
    answers_ignored: int = 0
    learning: Learning = msgspec.field(default_factory=Learning)
    copies: dict[str, dict[str, Copies]] = {}
    troubled: dict[str, list[Trouble]] = {}
    counts: dict[str, int] = {}
    strange_tickets: int = 0
    expiring: dict[int, list[int]] = {}
    shared: Shared = msgspec.field(default_factory=Shared)
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    storm: bool = False
    storms: Storm = msgspec.field(default_factory=Storm)
    readiness: Preparedness = Preparedness()
    lane: str = REAL
    drill: bytes = b""
    timers: list[Timer] = []


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Labels):
        return value.raw
    if isinstance(value, Telemetry):
        return value.packed()
    if isinstance(value, array):
        return value.typecode.encode() + value.tobytes()
    raise NotImplementedError(type(value))


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Labels:
        return Labels(bytes(value))
    if kind is Telemetry:
        return Telemetry.unpacked(value)
    if kind is array:
        found = array(chr(value[0]))
        found.frombytes(value[1:])
        return found
    raise NotImplementedError(kind)


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_hook)
_decoder = msgspec.msgpack.Decoder(CoreState, dec_hook=_decode_hook)


def encode(state: CoreState) -> bytes:
    """A snapshot of the state, as msgpack."""
    return _encoder.encode(state)


def decode(content: bytes) -> CoreState:
    """The state of a snapshot; `msgspec.ValidationError` when it is of another layout."""
    return _decoder.decode(content)


def encode_part(value: msgspec.Struct) -> bytes:
    """Something that is made of parts of the state, as msgpack."""
    return _encoder.encode(value)


def decoder_of(kind: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    """Reads what `encode_part` gave of this type."""
    return msgspec.msgpack.Decoder(kind, dec_hook=_decode_hook)
