"""Durations and fixes in words."""

from __future__ import annotations

from topology.feasibility.findings import Fix

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_DURATIONS = {"rto", "rpo", "mtd", "restore", "replication", "backup", "contract.rto", "contract.rpo"} | {
    "contract.response"
}


def span(seconds: int) -> str:
    """
    >>> span(4800), span(90061), span(0)
    ('1 h 20 min', '1 d 1 h 1 min 1 s', '0 s')
    """
    parts = []
    for size, unit in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts) or "0 s"


def change(fix: Fix) -> str:
    """
    >>> change(Fix(entity="db", field="rto", value=2400, before=3600))
    'set rto of db to 40 min (it is 1 h)'
    """
    before = f" (it is {_value(fix.field, fix.before)})" if fix.before not in (None, "") else ""
    return f"set {fix.field} of {fix.entity} to {_value(fix.field, fix.value)}{before}"


def _value(field: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return span(value) if field in _DURATIONS and isinstance(value, int) else str(value)
