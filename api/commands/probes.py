"""`headwater probes` and `headwater probe run`: what probes of a running server find."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from api.commands.console import DONE, UNAVAILABLE, WRONG, Failed, say
from api.commands.explain import over_http, serving, whole
from api.evidence_words import number, span
from api.severity_words import when

LONGEST = 330
"""Seconds: the longest time limit of a check, and some."""


def run(id: str, url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """Make one now; 1 unless it passes."""
    with closing(serving(url, token, config)) as client:
        for kind in ("probes", "data-checks"):
            try:
                answer = client.post(f"/api/v1/{kind}/{quote(id, safe='')}/run", timeout=LONGEST)
            except httpx.HTTPError as error:
                raise Failed(f"{client.base_url} does not answer: {error}", code=UNAVAILABLE) from None
            if answer.status_code != 404:
                break
    if answer.is_error:
        raise Failed(answer.json()["detail"], code=WRONG)
    found = answer.json()
    say(json.dumps(found) if as_json else answer_in_words(found))
    return DONE if found["passed"] == "yes" else WRONG


def listed(url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """All of them, a line each."""
    with closing(serving(url, token, config)) as client:
        fetch = over_http(client)
        found = {kind: whole(fetch, kind)["items"] for kind in ("probes", "data-checks")}
    if as_json:
        say(json.dumps(found))
        return DONE
    lines = [row_in_words(row) for rows in found.values() for row in rows]
    say("\n".join(lines) or "The rules declare no probes and no data checks.")
    return DONE


def answer_in_words(found: Mapping[str, Any]) -> str:
    """One answer."""
    verdict = {"yes": "passed", "no": "failed"}.get(found["passed"], "unknown")
    value = f" ({number(found['value'])} {found['unit']})".replace(" )", ")") if found["unit"] else ""
    return f"{found['probe']} of {found['entity']}: {verdict} in {found['duration']} ms: {found['detail']}{value}"


def row_in_words(row: Mapping[str, Any]) -> str:
    """One declared probe."""
    often = f"every {span(row['every'])}" if row["every"] else "when asked for"
    more = ", more often for an incident" if row["often"] and row["every"] else ""
    if row["last"] is None:
        return f"{row['id']} of {row['entity']} ({row['kind']}, {often}{more}): not made yet"
    return f"{answer_in_words(row['last'])}, at {when(row['last']['at'])} ({row['kind']}, {often}{more})"
