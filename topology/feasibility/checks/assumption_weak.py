"""An assumption about something that is less available than the one that assumes it."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.words import span

ID = "assumption-weak"


def find(case: Case) -> Iterator[Finding]:
    """One per assumption whose entity is more likely to fail, or allowed to be away for longer."""
    for n, said in enumerate(case.said):
        for assumption in said.assumptions:
            on = case.number[assumption.on]
            why = _likelier(case, n, on) or _longer(case, n, on)
            if why:
                sentence = f"{case.names[n]} takes {assumption.on} for granted ({assumption.id}), but {why}"
                slack = _slack(case, n, on)
                yield case.finding(ID, Level.WARNING, [n, on], sentence, chain=[n, on], slack=slack)


def _likelier(case: Case, entity: int, on: int) -> str:
    own, other = case.said[entity].failure, case.said[on].failure
    if own is None or other is None or other <= own:
        return ""
    return f"that fails with a probability of {other / 1e6:g} and itself with {own / 1e6:g}"


def _longer(case: Case, entity: int, on: int) -> str:
    slack = _slack(case, entity, on)
    if slack is None or slack >= 0:
        return ""
    own = case.rto[entity] or 0
    return f"that may be away for {span(own - slack)} and itself for {span(own)}"


def _slack(case: Case, entity: int, on: int) -> int | None:
    contract = case.said[on].contract
    promised = [time for time in (case.rto[on], contract.rto if contract else None) if time is not None]
    own = case.rto[entity]
    return own - max(promised) if own is not None and promised else None
