"""Outcomes: what the core says after a signal or a tick. Plain data, in the order in which it was decided. The service
stores them in one transaction with the input that caused them. All times are `Millis`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.clock_views import ClockView, RegimeView
from engine.member_views import MemberView, OnsetView
from engine.people_views import Called, Declaration, EscalationView, Status
from engine.reasons import Disposition, Reason, Verdict
from engine.recovery_views import RecoveryView
from engine.signals import Handover, Millis
from topology.objectives import Objective


class LedgerEntry(msgspec.Struct, array_like=True, gc=False):
    """The first disposition of one accepted alert event, number ``index`` of its input position.

    ``enforced`` is what the engine would have done with every suppression rule enforced; it equals
    ``disposition`` unless a rule is in shadow mode.
    """

    index: int
    alert: int
    disposition: Disposition
    reason: Reason
    incident: str = ""
    rule: str = ""
    enforced: Disposition | None = None


class LedgerChange(msgspec.Struct, gc=False):
    """A later change of the current disposition of alert event ``event`` (``position-index``)."""

    event: str
    alert: int
    at: Millis
    before: Disposition
    disposition: Disposition
    reason: Reason
    incident: str = ""
    rule: str = ""
    enforced: Disposition | None = None


class AlertView(msgspec.Struct, kw_only=True, gc=False):
    """The current state of one alert (one fingerprint), as the API shows it. ``no`` is its number."""

    no: int
    fingerprint: str
    labels: msgspec.Raw
    annotations: msgspec.Raw
    name: str
    entity: str
    mapped: bool
    domain: str
    severity: str
    state: str
    disposition: Disposition
    reason: Reason
    rule: str = ""
    incident: str = ""
    verdict: Verdict = Verdict.UNVERIFIABLE
    terms: tuple[dict[str, Any], ...] = ()
    first_event: str = ""
    last_event: str = ""
    starts_at: Millis
    ends_at: Millis | None = None
    held_until: Millis | None = None
    flapping_since: Millis | None = None
    url: str = ""


class Candidate(msgspec.Struct, kw_only=True):
    """One candidate cause of an incident: score 0 … 1, its terms, its path to the symptoms, its counterfactual.

    ``facts`` are the numbers behind the terms, where something was measured (`engine.grounds`)."""

    entity: str
    score: float
    silent: bool
    terms: dict[str, float]
    path: tuple[str, ...]
    explained: int
    unexplained: int
    counterfactual: str
    facts: dict[str, Any] = {}


class Impacted(msgspec.Struct, kw_only=True):
    """One entity hit by an incident: health low … high (0 down … 1000 up), the path from the cause, and when.

    ``degraded_at`` and ``down_at`` may lie in the future, while ``held_by``, the provider of a buffer (a queue), holds
    it up until ``held_until``; None: never, as far as is known. ``together`` are the other incidents without which it
    would be better off.
    """

    entity: str
    name: str
    kind: str
    low: int
    high: int
    path: tuple[str, ...]
    via: str = ""
    at: Millis | None = None
    degraded_at: Millis | None = None
    down_at: Millis | None = None
    held_by: str = ""
    held_until: Millis | None = None
    observed: bool = False
    at_risk: bool = False
    tier: int | None = None
    users: int | None = None
    together: tuple[str, ...] = ()


class AmountView(msgspec.Struct, kw_only=True, frozen=True):
    """How many, as bounds: ``high`` is None where some of those hit (``missing``) do not say.

    ``estimated``: from sketches that estimate; ``estimate`` is then the middle. ``method`` says how it was found.
    """

    low: int = 0
    high: int | None = None
    estimate: int | None = None
    estimated: bool = False
    method: str = ""
    missing: tuple[str, ...] = ()
    missing_total: int = 0


class ExposureView(msgspec.Struct, kw_only=True, frozen=True):
    """What a store that is hit would lose (seconds of data, None: open) against its ``rpo``; ``exposed`` and
    ``forgets`` are yes, no or cannot_exclude. ``lag`` and ``backup_age`` (best and worst copy) were seen,
    ``replication``, ``backup`` and ``durable`` are declared."""

    entity: str
    kind: str
    down: bool
    exposed: str
    forgets: str
    rpo: int | None = None
    loss_low: int = 0
    loss_high: int | None = None
    lag: tuple[int, int] | None = None
    backup_age: tuple[int, int] | None = None
    replication: int | None = None
    backup: int | None = None
    durable: bool | None = None
    missing: tuple[str, ...] = ()


class AssumptionView(msgspec.Struct, kw_only=True, frozen=True):
    """What ``entity`` takes for granted of ``on`` (an assumption of the catalogue), while that one is not up:
    ``broken`` or ``at_stake``.

    ``low`` … ``high`` is its health, ``since`` when it was last up. ``allowed`` is for how many seconds it may be away,
    as its ``contract`` or its ``rto`` says (``said_by``; "": nothing does); ``due`` is when that time is over.
    ``until``: the incident is over, so it holds again since then. ``consumers`` depend on it directly.
    """

    entity: str
    id: str
    on: str
    state: str
    low: int
    high: int
    since: Millis
    text: str = ""
    agreed_by: str = ""
    allowed: int | None = None
    said_by: str = ""
    contract: str = ""
    due: Millis | None = None
    until: Millis | None = None
    consumers: tuple[str, ...] = ()
    consumers_total: int = 0

    @property
    def broken(self) -> bool:
        """Away for longer than it may be."""
        return self.state == "broken"


class HarmView(msgspec.Struct, kw_only=True, frozen=True):
    """The numbers behind the severity. Lists are cut at `engine.harm.SHOWN`.

    ``at`` is until when durations are counted (0: left out), ``total`` are the bounds of all users there are, ``share``
    thousandths of them; ``uncertain`` counts entities whose health is known only within bounds, ``tier_possible`` is
    the best tier among these too. ``regions_missing`` and
    ``critical_missing`` do not say; ``…_since`` is since when the longest of these has been down. ``later_down`` will
    be down at a time unless something is done. ``rto_missed``: an RTO is missed or will be for certain; None: that
    cannot be excluded.
    """

    at: Millis = 0
    users: AmountView = AmountView()
    total: tuple[int, int | None] | None = None
    share: tuple[int, int | None] | None = None
    transactions: AmountView = AmountView()
    value: AmountView = AmountView()
    tier: int | None = None
    tier_possible: int | None = None
    regions: tuple[str, ...] = ()
    regions_missing: tuple[str, ...] = ()
    member_states: int = 0
    critical: tuple[str, ...] = ()
    critical_missing: tuple[str, ...] = ()
    business_services: tuple[str, ...] = ()
    business_processes: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    down: int = 0
    degraded: int = 0
    at_risk: int = 0
    uncertain: int = 0
    later_down: tuple[tuple[str, Millis], ...] = ()
    since: Millis | None = None
    down_since: Millis | None = None
    business_down_since: Millis | None = None
    critical_down_since: Millis | None = None
    exposure: tuple[ExposureView, ...] = ()
    rto_missed: bool | None = None
    assumptions: tuple[AssumptionView, ...] = ()


class Override(msgspec.Struct, kw_only=True, frozen=True):
    """A level set by a person: who, when and why. ``seen`` is the computed level that they had before them."""

    level: str
    by: str
    at: Millis
    why: str
    seen: str


class SeverityView(msgspec.Struct, kw_only=True):
    """Severity with every fired rule and the three dimensions (`yes`, `no`, `cannot_exclude`).

    ``level`` is in force: the ``computed`` one, unless a person has set another (``override``). ``open`` are the rules
    that would make it worse and cannot be excluded, each with what is missing and its bounds.
    """

    level: str
    user_impact: str
    data_loss: str
    regulatory: str
    fired: tuple[dict[str, Any], ...]
    missing: tuple[str, ...] = ()
    computed: str = ""
    override: Override | None = None
    open: tuple[dict[str, Any], ...] = ()


class IncidentView(msgspec.Struct, kw_only=True):
    """One revision of an incident, whole.

    ``onset`` is when its trouble began: the event time of its first alert (``first_alert_at``) or, up to half an hour
    earlier, of the first sign of it (``onset_by``); ``onset_provisional`` until all that belongs to it has arrived.
    ``members`` are what belongs to it, with reasons, cut at `engine.members.SHOWN` of each kind.
    ``opened_at`` is the arrival that opened it. ``impact`` is
    cut at `engine.incidents.SHOWN_IMPACT` entities; ``impact_total`` counts all. ``alerts`` counts alerts,
    ``events`` alert events. ``objectives`` are the countdowns of what is down, soonest first, cut at
    `engine.restoration.SHOWN`; ``restoring_at`` is when restoration began, as a person said.
    ``regimes`` are those it is judged by, ``clocks`` their countdowns, open ones first. ``called`` are the roles that
    were told to act, in this generation; ``status`` is what a person last told stakeholders, who were promised to hear
    again by ``next_update_at`` (None: nothing is promised). ``recovery`` says whether service is back, ``held_open``
    why it is not resolved yet although its alerts have ended; ``closed_as`` is restored (proven), ended (unproven) or
    deviation (a person closed it all the same).
    """

    id: str
    revision: int
    state: str
    domain: str
    title: str
    why: str
    onset: Millis
    first_alert_at: Millis | None = None
    onset_by: OnsetView | None = None
    onset_provisional: bool = False
    members: tuple[MemberView, ...] = ()
    members_total: int = 0
    opened_at: Millis
    updated_at: Millis
    declared_at: Millis | None = None
    resolved_at: Millis | None = None
    restoring_at: Millis | None = None
    told: bool = False
    cause: str | None = None
    abstained: str = ""
    candidates: tuple[Candidate, ...] = ()
    severity: SeverityView
    impact: tuple[Impacted, ...] = ()
    impact_total: int = 0
    objectives: tuple[Objective, ...] = ()
    users: tuple[int, int | None] | None = None
    harm: HarmView = HarmView()
    escalation: EscalationView = EscalationView()
    obligations: tuple[str, ...] = ()
    regimes: tuple[RegimeView, ...] = ()
    clocks: tuple[ClockView, ...] = ()
    entities: tuple[str, ...] = ()
    alerts: int = 0
    firing: int = 0
    events: int = 0
    confirmed: int = 0
    assigned: str = ""
    acknowledged_by: str = ""
    acknowledged_at: Millis | None = None
    called: tuple[Called, ...] = ()
    declaration: Declaration | None = None
    status: Status | None = None
    next_update_at: Millis | None = None
    update_overdue: bool = False
    merged_into: str = ""
    split_from: str = ""
    generation: int = 1
    versions: dict[str, str] = {}
    recovery: RecoveryView | None = None
    closed_as: str = ""
    held_open: tuple[str, ...] = ()


class TimelineEntry(msgspec.Struct, kw_only=True):
    """One line of an incident's timeline. ``kind`` is stable and documented; ``text`` is for people."""

    incident: str
    at: Millis
    kind: str
    text: str
    actor: str = ""
    facts: dict[str, Any] = {}


class Publication(msgspec.Struct, kw_only=True):
    """One thing to tell: the outbox row. ``key`` is deterministic per (incident, action, generation, revision).

    ``audience`` is `engineers`, `stakeholders` or `tickets`; ``action`` is `open`, `update`, `resolve`, `reopen`,
    `merge`, `escalate`, `declare`, `overdue` or `disputed`; a sink that does not know one takes it as an update.
    ``not_before`` carries the group wait. Rows of one incident are published in order. ``sinks`` are those that the
    rules route it to; None: all that serve the audience. ``related`` are other incidents that it speaks of. ``alone``:
    it says nothing but its own lines; all others also say what an update that waited for its time would have said.
    """

    key: str
    incident: str
    revision: int
    generation: int
    action: str
    audience: str
    not_before: Millis
    created_at: Millis
    body: dict[str, Any]
    sinks: tuple[str, ...] | None = None
    related: tuple[str, ...] = ()
    alone: bool = False

    def serves(self, sink: str, audiences: frozenset[str]) -> bool:
        """Does it go to this sink, which serves these audiences?"""
        return self.audience in audiences and (self.sinks is None or sink in self.sinks)

    def ticket(self, sink: str) -> dict[str, Any]:
        """What the rules say of the ticket at this sink: queue, priority, assignee, fields; what is missing is left to
        the ticketing system."""
        said: dict[str, Any] = self.body.get("ticket") or {}
        return dict(said.get("sinks", {}).get(sink) or {key: said[key] for key in said if key != "sinks"})


class Decision(msgspec.Struct):
    """One record for the hash chain of ``domain``: everything decided there at one position, or at one timer.

    The sequence of decisions is the same whatever the batch sizes (law 3).
    """

    domain: str
    position: int
    at: Millis
    payload: bytes


class Outcomes(msgspec.Struct):
    """All that one call of the core decided."""

    ledger: list[LedgerEntry] = []
    changes: list[LedgerChange] = []
    alerts: list[int] = []  # numbers of alerts whose view changed; see Core.alert_view
    departed: list[AlertView] = []  # last views of alerts that are forgotten now
    incidents: list[IncidentView] = []
    timeline: list[TimelineEntry] = []
    outbox: list[Publication] = []
    decisions: list[Decision] = []
    handovers: list[tuple[int, Handover]] = []  # with the shard that is to have it

    def __bool__(self) -> bool:
        return bool(self.decisions or self.alerts or self.handovers)
