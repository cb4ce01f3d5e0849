"""`headwater clocks`: regulatory deadlines, from a running server or from the data on disk."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from api.clock_words import clocks_in_words, regimes_in_words
from api.commands.console import DONE, Failed, say
from api.commands.explain import asking

PAGE = 500


def run(
    id: str | None,
    url: str | None,
    token: str,
    config: Path | None,
    data: Path | None,
    *,
    waiting: bool,
    as_json: bool,
) -> int:
    """Print the clocks of one incident, or those of all that nobody has ended."""
    with asking(url, token, config, data) as fetch:
        if id is None:
            found = fetch(f"clocks?limit={PAGE}&waiting={'true' if waiting else 'false'}")
        elif (found := fetch(f"incidents/{quote(id, safe='')}/clocks")) is None:
            raise Failed(f"there is no incident {id!r}", "ids look like INC-42")
    if as_json:
        say(json.dumps(found))
    elif id is None:
        lines = clocks_in_words(found["items"], named=True)
        say("\n".join(lines) or "No regulatory deadline runs.")
    else:
        say("\n".join(regimes_in_words(found)).lstrip("\n") or f"No enabled regime concerns {id}.")
    if not as_json:
        versions = found["versions"]
        say(f"\nTopology {versions['topology'] or 'none'}, rules {versions['rules'] or 'built in'}. Advice only.")
    return DONE
