"""The parts of the command line that stand in modules of their own."""

from __future__ import annotations

from api import (
    cli_access,
    cli_backup,
    cli_continuity,
    cli_evidence,
    cli_probes,
    cli_publish,
    cli_readiness,
    cli_recovery,
    cli_roles,
    cli_topics,
)

PARTS = (
    cli_access,
    cli_backup,
    cli_continuity,
    cli_evidence,
    cli_probes,
    cli_publish,
    cli_readiness,
    cli_recovery,
    cli_roles,
    cli_topics,
)
"""Each has ``add_to``, which makes its commands part of the command line."""
