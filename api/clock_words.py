"""Regulatory regimes and clocks in words, from what the API says of them. Every sentence rests on a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.severity_words import when

Fields = Mapping[str, Any]
SHOWN = 12
ASKED = 5
"""Missing facts that are asked for."""
_ANSWERS = {"yes": "yes", "no": "no", "cannot_exclude": "cannot be excluded"}
_ENDED = frozenset({"fulfilled", "dismissed"})


def regimes_in_words(incident: Fields) -> list[str]:
    """By which regimes it is judged, the criteria that may hold, what to ask for, marks and clocks."""
    regimes, clocks = incident.get("regimes") or (), incident.get("clocks") or ()
    lines: list[str] = []
    for one in regimes:
        what = one["classification"] or "reportable incident"
        lines += ["", f"{one['name']} ({one['regime']}, version of {one['since']}):"]
        lines.append(f"  {what[:1].upper()}{what[1:]}, Article {one['article']}: {_ANSWERS.get(one['answer'])}.")
        lines += [f"    {_criterion(each)}" for each in one["criteria"] if each["answer"] != "no"]
        if one["answer"] == "cannot_exclude" and one["missing"]:
            lines.append("  Ask first:")
            lines += [f"    {each['fact']}: {each['question']}" for each in one["missing"][:ASKED]]
        lines += [f"  {each['id']}: {_mark(each)}" for each in one["marks"] if each["at"] or each.get("proposed")]
        lines += [f"  {line}" for line in clocks_in_words([c for c in clocks if c["regime"] == one["regime"]])]
    return lines


def clocks_in_words(clocks: Sequence[Fields], *, named: bool = False) -> list[str]:
    """One line for each; ``named``: with its incident and regime."""
    lines = [(f"{one['incident']} {one['regime']}: " if named else "") + _clock(one) for one in clocks]
    return [*lines[: SHOWN * SHOWN], *([f"and {len(lines) - SHOWN * SHOWN} more"] if len(lines) > SHOWN**2 else [])]


def _criterion(one: Fields) -> str:
    because = f": {'; '.join(one['because'][:3])}" if one["because"] else ""
    guess = ", estimated" if one["estimated"] else ""
    return f"{one['name']} ({one['article']}): {_ANSWERS.get(one['answer'])}{guess}{because}"


def _mark(one: Fields) -> str:
    if one["at"]:
        return f"{when(one['at'])}, set by {one['by']}"
    return f"not set; {when(one['proposed'])} at the latest, as people were told then"


def _clock(one: Fields) -> str:
    source = f"{one['name']} to {one['notify']} (Article {one['article']})" if one["article"] else one["name"]
    doubt = "" if one["applies"] == "yes" or one["state"] in _ENDED else "; whether it applies cannot be excluded"
    return f"{source}: {_state(one)}{doubt if one['applies'] == 'cannot_exclude' else ''}."


def _state(one: Fields) -> str:
    due = when(one["due"]) if one["due"] is not None else ""
    left = f" ({span(one['seconds_left'])} left)" if (one.get("seconds_left") or 0) > 0 else ""
    match one["state"]:
        case "dismissed":
            return f"dismissed by {one['dismissed']['by']}: {one['dismissed']['reason']}"
        case "fulfilled":
            late = ", late" if one["late"] else ""
            return f"done {when(one['fulfilled_at'])}, says {one['fulfilled_by']}{late}"
        case "not_applicable":
            return "no longer applies as far as the facts say; dismiss it, or let it run"
        case "overdue":
            return f"OVERDUE since {due}"
        case "waiting":
            provisional = f", would be due {due}{left}" if due else ""
            return f"waits for {', '.join(one['waits_for']) or 'its mark'}{provisional}"
        case _:
            return f"due {due}{left}" if due else one["promptly"] or "no time is named"


def span(seconds: int) -> str:
    """Seconds as days, hours and minutes."""
    minutes, _ = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    said = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(said[:2]) or "less than a minute"
