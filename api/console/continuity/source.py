"""Where playbooks are from, for their pages: commit, who wrote and who approved it, and doubt where Git is away."""

from __future__ import annotations

from typing import Any

from api.console.continuity.deeds import Deed, Desk, Route
from api.console.permits import Permitted
from api.console.sharing import Shared
from api.parts import Parts

LASTS = 1.0
"""Seconds for which what Git said is shown."""
FETCHED = (("changed", "Other ones are in force now"), ("findings", "Wrong or doubtful"))
"""What a look for newer ones tells."""


def source_of(running: Parts, shared: Shared, permitted: Permitted) -> dict[str, Any]:
    """The values of the template; ``source`` is None where playbooks are from a folder."""
    repository = running.workshop.repository
    if repository is None:
        return {"source": None, "fetch": None}
    return {"source": shared.kept("playbooks", LASTS, repository.source), "fetch": _fetch(permitted)}


def _fetch(permitted: Permitted) -> Deed:
    route = Route(path="/api/v1/playbooks/fetch", shows=FETCHED, reason=False)
    return Desk("playbooks", permitted).deed("fetch_playbooks", "Look for newer", "Playbooks", route=route)
