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
