"""What texts read of a publication's incident. All fields have defaults: rows of other versions can still be told."""

from __future__ import annotations

import msgspec

from engine.outcomes import Publication
from engine.signals import Millis


class Severity(msgspec.Struct):
    """The level, and the three dimensions behind it: yes, no or cannot_exclude."""

    level: str = "unknown"
    user_impact: str = "cannot_exclude"
    data_loss: str = "cannot_exclude"
    regulatory: str = "cannot_exclude"


class Impacted(msgspec.Struct):
    """One entity that is hit."""

    entity: str = ""
    name: str = ""
    kind: str = ""
    low: int = 0
    high: int = 1000
    path: tuple[str, ...] = ()
    at: Millis | None = None
    held_by: str = ""
    held_until: Millis | None = None
    tier: int | None = None
    together: tuple[str, ...] = ()


class Objective(msgspec.Struct):
    """One countdown of an RTO or RPO."""

    entity: str = ""
    kind: str = ""
    due: Millis = 0
    finish: Millis | None = None
    breach: str = "cannot_exclude"


class Clock(msgspec.Struct):
    """One countdown of a regime."""

    regime: str = ""
    name: str = ""
    article: str = ""
    act: str = ""
    notify: str = ""
    applies: str = "cannot_exclude"
    state: str = ""
    due: Millis | None = None
    provisional: bool = False
    soon: bool = False
    passed: bool = False


class Assumption(msgspec.Struct):
    """What an entity takes for granted of another one that is not up."""

    entity: str = ""
    id: str = ""
    on: str = ""
    state: str = ""
    text: str = ""
    until: Millis | None = None


class Harm(msgspec.Struct):
    """The part of the numbers behind the severity that texts use."""

    assumptions: tuple[Assumption, ...] = ()


class Candidate(msgspec.Struct):
    """One candidate cause."""

    entity: str = ""
    score: float = 0.0
    counterfactual: str = ""
    terms: dict[str, float] = {}
    path: tuple[str, ...] = ()
    explained: int = 0
    unexplained: int = 0


class Status(msgspec.Struct):
    """What a person last said of the incident to its stakeholders."""

    text: str = ""


class Accepted(msgspec.Struct):
    """Who answers for an entity that has no baseline."""

    entity: str = ""
    by: str = ""
    why: str = ""


class Recovered(msgspec.Struct):
    """Whether service is back."""

    verdict: str = ""
    unmeasured: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()


class Incident(msgspec.Struct):
    """The fields that texts use."""

    id: str = ""
    revision: int = 0
    state: str = "unknown"
    title: str = ""
    why: str = ""
    onset: Millis = 0
    resolved_at: Millis | None = None
    cause: str | None = None
    abstained: str = ""
    candidates: tuple[Candidate, ...] = ()
    severity: Severity = msgspec.field(default_factory=Severity)
    impact: tuple[Impacted, ...] = ()
    impact_total: int = 0
    objectives: tuple[Objective, ...] = ()
    harm: Harm = msgspec.field(default_factory=Harm)
    users: tuple[int, int | None] | None = None
    obligations: tuple[str, ...] = ()
    clocks: tuple[Clock, ...] = ()
    alerts: int = 0
    firing: int = 0
    events: int = 0
    assigned: str = ""
    acknowledged_by: str = ""
    merged_into: str = ""
    status: Status | None = None
    next_update_at: Millis | None = None
    closed_as: str = ""
    recovery: Recovered | None = None

    @property
    def partly_proven(self) -> bool:
        """Was it closed with everything proven that has a baseline, and people answering for the rest?"""
        found = self.recovery
        proven = found is not None and bool(found.accepted) and found.verdict in ("restored", "improved")
        return proven and self.closed_as == "deviation"


class Role(msgspec.Struct):
    """A role that is to be reached, and who fills it."""

    role: str = ""
    names: tuple[str, ...] = ()


class Reach(msgspec.Struct):
    """Whom an escalation is to reach."""

    level: str = ""
    roles: tuple[Role, ...] = ()


class Declaration(msgspec.Struct):
    """The crisis team of a formal declaration."""

    team: tuple[Role, ...] = ()


class Told(msgspec.Struct):
    """What a publication says besides its own fields."""

    incident: Incident = msgspec.field(default_factory=Incident)
    why: str = ""
    news: tuple[str, ...] = ()
    reach: Reach = msgspec.field(default_factory=Reach)
    declaration: Declaration = msgspec.field(default_factory=Declaration)
    test: bool = False


def told(publication: Publication) -> Told:
    """The publication's body; what is missing or null there has its default."""
    body = {name: value for name, value in publication.body.items() if value is not None}
    return msgspec.convert(body, type=Told, strict=False)
