"""What restoration needs besides the engine, in one place for the routes."""

from __future__ import annotations

from dataclasses import dataclass

from api.restoring.bundles import Bundles
from api.restoring.evidence import Recorded
from api.restoring.repository import Repository
from api.restoring.runner import Runner


@dataclass(frozen=True)
class Workshop:
    """``runner`` carries out automated steps, ``bundles`` keeps forensic bundles of what is in ``store``;
    ``repository`` is where playbooks are from, if not from a folder."""

    runner: Runner
    bundles: Bundles
    store: Recorded
    repository: Repository | None
