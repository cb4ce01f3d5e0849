"""What is kept back, what people established, and what is made of it: answers from the state of a core.

The state may be that of the running engine, in another thread: tables are copied before they are walked through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import msgspec

from api.errors import Fault, Problem, invalid
from api.evidence_schemas import (
    Audited,
    AuditPage,
    CalibrationOf,
    ModelOf,
    PromotionOf,
    Promotions,
    SuppressedAlert,
    SuppressedPage,
)
from api.schemas import Versions
from engine.alerts.view import shown
from engine.evidence.model.calibration import calibrate
from engine.evidence.model.cases import ONE_IN, Case
from engine.evidence.model.learn import Learned, learn
from engine.evidence.model.promotion import Promotion, promotion
from engine.evidence.model.weights import PRIOR, encode
from engine.evidence.verdict import CONFIRM, TERM_CAP, verdict
from engine.ports import Reader
from engine.reasons import Disposition, Reason
from engine.signals import Millis
from engine.state import Alert, CoreState
from rules.ruleset import RuleSet
from topology.model import Topology

MODEL_FACT = "model"
KEPT = (Disposition.HELD, Disposition.SUPPRESSED)


@dataclass(frozen=True)
class Known:
    """The state of a core, and what is in force in it."""

    state: CoreState
    topology: Topology
    rules: RuleSet

    @property
    def versions(self) -> Versions:
        """What answers are computed from."""
        return Versions(self.topology.version, self.topology.version, self.rules.version)

    def tier(self, entity: str) -> int | None:
        """The tier of an entity, if it says."""
        found = self.topology.entities.get(entity)
        return None if found is None else found.tier

    def mode(self, rule: str) -> str:
        """Shadow or enforce."""
        return self.state.modes.get(rule) or self.rules.mode(rule)


@dataclass(frozen=True)
class Wanted:
    """Which of the alerts that are kept back; ``shadow``: those that would be, too."""

    shadow: bool = False
    rule: str = ""
    entity: str = ""


def suppressed(known: Known, reader: Reader, wanted: Wanted, cursor: str, limit: int) -> SuppressedPage:
    """What is held or suppressed now, as far as it is remembered, newest first."""
    rows = [row for alert in list(known.state.alerts.values()) if (row := _kept(known, alert, wanted)) is not None]
    rows.sort(key=lambda row: -row[0].no)
    below = int(cursor) if cursor else None
    left = [row for row in rows if below is None or row[0].no < below]
    page = left[:limit]
    items = [_suppressed(known, reader, alert, rule, shadow=shadow) for alert, rule, shadow in page]
    more = str(page[-1][0].no) if len(left) > limit else ""
    return SuppressedPage(items=items, next=more, total=len(rows), versions=known.versions)


def _kept(known: Known, alert: Alert, wanted: Wanted) -> tuple[Alert, str, bool] | None:
    """The alert with its rule, and whether that is in shadow mode; None where it is not wanted."""
    if alert.internal or alert.reason is Reason.HEARTBEAT or (wanted.entity and alert.entity != wanted.entity):
        return None
    rule, shadow = alert.rule, False
    if alert.disposition not in KEPT:
        case = known.state.learning.find(alert.no)
        rule = next((name for name, enforced in case.rules.items() if not enforced), "") if case else ""
        shadow = True
        if not rule or not wanted.shadow:
            return None
    return None if wanted.rule and rule != wanted.rule else (alert, rule, shadow)


def _suppressed(known: Known, reader: Reader, alert: Alert, rule: str, *, shadow: bool) -> SuppressedAlert:
    said, odds = verdict(alert.terms)
    return SuppressedAlert(
        no=alert.no,
        event=alert.event,
        name=alert.name,
        entity=alert.entity,
        tier=known.tier(alert.entity),
        incident=alert.incident,
        disposition=alert.disposition.value,
        reason=alert.reason.value,
        rule=rule,
        shadow=shadow,
        since=_since(reader, alert, shadow=shadow),
        held_until=alert.held_until,
        firing=alert.spell.firing(known.state.now),
        verdict=said.value,
        log_odds=odds,
        terms=shown(alert.terms),
        would_flip=_would_flip(known, alert, odds, shadow=shadow),
    )


def _since(reader: Reader, alert: Alert, *, shadow: bool) -> Millis:
    """When the ledger says that it was kept back; its start where that is not stored yet."""
    lines = reader.why(alert.event)
    found: object = None
    if shadow:
        found = next((line["at"] for line in lines if line["enforced"] == Disposition.SUPPRESSED.value), None)
    elif lines and lines[-1]["disposition"] == alert.disposition.value:
        found = lines[-1]["at"]
    return found if isinstance(found, int) else alert.spell.start


def _would_flip(known: Known, alert: Alert, odds: float, *, shadow: bool) -> str:
    """What would let it in."""
    if shadow:
        return "it is let in: its rule is in shadow mode"
    if alert.reason is Reason.MANUAL:
        return "a person decided: reopen its incident"
    if not alert.kept_back:
        if alert.reason in (Reason.AWAITING_EVIDENCE, Reason.CONTRADICTED, Reason.SELF_CLEARED):
            return "its incident is over: nothing more is looked at; a person may judge it"
        return f"{alert.rule} has to end, or to match no longer" if alert.rule else "it is settled within a second"
    need = CONFIRM - odds
    if alert.reason is Reason.CONTRADICTED:
        cost = known.rules.evidence.cost(known.tier(alert.entity))
        need = 0.0 if cost is None else -log(cost) - odds
    if need <= 0:
        return "the next look at its evidence"
    one = f"one independent term of +{need:.1f} would let it in"
    several = f"independent terms of +{need:.1f} in all would let it in"
    text = one if need <= TERM_CAP else several
    return f"{text}; else it is let in at its deadline" if alert.disposition is Disposition.HELD else text


def audit(known: Known, cursor: str, limit: int) -> AuditPage:
    """Suppressed alerts of the audit sample that wait for a person's judgement, oldest first."""
    rows = sorted(known.state.learning.audit.values(), key=lambda case: case.alert)
    left = [case for case in rows if case.alert > int(cursor or 0)]
    page = left[:limit]
    return AuditPage(
        items=[_audited(known, case) for case in page],
        next=str(page[-1].alert) if len(left) > limit else "",
        total=len(rows),
        one_in=ONE_IN,
        versions=known.versions,
    )


def _audited(known: Known, case: Case) -> Audited:
    alert = known.state.alerts.get(case.alert)
    terms = [msgspec.structs.asdict(piece) for piece in case.terms]
    return Audited(
        no=case.alert,
        event=case.event,
        name=case.name,
        entity=case.entity,
        incident=case.incident if alert is None else alert.incident,
        at=case.at,
        rules=dict(case.rules),
        terms=terms if alert is None else list(shown(alert.terms)),
    )


def model_of(known: Known) -> ModelOf:
    """The weights in force."""
    learning = known.state.learning
    return ModelOf(
        version=PRIOR if learning.model is None else learning.model.version,
        model=learning.model,
        known=list(learning.models),
        outcomes=len(learning.judged),
        waiting_for_audit=len(learning.audit),
        forgotten=learning.forgotten,
        versions=known.versions,
    )


def calibration_of(known: Known, since: Millis | None, until: Millis | None) -> CalibrationOf:
    """How good the weights in force are, and what outcomes judged in the span teach."""
    learning = known.state.learning
    judged = _judged(known)
    found = learn(judged, learning.model, since, until)
    prior = 0.0 if learning.model is None else learning.model.prior
    return CalibrationOf(
        version=PRIOR if learning.model is None else learning.model.version,
        in_force=calibrate([case for case in judged if case.terms], learning.model, prior),
        learned=found,
        candidate="" if found.candidate is None else found.candidate.version,
        versions=known.versions,
    )


def promotion_of(known: Known, rule: str) -> PromotionOf | None:
    """The report on one rule; None where there is no such rule."""
    if rule not in known.rules.suppressing and rule not in known.state.learning.rules:
        return None
    found = _promotion(known, rule, _spared(known))
    return PromotionOf(**msgspec.structs.asdict(found), versions=known.versions)


def promotions(known: Known) -> Promotions:
    """The reports on all declared rules and on the engine's own."""
    spared = _spared(known)
    items = [_promotion(known, rule, spared) for rule in known.rules.suppressing]
    return Promotions(items=items, versions=known.versions)


def _promotion(known: Known, rule: str, spared: set[str]) -> Promotion:
    return promotion(known.state.learning, rule, known.mode(rule), spared)


def _spared(known: Known) -> set[str]:
    """Incidents with an alert, still remembered, that no rule keeps back or would."""
    learning = known.state.learning
    alerts = list(known.state.alerts.values())
    return {alert.incident for alert in alerts if (case := learning.find(alert.no)) is None or not case.rules}


def _judged(known: Known) -> Sequence[Case]:
    return list(known.state.learning.judged.values())


def with_model(known: Known, version: str, facts: Mapping[str, str]) -> dict[str, str]:
    """The facts of an activation with the content of the model that outcomes teach now; only such a model, one that was
    active before, or the prior may be activated. Raises Problem."""
    if MODEL_FACT in facts:
        raise invalid("The command is not complete.", [Fault("/facts/model", "is filled in here: name a version")])
    if version == PRIOR or version in known.state.learning.models:
        return dict(facts)
    found: Learned = learn(_judged(known), None, _moment(facts, "since"), _moment(facts, "until"))
    if found.candidate is None:
        raise Problem(409, "refused", f"no model {version!r} can be learned: {found.refused}.")
    if found.candidate.version != version:
        text = f"the outcomes give version {found.candidate.version} now, not {version}; look at it first."
        raise Problem(409, "refused", text)
    return {**facts, MODEL_FACT: encode(found.candidate).decode()}


def _moment(facts: Mapping[str, str], name: str) -> Millis | None:
    text = facts.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= len(str(2**53))):
        raise invalid("The command is not complete.", [Fault(f"/facts/{name}", "milliseconds since 1970")])
    return int(text) if text else None
