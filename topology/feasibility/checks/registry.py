"""All checks by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from topology.feasibility.case import Case
from topology.feasibility.checks import (
    agreed_against_rto,
    agreement_incomplete,
    assumption_missing,
    assumption_not_agreed,
    assumption_stale,
    assumption_weak,
    contract_expired,
    contract_missing,
    contract_response,
    contract_rpo,
    contract_rto,
    contract_support,
    critical_out_of_scope,
    mtd_below_rto,
    not_durable,
    objective_missing,
    priority_conflict,
    replication_lag,
    rpo_chain,
    rpo_store,
    rto_achievable,
    rto_chain,
    tier_inversion,
)
from topology.feasibility.findings import Finding


class Check(Protocol):
    """A module of this package."""

    ID: str

    def find(self, case: Case, /) -> Iterator[Finding]:
        """What it finds, in any order."""
        ...


_ALL: tuple[Check, ...] = (
    agreed_against_rto,
    agreement_incomplete,
    assumption_missing,
    assumption_not_agreed,
    assumption_stale,
    assumption_weak,
    contract_expired,
    contract_missing,
    contract_response,
    contract_rpo,
    contract_rto,
    contract_support,
    critical_out_of_scope,
    mtd_below_rto,
    not_durable,
    objective_missing,
    priority_conflict,
    replication_lag,
    rpo_chain,
    rpo_store,
    rto_achievable,
    rto_chain,
    tier_inversion,
)
CHECKS: Mapping[str, Check] = {check.ID: check for check in _ALL}
