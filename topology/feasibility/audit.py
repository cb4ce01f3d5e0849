"""The audit of a topology: all checks, worst findings first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from topology.feasibility.case import Case
from topology.feasibility.checks.registry import CHECKS
from topology.feasibility.findings import Finding, worst_first
from topology.model import Topology


class Audit(msgspec.Struct, frozen=True):
    """``version`` is that of the topology, ``on`` the date (ISO 8601) that deadlines are compared with. ``slack``: the
    least slack of all entities per kind of objective, in seconds, negative when one cannot be met; kinds that no entity
    declares are left out."""

    version: str
    on: str
    findings: tuple[Finding, ...]
    slack: dict[str, int]


def audit(topology: Topology, on: date, lag: Mapping[str, int] | None = None) -> Audit:
    """Everything that is wrong with the objectives of a topology. ``lag``: entity -> replication lag seen, seconds."""
    case = Case(topology, on, lag or {})
    findings = [finding for check in CHECKS.values() for finding in check.find(case)]
    return Audit(topology.version, on.isoformat(), tuple(sorted(findings, key=worst_first)), _least(case))


def _least(case: Case) -> dict[str, int]:
    rto, rpo = case.rto, case.rpo
    total, achieved, lost = case.promised.total, case.achievable.total, case.lost.total
    slacks = {
        "rto": [said - max(a, b) for said, a, b in zip(rto, total, achieved, strict=True) if said is not None],
        "rpo": [said - loss for said, loss in zip(rpo, lost, strict=True) if said is not None],
        "mtd": [c.mtd - said for said, c in zip(rto, case.said, strict=True) if said is not None and c.mtd is not None],
    }
    return {kind: min(found) for kind, found in slacks.items() if found}
