"""What the API answers about automated steps, playbooks in Git, and forensic bundles. Moments are milliseconds."""

from __future__ import annotations

import msgspec


class StepPlan(msgspec.Struct, kw_only=True):
    """What an automated step would do, how it stands, and which gates and tasks it waits for."""

    incident: str
    task: str
    plan: str
    state: str
    waits_for: tuple[str, ...]


class StepBegun(msgspec.Struct, kw_only=True):
    """A step has begun as this run; what comes of it is in the incident's response, by the run's id."""

    incident: str
    task: str
    run: str
    plan: str


class BundleOf(msgspec.Struct, kw_only=True):
    """A forensic bundle: ``seal`` is the end of its hash chain, ``previous`` that of the one before it of the same
    incident; it is kept ``until`` then."""

    incident: str
    made_at: int
    made_by: str
    reason: str
    seal: str
    previous: str
    files: int
    size: int
    until: int


class BundlesOf(msgspec.Struct, kw_only=True):
    """The forensic bundles of an incident that are kept, oldest first."""

    items: list[BundleOf]


class SourceOf(msgspec.Struct, kw_only=True):
    """The Git repository of playbooks: ``commit`` is what was fetched at ``fetched_at``; ``error`` says why the last
    try, at ``tried_at``, did not come through (empty: it did)."""

    url: str
    branch: str
    folder: str
    commit: str
    fetched_at: int | None
    tried_at: int | None
    error: str


class Fetched(msgspec.Struct, kw_only=True):
    """What came of looking for newer playbooks: whether other ones are in force now, and what is wrong or doubtful."""

    source: SourceOf
    changed: bool
    rules: str
    findings: list[str]


class ProposalOf(msgspec.Struct, kw_only=True):
    """A proposed change of a playbook as a commit. ``pushed``: it is a branch of the repository, else only a patch.

    ``state`` is proposed or merged; ``reviewed``: somebody other than those who wrote it has approved it."""

    incident: str
    playbook: str
    branch: str
    commit: str
    by: str
    at: int
    pushed: bool
    error: str
    state: str
    approved_by: tuple[str, ...]
    reviewed: bool
    diff: str


class ProposalsOf(msgspec.Struct, kw_only=True):
    """The proposed changes of playbooks from one incident."""

    items: list[ProposalOf]
