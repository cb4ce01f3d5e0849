"""Files of any supported form -> one topology."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from topology import yamlfile
from topology.catalogue import draft_catalogue
from topology.consistency import compile_draft
from topology.csvfile import draft_edges, draft_nodes
from topology.draft import At, Draft
from topology.errors import Problem
from topology.model import Topology


def load(files: Mapping[str, bytes]) -> tuple[Topology | None, list[Problem]]:
    """One topology of all files together, or None and all that is wrong with them, at most 1,000 and a count.

    By name: ``*.yaml`` and ``*.yml`` are catalogues, ``*.graphml`` graphs, ``nodes*.csv`` and ``edges*.csv`` rows.
    """
    draft = Draft()
    for name in sorted(files):
        _draft_file(draft, name, files[name])
    return compile_draft(draft), draft.mistakes.listed()


def _draft_file(draft: Draft, name: str, content: bytes) -> None:
    path = PurePath(name)
    suffix = path.suffix.lower()
    rows = {"nodes": draft_nodes, "edges": draft_edges}.get(path.name.lower()[:5])
    if suffix == ".graphml":
        # networkx costs 20 MB and half a second: only for those who use it
        from topology.graphml import draft_graphml  # noqa: PLC0415

        draft_graphml(draft, name, content)
    elif suffix in (".yaml", ".yml") and len(content) > yamlfile.MAX_BYTES:
        yamlfile.refuse_size(name, draft.mistakes)
    elif suffix in (".yaml", ".yml"):
        try:
            draft_catalogue(draft, name, content.decode().removeprefix("\ufeff"))
        except UnicodeDecodeError as error:
            draft.wrong(At(name, content.count(b"\n", 0, error.start) + 1), "not UTF-8")
    elif suffix == ".csv" and rows:
        rows(draft, name, content)
    else:
        hint = "known are *.yaml, *.yml, *.graphml, nodes*.csv and edges*.csv"
        draft.wrong(At(name, 1), "a file of unknown kind", hint)
