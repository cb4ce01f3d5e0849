"""Data checks: what must hold of a store's data after failover or replay, one function per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingest.probes.databases import Answered, ask, number
from ingest.probes.found import Found, Unmakeable, failed, harmless, outside
from ingest.probes.network import Deadline, World
from rules.probes import DataCheck, Side


def run(check: DataCheck, world: World) -> Found:
    """Ask both sides, one after the other, within the time of the check."""
    return _KINDS[check.kind](check, world, Deadline(check.timeout))


def _first(side: Side, world: World, deadline: Deadline) -> Any:
    return _answer(side, world, deadline).first


def _answer(side: Side, world: World, deadline: Deadline) -> Answered:
    found = ask(world, side.database, side.query, deadline)
    if not found.rows or found.first is None:
        raise Unmakeable(f"the query to {side.database} gives nothing to check")
    return found


def _rows(check: DataCheck, world: World, deadline: Deadline) -> Found:
    return _within(check, number(_first(check.left, world, deadline)), "rows")


def _lag(check: DataCheck, world: World, deadline: Deadline) -> Found:
    return _within(check, number(_first(check.left, world, deadline)), "s")


def _gaps(check: DataCheck, world: World, deadline: Deadline) -> Found:
    """Of (count, first, last): how many of the numbers between first and last are not there."""
    row = _answer(check.left, world, deadline).rows[0]
    if len(row) != 3:
        raise Unmakeable("the query must give count, first and last of the sequence")
    count, first, last = (0.0 if value is None else number(value) for value in row)
    missing = last - first + 1 - count if count else 0.0
    return _within(check, missing, "missing")


def _checksum(check: DataCheck, world: World, deadline: Deadline) -> Found:
    left, right = _both(check, world, deadline)
    if str(left) == str(right):
        return Found("yes", f"both are {harmless(str(left), 60)}")
    return failed(f"{harmless(str(left), 60)} here, {harmless(str(right), 60)} there")


def _compare(check: DataCheck, world: World, deadline: Deadline) -> Found:
    left, right = map(number, _both(check, world, deadline))
    apart = abs(left - right)
    allowed = max(check.tolerance, abs(left) * check.percent / 100)
    said = f"{left:.15g} here, {right:.15g} there, {apart:.15g} apart"
    if apart <= allowed:  # NaN is not
        return Found("yes", said, apart)
    return failed(f"{said}, {allowed:.15g} allowed", apart if apart == apart else None)  # noqa: PLR0124 - NaN


def _both(check: DataCheck, world: World, deadline: Deadline) -> tuple[Any, Any]:
    if check.right is None:
        raise Unmakeable("the check has one side only")
    return _first(check.left, world, deadline), _first(check.right, world, deadline)


def _within(check: DataCheck, value: float, unit: str) -> Found:
    wrong = outside(value, check.least, check.most)
    finite = value if abs(value) < float("inf") else None
    if wrong:
        return failed(f"{value:.15g} {unit} {wrong}", finite, unit)
    return Found("yes", f"{value:.15g} {unit}", finite, unit)


_KINDS: Mapping[str, Callable[[DataCheck, World, Deadline], Found]] = {
    "rows": _rows,
    "lag": _lag,
    "gaps": _gaps,
    "checksum": _checksum,
    "compare": _compare,
}
