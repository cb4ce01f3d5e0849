"""`headwater continuity governance`: the report of a period, from a running server into a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx

from api.commands.console import DONE, UNAVAILABLE, Failed, say
from api.commands.explain import serving

KINDS = {".html": ".html", ".pdf": ".pdf", ".csv": ".csv", ".json": ""}
PATIENCE = 120.0
"""Seconds: a long period is read whole."""


def run(first: str, last: str, output: Path | None, url: str | None, token: str, config: Path | None) -> int:
    """Fetch it as the name of the file says; as CSV onto the screen where none is named."""
    kind = ".csv" if output is None else output.suffix.lower()
    if kind not in KINDS:
        raise Failed(f"a report is {', '.join(KINDS)}, not {kind or 'a file without an ending'}")
    asked = {name: day for name, day in (("from", first), ("to", last)) if day}
    with closing(serving(url, token, config)) as client:
        try:
            answer = client.get(f"/api/v1/governance{KINDS[kind]}", params=asked, timeout=PATIENCE)
        except httpx.HTTPError as error:
            raise Failed(f"{client.base_url} does not answer: {error}", code=UNAVAILABLE) from None
    if answer.is_error:
        raise Failed(f"the server refuses: {_said(answer)}")
    if output is None:
        say(answer.text.rstrip())
    else:
        output.write_bytes(answer.content)
        say(f"{output}: {len(answer.content)} bytes")
    return DONE


def _said(answer: httpx.Response) -> str:
    found = answer.json()
    faults = "; ".join(f"{one['pointer']} {one['reason']}" for one in found.get("errors", ()))
    return f"{found.get('detail', answer.status_code)} {faults}".strip()
