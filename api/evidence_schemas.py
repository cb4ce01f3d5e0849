"""What the API answers about evidence: what is kept back and why, weights, their calibration, promotion of rules."""

from __future__ import annotations

from typing import Any

import msgspec

from api.schemas import Versions
from engine.evidence.model.calibration import Calibration
from engine.evidence.model.learn import Learned
from engine.evidence.model.promotion import Promotion
from engine.evidence.model.weights import EvidenceModel
from engine.signals import Millis


class SuppressedAlert(msgspec.Struct, kw_only=True):
    """An alert that is held or suppressed, or (``shadow``) would be if its rule were enforced.

    ``since`` is when it was kept back, ``held_until`` when it is let in at the latest. ``log_odds`` is the sum of its
    ``terms`` as capped; ``would_flip`` says what would let it in.
    """

    no: int
    event: str
    name: str
    entity: str
    tier: int | None = None
    incident: str
    disposition: str
    reason: str
    rule: str
    shadow: bool
    since: Millis
    held_until: Millis | None = None
    firing: bool
    verdict: str
    log_odds: float
    terms: tuple[dict[str, Any], ...]
    would_flip: str


class SuppressedPage(msgspec.Struct, kw_only=True):
    """Newest first; ``next`` is the cursor of the following page, empty at the end; ``total`` counts all pages."""

    items: list[SuppressedAlert]
    next: str
    total: int
    versions: Versions


class Audited(msgspec.Struct, kw_only=True):
    """A suppressed alert of the audit sample that nobody has judged yet. ``rules`` kept it back: true where they did,
    false where they would have. ``at`` is when that began; ``terms`` are kind, group, log-odds, claim."""

    no: int
    event: str
    name: str
    entity: str
    incident: str
    at: Millis
    rules: dict[str, bool]
    terms: list[dict[str, Any]]


class AuditPage(msgspec.Struct, kw_only=True):
    """The queue of the audit, oldest first. ``one_in``: one of so many suppressed alerts is in it."""

    items: list[Audited]
    next: str
    total: int
    one_in: int
    versions: Versions


class ModelOf(msgspec.Struct, kw_only=True):
    """The weights in force: ``version`` is `prior` or that of ``model``. ``known`` are the models that were active and
    that one can go back to; ``forgotten`` counts alerts that nobody judged before they were given up."""

    version: str
    model: EvidenceModel | None
    known: list[str]
    outcomes: int
    waiting_for_audit: int
    forgotten: int
    versions: Versions


class CalibrationOf(msgspec.Struct, kw_only=True):
    """How good the weights in force are on all outcomes (``in_force``), and what the outcomes teach. ``candidate`` is
    the version that one may activate, empty where there are too few outcomes."""

    version: str
    in_force: Calibration
    learned: Learned
    candidate: str
    versions: Versions


class PromotionOf(Promotion, kw_only=True, frozen=True):
    """The report on one rule, and the versions it was made with."""

    versions: Versions


class Promotions(msgspec.Struct, kw_only=True):
    """The reports on all rules that may keep alerts back."""

    items: list[Promotion]
    versions: Versions
    next: str = ""
