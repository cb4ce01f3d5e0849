"""Whether service is back, in words: the verdict, the worst indicators, how long it still takes, how it was closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.evidence_words import number, span
from api.severity_words import when

Fields = Mapping[str, Any]

SHOWN = 5
"""Indicators that are told."""
BACK = ("restored", "improved")
VERDICTS = {
    "no_baseline": "it cannot be proven, as there is nothing to compare with",
    "unstable": "not steady yet",
    "residual_degradation": "no, it is still worse than before",
    "inconclusive": "it cannot be said yet",
    "restored": "yes, it is back at its baseline",
    "improved": "yes, and better than before",
}
WHY = {
    "within_margin": "surely within the margin",
    "at_its_best": "at its best value as before",
    "better": "surely better, by more than the margin",
    "beyond_margin": "surely worse, by more than the margin",
    "spread": "it scatters more than before",
    "change_points": "its level still changes",
    "flapping": "it comes and goes",
    "restarts": "its counter began anew",
    "gaps": "samples are missing",
    "no_data": "there are no samples",
    "settling": "it is still settling",
    "too_few": "too few samples",
    "too_few_events": "too few events",
    "uncertain": "the samples allow both",
    "no_margin": "no margin is known",
    "frozen": "it does not move any more",
    "unit_changed": "its unit has changed",
    "ended": "its source ended it",
    "no_answer": "its source did not answer",
    "check_missing": "a check has not passed",
    "shared_provider": "what several need is not back",
    "no_series": "no such series is known",
    "not_asked": "its source was not asked",
    "no_windows": "there is nothing from before",
    "few_weeks": "too few weeks are known",
    "incomplete": "samples from before are missing",
    "tainted": "there was trouble before as well",
    "contains_incident": "there was trouble before as well",
    "other_hour": "what is known is of another hour",
    "daylight_saving": "the clock was changed",
    "windows_disagree": "what was usual contradicts itself",
    "constant": "it never moved before",
    "no_indicators": "nothing that decides is measured",
}
CLOSED = {
    "restored": "as restored: recovery is proven",
    "ended": "as ended: its alerts have, recovery is not proven",
    "deviation": "by a person, as a deviation: recovery is not proven",
}
PARTLY = "as a deviation for what has no baseline: recovery of the rest is proven"
ANSWER = "somebody may answer for each (`headwater command accept INCIDENT entity=NAME --reason WHY`)"
_SIDE = {"higher": ("above", "below"), "lower": ("below", "above"), "both": ("away from", "away from")}


def recovery_in_words(incident: Fields) -> list[str]:
    """Is it back? Empty while its alerts fire and nothing was compared."""
    found = incident.get("recovery")
    closed = CLOSED.get(incident.get("closed_as") or "", "")
    if incident.get("closed_as") == "deviation" and found and found.get("accepted") and found["verdict"] in BACK:
        closed = PARTLY
    end = [f"  It was closed {closed}."] if closed else []
    if not found:
        return ["Is it back? Nothing was compared.", *end] if end else []
    lines = [f"Is it back? {verdict_in_words(found)}"]
    lines.append(
        f"  Judged {when(found['at'])}, {span(found['at'] - found['since'])} after its last alert had ended; "
        f"{_parts(found['entities'])}."
    )
    lines += [f"  {indicator_in_words(one)}" for one in found["indicators"][:SHOWN]]
    more = found["indicators_total"] - min(SHOWN, len(found["indicators"]))
    lines += [f"  … and {more} more indicators"] if more > 0 else []
    lines += [f"  {_accepted(one)}" for one in found.get("accepted", ())]
    unmeasured = found.get("unmeasured", ())
    lines += [f"  Without a baseline: {', '.join(unmeasured)}; {ANSWER}."] if unmeasured and not end else []
    lines += [f"  Business service {one['name']}: {word(one['verdict'])}" for one in found["services"]]
    return [*lines, *end]


def verdict_in_words(found: Fields) -> str:
    """The verdict of an incident as a sentence.

    >>> verdict_in_words({"verdict": "inconclusive", "why": ["too_few"], "minutes": 4})
    'It cannot be said yet (inconclusive): too few samples. It takes some 4 more minutes.'
    """
    said = VERDICTS.get(found["verdict"], word(found["verdict"]))
    why = "; ".join(reason(one) for one in found["why"])
    text = f"{said[:1].upper()}{said[1:]} ({word(found['verdict'])})" + (f": {why}." if why else ".")
    return text + _waiting(found["verdict"], found["minutes"])


def indicator_in_words(one: Fields) -> str:
    """An indicator's verdict with its interval against its margin."""
    decides = "" if one["critical"] else " (does not decide)"
    return f"{one['metric']} of {one['entity']}{decides}: {numbers_in_words(one)}"


def numbers_in_words(one: Fields) -> str:
    """The verdict, how far it is from its baseline, and against which margin.

    >>> numbers_in_words({"verdict": "residual_degradation", "worse": "higher", "harm": 41.0, "least": 37.0,
    ...     "most": 45.0, "margin": 10.0, "why": ["spread"], "minutes": None, "samples": 12})
    'residual degradation, 41 above its baseline (37 to 45), margin 10, 12 samples: it scatters more than before'
    """
    why = "; ".join(reason(said) for said in one["why"])
    if one["harm"] is None:
        return f"{word(one['verdict'])}: {why}" + _waiting(one["verdict"], one["minutes"])
    low, high = sorted((one["least"], one["most"]), key=abs)
    return (
        f"{word(one['verdict'])}, {_shift(one['harm'], one['worse'])} its baseline ({_bounds(low, high, one)}), margin "
        f"{number(one['margin'])}, {one['samples']} samples: {why}{_waiting(one['verdict'], one['minutes'])}"
    )


def _accepted(one: Fields) -> str:
    return f"{one['entity']} has no baseline; {one['by']} answers for it: {one['why']}"


def _shift(harm: float, worse: str) -> str:
    return f"{number(abs(harm))} {_SIDE[worse][harm < 0]}"


def _bounds(near: float, far: float, one: Fields) -> str:
    if near * far >= 0:
        return f"{number(abs(near))} to {number(abs(far))}"
    return f"{_shift(near, one['worse'])} to {_shift(far, one['worse'])}"


def word(verdict: str) -> str:
    """An enumerated value as words."""
    return verdict.replace("_", " ")


def reason(why: str) -> str:
    """Why a verdict stands."""
    return WHY.get(why, word(why))


def _waiting(verdict: str, minutes: int | None) -> str:
    if verdict != "inconclusive":
        return ""
    return f" It takes some {minutes} more minutes." if minutes is not None else " Nobody knows how long it takes."


def _parts(entities: list[Fields]) -> str:
    back = sum(one["verdict"] in BACK for one in entities)
    unknown = sum(one["verdict"] == "no_baseline" for one in entities)
    text = f"{back} of {len(entities)} entities are back"
    return text + (f", {unknown} have no baseline" if unknown else "")
