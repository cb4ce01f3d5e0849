"""What the API answers when it is asked to argue: of an alert whether it is real, of an incident where it begins."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.member_views import MemberView, OnsetView
from engine.outcomes import Impacted
from engine.signals import Millis


class Argument(msgspec.Struct, kw_only=True):
    """One argument in words, with its ``weight`` (log-odds of a verdict's term, value of a cause's) and ``facts``."""

    kind: str
    text: str
    weight: float = 0.0
    facts: dict[str, Any] = {}


class AlertArgued(msgspec.Struct, kw_only=True):
    """Is an alert real? What speaks for and against it, what could not be used (it counts for nothing), which sources
    say nothing at all, and what would change the verdict. ``log_odds`` are those of all terms together, capped;
    `confirmed` from ``confirmed_from``, `contradicted` up to ``contradicted_until``."""

    no: int
    name: str
    entity: str
    verdict: str
    disposition: str
    reason: str
    log_odds: float
    confirmed_from: float
    contradicted_until: float
    speaks_for: list[Argument]
    speaks_against: list[Argument]
    not_used: list[Argument]
    nothing_from: list[str]
    would_change: list[str]


class CandidateArgued(msgspec.Struct, kw_only=True):
    """One candidate cause: what speaks for it and against it, what is open, its path and its counterfactual."""

    place: int
    entity: str
    score: float
    silent: bool
    path: tuple[str, ...]
    explained: int
    unexplained: int
    counterfactual: str
    speaks_for: list[Argument]
    speaks_against: list[Argument]
    open: list[Argument]


class IncidentExplanation(msgspec.Struct, kw_only=True):
    """One revision of an incident as an argument: is it real, when did it begin and what belongs to it, where does it
    begin and why there, what it hits, and what would change the answer. ``text`` is all of it in words.

    ``real`` argues the first alert of every entity and name, ``alerts`` counts all; ``hit`` are the first of
    ``hit_total``. ``first_before_second`` are the terms in which the two best candidates differ."""

    incident: str
    revision: int
    state: str
    severity: str
    conclusion: str
    onset: Millis
    first_alert_at: Millis | None
    onset_by: OnsetView | None
    onset_provisional: bool
    began: str
    members: list[MemberView]
    joined: list[str]
    alerts: int
    confirmed: int
    real: list[AlertArgued]
    cause: str | None
    abstained: str
    candidates: list[CandidateArgued]
    first_before_second: list[str]
    hit: list[Impacted]
    hit_total: int
    would_change: list[str]
    text: str = ""
    versions: dict[str, str]
