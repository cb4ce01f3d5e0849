"""Alerts as far as learning needs them: what evidence said of them at last, which rules kept them back, and how it was
in truth, as people established it.

The tables are bounded. Of alerts that nobody judged the oldest are given up first; those of the audit sample wait
longer, and what was judged longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec
import xxhash

from engine.evidence.model.weights import EvidenceModel
from engine.evidence.verdict import Term
from engine.signals import Millis

MOST_CASES, MOST_AUDIT, MOST_JUDGED, MOST_RULES, MOST_MODELS = 20_000, 1_000, 10_000, 1_000, 8
ONE_IN = 100
"""One of so many suppressed alerts is for the audit: it is looked at although nobody missed it."""
OPERATOR, INCIDENT, TICKET, AUDIT = "operator", "incident", "ticket", "audit"
"""Where outcomes come from: a person judged the alert, or its incident; a ticket's resolution code; the audit."""


class Piece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A term without its facts, with the log-odds of the shipped prior."""

    kind: str
    group: str
    log_odds: float
    claim: bool


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Was the alert real? As ``by`` established at ``at``, from ``source`` (see `OPERATOR` and the others)."""

    real: bool
    source: str
    by: str
    at: Millis
    reason: str = ""


class Case(msgspec.Struct, array_like=True):
    """One alert, of event ``event``. ``rules`` that kept it back: True where they did, False where they would have."""

    alert: int
    event: str
    name: str
    entity: str
    incident: str
    at: Millis
    rules: dict[str, bool] = {}
    terms: tuple[Piece, ...] = ()
    outcome: Outcome | None = None


class Tally(msgspec.Struct, array_like=True):
    """How many alerts a rule has suppressed, how many it would have in shadow mode, and how many of both it would have
    let in again because evidence changed."""

    suppressed: int = 0
    shadowed: int = 0
    released: int = 0


class Subject(Protocol):
    """An alert of the core."""

    no: int
    event: str
    name: str
    entity: str
    incident: str
    terms: tuple[Term, ...]


class Learning(msgspec.Struct):
    """The tables by alert number, how much each rule kept back, the models that were active, and how many cases had to
    be given up before anybody judged them."""

    cases: dict[int, Case] = {}
    audit: dict[int, Case] = {}
    judged: dict[int, Case] = {}
    rules: dict[str, Tally] = {}
    model: EvidenceModel | None = None
    models: dict[str, EvidenceModel] = {}
    forgotten: int = 0

    def find(self, number: int) -> Case | None:
        """The case of an alert."""
        return self.judged.get(number) or self.audit.get(number) or self.cases.get(number)

    def real(self, number: int) -> bool:
        """Did somebody establish that the alert is real?"""
        found = self.judged.get(number)
        return found is not None and found.outcome is not None and found.outcome.real

    def keep(self, alert: Subject, rule: str, at: Millis, *, shadow: bool) -> None:
        """A rule keeps the alert back, or would in another mode."""
        case = self._case(alert, at)
        before = case.rules.get(rule)
        if before is not None and (before or shadow):
            return
        case.rules = {**case.rules, rule: not shadow}
        tally = self.rules.get(rule)
        if tally is None:
            if len(self.rules) >= MOST_RULES:
                del self.rules[next(iter(self.rules))]
            tally = self.rules[rule] = Tally()
        if before is not None:
            tally.shadowed -= 1
        if shadow:
            tally.shadowed += 1
        else:
            tally.suppressed += 1
        if alert.no in self.cases and sampled(alert.event):
            self.audit[alert.no] = self.cases.pop(alert.no)
            if len(self.audit) > MOST_AUDIT:
                self._give_up(self.audit)

    def release(self, number: int) -> None:
        """Evidence changed, or a gate opened: nothing keeps the alert back any longer."""
        case = self.find(number)
        if case is not None and case.rules:
            for rule in case.rules:
                if rule in self.rules:
                    self.rules[rule].released += 1
            case.rules = {}

    def close(self, alert: Subject, at: Millis) -> None:
        """The alert's life is over: its terms are final."""
        self._case(alert, at)

    def judge(self, case: Case, outcome: Outcome) -> None:
        """Take up an outcome; a later one takes the place of an earlier one."""
        for table in (self.cases, self.audit, self.judged):
            table.pop(case.alert, None)
        case.outcome = outcome
        self.judged[case.alert] = case
        if len(self.judged) > MOST_JUDGED:
            del self.judged[next(iter(self.judged))]

    def case_of(self, alert: Subject, at: Millis) -> Case:
        """The case of an alert that is still remembered, as it stands."""
        return self._case(alert, at)

    def activate(self, model: EvidenceModel | None) -> None:
        """Weigh by this model from now on; None: by the shipped prior."""
        self.model = model
        if model is not None:
            self.models.pop(model.version, None)
            self.models[model.version] = model
            if len(self.models) > MOST_MODELS:
                del self.models[next(iter(self.models))]

    def of_incident(self, incident: str) -> Iterator[Case]:
        """All cases of an incident."""
        return (case for case in self.everything() if case.incident == incident)

    def everything(self) -> Iterator[Case]:
        """All cases; the tables may change meanwhile."""
        for table in (self.cases, self.audit, self.judged):
            yield from list(table.values())

    def _case(self, alert: Subject, at: Millis) -> Case:
        case = self.find(alert.no)
        if case is None:
            case = Case(alert.no, alert.event, alert.name, alert.entity, alert.incident, at, {})
            self.cases[alert.no] = case
            if len(self.cases) > MOST_CASES:
                self._give_up(self.cases)
        case.incident = alert.incident or case.incident
        case.entity = alert.entity
        case.terms = pieces(alert.terms)
        return case

    def _give_up(self, table: dict[int, Case]) -> None:
        del table[next(iter(table))]
        self.forgotten += 1


def sampled(event: str) -> bool:
    """Is an alert event part of the audit sample, if it is suppressed? By a hash of its id: no random number decides.

    >>> sum(sampled(f"{position}-0") for position in range(20_000)) // 20
    9
    """
    return xxhash.xxh3_64_intdigest(event.encode()) % ONE_IN == 0


def pieces(terms: Iterable[Term]) -> tuple[Piece, ...]:
    """Terms without their facts, at the weight that they had before any model replaced it."""
    return tuple(Piece(t.kind, t.group, float(t.facts.get("prior_log_odds", t.log_odds)), t.claim) for t in terms)
