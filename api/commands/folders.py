"""The operator's folders as commands read them: named on the command line, else by the settings."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from api import files, settings
from api.commands.console import Failed
from api.findings import Wrong
from rules.ruleset import RuleSet
from topology.model import Topology


def catalogue_in(folder: Path | None) -> Topology:
    """The topology of the catalogue. Raises Failed and Wrong."""
    folder = folder or settings.load().catalogue
    if not folder.exists():
        raise Failed(f"{folder}: no such catalogue", "name one with --catalogue, or create one with: headwater init")
    topology, findings = files.topology_of(folder)
    if topology is None:
        raise Wrong(findings)
    return topology


def rules_in(folder: Path | None) -> RuleSet:
    """The rules. Raises Wrong."""
    ruleset, findings = files.rules_of(folder or settings.load().rules)
    if ruleset is None:
        raise Wrong(findings)
    return ruleset


def resolved(topology: Topology, *lists: Sequence[str]) -> tuple[list[str], ...]:
    """Ids of ids or aliases. Raises Failed, which names all that are unknown."""
    unknown = sorted({name for names in lists for name in names if topology.resolve(name) is None})
    if unknown:
        near = [close for name in unknown for close in get_close_matches(name, topology.entities, n=1)]
        mend = f"did you mean {' or '.join(near)}?" if near else f"it knows {len(topology.entities)} entities"
        raise Failed(f"the catalogue knows no entity {', '.join(map(repr, unknown))}", mend)
    return tuple([topology.resolve(name) or name for name in names] for names in lists)
