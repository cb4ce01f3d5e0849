"""Severity, harm and escalation of an incident in words. Every sentence rests on a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Fields = Mapping[str, Any]

SHOWN = 12
_ANSWERS = {"yes": "yes", "no": "no", "cannot_exclude": "cannot be excluded"}


def when(at: int) -> str:
    """Milliseconds as a time people can read, in UTC."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def severity_in_words(incident: Fields) -> list[str]:
    """The level and its three answers, the rules behind it, what is missing, the numbers, who must hear of it."""
    severity = incident["severity"]
    fired = [f"{rule['id']} ({rule['level']}{_because(rule['because'])})" for rule in severity["fired"]]
    lines = [
        f"Severity {severity['level']}: user impact {_ANSWERS.get(severity['user_impact'])}, "
        f"data loss {_ANSWERS.get(severity['data_loss'])}, regulatory {_ANSWERS.get(severity['regulatory'])}.",
        *_override(severity),
        f"  Rules that fired: {_listed(fired) or 'none'}.",
        *_open(severity),
        *(f"  {line}" for line in _harm(incident.get("harm") or {})),
        *_escalation(incident.get("escalation") or {}),
    ]
    return lines


def users_in_words(incident: Fields) -> str:
    """How many users are hit, as far as that is known."""
    users = (incident.get("harm") or {}).get("users") or {}
    known = incident.get("users")
    if not known:
        return ""
    low, high = known
    about = "about " if users.get("estimated") else ""
    if high is None:
        return f"at least {about}{low} users ({_missing(users)})" if low else f"users not known ({_missing(users)})"
    return f"{about}{low} users" if low == high else f"{about}{low} to {high} users"


def _override(severity: Fields) -> list[str]:
    override = severity.get("override")
    if not override:
        return []
    at = when(override["at"])
    return [f"  Set by {override['by']} at {at}: {override['why']}. Computed: {severity['computed']}."]


def _open(severity: Fields) -> list[str]:
    """What would make it worse, if it were known."""
    rules = severity.get("open") or []
    said = [
        f"{rule['id']} ({rule['level']}): {', '.join(_bounds(*fact) for fact in rule['missing'].items())}"
        for rule in rules
    ]
    if said:
        return ["  Could be worse, were this known:", *(f"    {line}" for line in said[:SHOWN])]
    return [f"  Not known: {', '.join(severity['missing'])}."] if severity["missing"] else []


def _harm(harm: Fields) -> list[str]:
    """Only what there is something to say of."""
    lines = []
    if harm.get("critical"):
        lines.append(f"Critical or important functions: {_listed(harm['critical'])}.")
    if harm.get("business_processes"):
        lines.append(f"Business processes: {_listed(harm['business_processes'])}.")
    if harm.get("regions"):
        more = " or more" if harm.get("regions_missing") else ""
        lines.append(f"Used in {_listed(harm['regions'])}{more}; {harm['member_states']} member states of the Union.")
    for one in harm.get("exposure") or ():
        if one["exposed"] != "no" or one["forgets"] != "no":
            lines.append(_exposed(one))
    return lines[:SHOWN]


def _exposed(one: Fields) -> str:
    high = "open" if one["loss_high"] is None else _span(one["loss_high"])
    rpo = "no RPO" if one["rpo"] is None else f"RPO {_span(one['rpo'])}"
    lost = "" if one["forgets"] == "no" else f"; forgets what it holds: {_ANSWERS.get(one['forgets'])}"
    missing = f"; not known: {_listed(one['missing'])}" if one.get("missing") else ""
    answer = _ANSWERS.get(one["exposed"])
    return (
        f"Data of {one['entity']} at stake: {answer} (loss {_span(one['loss_low'])} to {high}, {rpo}{missing}{lost})."
    )


def _escalation(escalation: Fields) -> list[str]:
    if not escalation.get("level"):
        return []
    lines = [f"Escalation: {escalation['level']}, since {when(escalation['since'])}."]
    for one in escalation.get("reach") or ():
        names = _listed(one["names"]) or "nobody is named"
        lines.append(f"  {one['role']}: {names}, by {when(one['due'])}.")
    return lines


def _because(because: Fields) -> str:
    said = [f"{fact} {_number(value)}" for fact, value in because.items()]
    return f": {', '.join(said)}" if said else ""


def _number(value: Any) -> str:
    if isinstance(value, Mapping):
        since = value.get("since")
        return f"of {_span(value['at_least'] // 1000)} since {when(since)}" if since is not None else "reached"
    if value is True:
        return "yes"
    return _listed(value) if isinstance(value, list | tuple) else str(value)


def _bounds(fact: str, bounds: Any) -> str:
    low, high = bounds
    if fact == "tier" or (low, high) == (0, 1):
        return fact
    return f"{fact} {low} or more" if high is None else f"{fact} {low} to {high}"


def _missing(users: Fields) -> str:
    total = users.get("missing_total", 0)
    return f"not said by {_listed(users.get('missing') or (), total)}" if total else "not said"


def _listed(words: Iterable[Any], total: int = 0) -> str:
    every = [str(word) for word in words]
    more = max(total, len(every)) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _span(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
