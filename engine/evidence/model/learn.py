"""A candidate model from outcomes: learned on one half of them, measured on the other.

The halves are chosen by a hash of the alert event's id: the same outcomes give the same candidate. Only alerts of
which evidence said something count: where there was none, there is nothing to weigh.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log

import msgspec
import xxhash

from engine.evidence.model.calibration import Calibration, calibrate
from engine.evidence.model.cases import Case
from engine.evidence.model.intervals import needed
from engine.evidence.model.weights import EvidenceModel, Weight, clipped

LEAST = 30
"""Outcomes of each sort, real and false, that the half to learn from must have."""
LEAST_OF_KIND = 10
"""Outcomes with a kind of term from which its weight is learned; below, it keeps its prior."""
CLAIM = 0.01
"""The share of missed real alerts that an operator would want to claim not to exceed."""


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What outcomes teach. ``candidate`` is None where they are too few (``refused`` says what is missing); ``before``
    and ``after`` are the model in force and the candidate, both on the half that was held out, from the same prior.

    ``kept`` are kinds whose prior stays, with how many outcomes had them. ``by_source`` counts the outcomes,
    ``real_needed`` how many real ones it takes to claim that at most 1 % of real alerts are missed.
    """

    candidate: EvidenceModel | None
    refused: str
    before: Calibration
    after: Calibration | None
    real: int
    false: int
    without_evidence: int
    by_source: dict[str, int]
    kept: dict[str, int]
    real_needed: int
    note: str


def learn(
    cases: Iterable[Case], in_force: EvidenceModel | None, since: int | None = None, until: int | None = None
) -> Learned:
    """What the outcomes judged from ``since`` to ``until`` teach."""
    judged = [case for case in cases if case.outcome is not None and _within(case.outcome.at, since, until)]
    usable = [case for case in judged if case.terms]
    train = [case for case in usable if not held_out(case.event)]
    test = [case for case in usable if held_out(case.event)]
    real, false = _split(train)
    prior = round(log((len(real) + 1) / (len(false) + 1)), 4)
    candidate, refused = None, _too_few(len(real), len(false))
    kept: dict[str, int] = {}
    if not refused:
        weights, kept = _weights(real, false)
        candidate = EvidenceModel(
            weights=weights, prior=prior, real=len(real), false=len(false), since=since, until=until
        )
        refused = "" if weights else f"no kind of term was seen in {LEAST_OF_KIND} outcomes"
        candidate = candidate if weights else None
    before = calibrate(test, in_force, prior)
    after = calibrate(test, candidate, prior) if candidate is not None else None
    sources: dict[str, int] = {}
    for case in judged:
        if case.outcome is not None:
            sources[case.outcome.source] = sources.get(case.outcome.source, 0) + 1
    all_real = sum(case.outcome is not None and case.outcome.real for case in judged)
    return Learned(
        candidate=candidate,
        refused=refused,
        before=before,
        after=after,
        real=all_real,
        false=len(judged) - all_real,
        without_evidence=len(judged) - len(usable),
        by_source=dict(sorted(sources.items())),
        kept=kept,
        real_needed=needed(CLAIM),
        note=_note(all_real, before, after),
    )


def held_out(event: str) -> bool:
    """Is an alert in the half that nothing is learned from?"""
    return xxhash.xxh3_64_intdigest(f"held out {event}".encode()) % 2 == 1


def _within(at: int, since: int | None, until: int | None) -> bool:
    return (since is None or at >= since) and (until is None or at <= until)


def _split(cases: list[Case]) -> tuple[list[Case], list[Case]]:
    real = [case for case in cases if case.outcome is not None and case.outcome.real]
    return real, [case for case in cases if case.outcome is not None and not case.outcome.real]


def _too_few(real: int, false: int) -> str:
    missing = [f"{n} {word}" for n, word in ((real, "real"), (false, "false")) if n < LEAST]
    if not missing:
        return ""
    had = " and ".join(missing)
    return f"too few outcomes to learn from: {had} in the half to learn from, at least {LEAST} of each are needed"


def _weights(real: list[Case], false: list[Case]) -> tuple[dict[str, Weight], dict[str, int]]:
    """Log likelihood ratios of seeing each kind, smoothed by Beta(1, 1), and kinds that were seen too seldom."""
    seen: dict[str, list[int]] = {}
    for place, cases in enumerate((real, false)):
        for case in cases:
            for kind in {piece.kind for piece in case.terms}:
                seen.setdefault(kind, [0, 0])[place] += 1
    weights, kept = {}, {}
    for kind, (hits, others) in sorted(seen.items()):
        if hits + others < LEAST_OF_KIND:
            kept[kind] = hits + others
            continue
        ratio = ((hits + 1) / (len(real) + 2)) / ((others + 1) / (len(false) + 2))
        weights[kind] = Weight(round(clipped(log(ratio)), 4), hits, others)
    return weights, kept


def _note(real: int, before: Calibration, after: Calibration | None) -> str:
    least = needed(CLAIM)
    claim = f"{real} real outcomes are known"
    if real < least:
        claim += f"; to claim that at most {CLAIM:.0%} of real alerts are missed takes {least}"
    if after is None or after.brier is None or before.brier is None:
        return claim
    if after.brier >= before.brier:
        return f"{claim}; on the held-out half the candidate is not better than what is in force: do not activate it"
    return f"{claim}; on the held-out half the candidate is better than what is in force"
