"""What restoration needs besides the engine, in one place for the routes."""

from __future__ import annotations

from dataclasses import dataclass

from api.restoring.runner import Runner


@dataclass(frozen=True)
class Workshop:
    """``runner`` carries out automated steps."""

    runner: Runner
