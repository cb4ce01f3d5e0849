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
    """A forensic bundle: ``seal`` is the end of its hash chain, ``previous`` that of the one of the same incident before
    it; it is kept ``until`` then."""

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
