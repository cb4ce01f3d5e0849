"""The ranking of causes in words: what speaks for and against each candidate, and why the first is before the second.

Every term that a candidate can have has words here (`TERMS`), with the numbers behind it where something was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log
from typing import Any

from api.evidence_words import listed, moved, number, span, times
from api.severity_words import when

Fields = Mapping[str, Any]
Said = tuple[str, str]
"""(side, words): the side is for, against or open."""
FOR, AGAINST, OPEN = "for", "against", "open"

LITTLE = 0.5
"""A share below which a term speaks against a candidate."""
APART = 0.05
"""How far two terms must differ to be named."""


def arguments(candidate: Fields, changes: Sequence[Fields] = ()) -> list[tuple[str, str, str]]:
    """(term, side, words) of a candidate; ``changes`` are the incident's members of that kind."""
    facts = candidate.get("facts") or {}
    own_changes = [one for one in changes if one["entity"] == candidate["entity"]]
    found = []
    for name, value in candidate["terms"].items():
        if name == "change" and own_changes:
            continue  # told with what it was
        words = TERMS.get(name)
        said = words(value, candidate, facts) if words else (FOR, f"{name.replace('_', ' ')} {number(value)}")
        if said is not None:
            found.append((name, *said))
    found += [("facts", *said) for said in _facts(facts)]
    found += [("change", FOR, change_in_words(one)) for one in own_changes]
    return found


def first_before_second(first: Fields, second: Fields) -> list[str]:
    """The terms in which two candidates differ, the one that decides most first."""
    rows = []
    for name, words in _BETWEEN.items():
        one, other = first["terms"].get(name, 0.0), second["terms"].get(name, 0.0)
        if abs(one - other) >= APART:
            weight = log(max(one, 0.01) / max(other, 0.01))
            rows.append((-abs(weight), name, one, other, words))
    found = []
    for _, _, one, other, words in sorted(rows):
        sign = "for" if one > other else "in spite of"
        found.append(f"{sign} {words}: {number(one)} against {number(other)} of {second['entity']}")
    return found


def change_in_words(member: Fields) -> str:
    """A change and how it lies to the onset."""
    before = member["facts"].get("before_onset_ms", 0)
    lies = f"{span(abs(before))} {'before' if before >= 0 else 'after'} the onset"
    return f"{listed(member['because'])} of {member['entity']} at {when(member['since'])}, {lies}"


def abstention(incident: Fields, floor: float) -> str:
    """Why no cause is named, with the numbers; "" when one is."""
    if not incident["abstained"] and incident["candidates"]:
        return ""
    ranked = incident["candidates"]
    if not ranked:
        return "nothing points to a cause"
    said = str(incident["abstained"])
    best = ranked[0]
    if best["score"] < floor:
        return f"{said}: the best, {best['entity']}, has {best['score']:.2f}"
    scores = ", ".join(f"{one['entity']} {one['score']:.3f}" for one in ranked[:2])
    return f"{said}: {scores}"


def _own(value: float, candidate: Fields, facts: Fields) -> Said | None:
    if not facts.get("measured"):
        from_what = "from topology alone, as it never reported" if candidate["silent"] else "from its alerts alone"
        return OPEN, f"nothing is measured of it: how badly it does is taken for {number(value)} (0 … 1) {from_what}"
    side = FOR if value >= LITTLE else AGAINST
    return side, f"is to blame for its own trouble to {number(value)} (0 … 1)"


def _explained(value: float, candidate: Fields, _: Fields) -> Said:
    total = candidate["explained"] + candidate["unexplained"]
    said = f"its trouble reaches {candidate['explained']} of {total} symptoms (weighted {number(value)})"
    return (FOR if value >= LITTLE else AGAINST), said


def _precedence(value: float, *_: Fields) -> Said:
    if value >= 1.0:
        return FOR, "nothing that it explains was seen more than two minutes before it"
    return AGAINST, f"{100 * (1 - value):.0f} % of what it explains was seen more than two minutes before it"


def _series(value: float, candidate: Fields, facts: Fields) -> Said | None:
    series = facts.get("series")
    if series is None:
        return (FOR, f"its series have moved (worth {number(value)})") if value else None
    before = series.get("as_bad_before", 0)
    often = f", as bad {times(before)} before" if before else ""
    if not value:
        return AGAINST, f"{moved(series)}{often}: counts for nothing"
    left = ", after what its providers explain" if candidate["terms"].get("excused") else ""
    return (FOR if value >= LITTLE else AGAINST), f"{moved(series)}{often}: worth {number(value)}{left}"


def _excused(value: float, _: Fields, facts: Fields) -> Said | None:
    if not value:
        return None
    by = [f"{one['entity']} ({one['kind']} by {number(one['moved'])})" for one in facts.get("excused_by") or ()]
    named = f": {listed(by, 3)}" if by else ""
    return AGAINST, f"{100 * value:.0f} % of its own shift is explained by its providers{named}"


def _alerts(value: float, candidate: Fields, _: Fields) -> Said:
    if value:
        return FOR, f"alerts itself (weight {number(value)})"
    return OPEN, "has no alert of its own"


def _some(words: str) -> Callable[[float, Fields, Fields], Said | None]:
    def say(value: float, *_: Fields) -> Said | None:
        return (FOR, f"{words} ({number(value)})") if value else None

    return say


TERMS: dict[str, Callable[[float, Fields, Fields], Said | None]] = {
    "own": _own,
    "explained": _explained,
    "precedence": _precedence,
    "change": _some("was changed in the half hour before the onset"),
    "deviation": _some("its telemetry deviates"),
    "alerts": _alerts,
    "series": _series,
    "excused": _excused,
    "spans": _some("its spans show trouble of its own: its time, its failures, or the way to it"),
    "logs": _some("failures in its logs have risen"),
    "handed_on": _some("a business service above it is in trouble that nothing else explains"),
}
_BETWEEN = {
    "own": "how far it is to blame for its own trouble",
    "explained": "the share of the symptoms that it reaches",
    "precedence": "what came first",
    "change": "a recent change",
}


def _facts(facts: Fields) -> Iterator[Said]:
    small = facts.get("immaterial")
    if small:
        rose, takes = number(small["moved"]), number(small["takes"])
        yield AGAINST, f"its latency rose by {rose}, where {small['entity']} usually takes {takes}: immaterial"
    if facts.get("unexplained"):
        yield AGAINST, f"leaves unexplained: {listed(facts['unexplained'])}"
