"""`headwater catalogue observed`: which dependencies the spans of a running server show, beside those declared."""

from __future__ import annotations

import httpx
import msgspec

from api import settings
from api.commands.console import DONE, UNAVAILABLE, Failed, say
from api.observed_schemas import ObservedTopology


def run(url: str | None, token: str, *, as_json: bool) -> int:
    """Ask the server named, or that of the settings."""
    found = settings.load()
    host = "127.0.0.1" if found.server.host in ("0.0.0.0", "::") else found.server.host  # noqa: S104 - compared only
    base = url or f"http://{host}:{found.server.port}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(f"{base}/api/v1/topology/observed", headers=headers, timeout=30)
    except httpx.HTTPError as error:
        mend = "start one with `headwater serve`, or name --url"
        raise Failed(f"{base} does not answer: {error}", mend, UNAVAILABLE) from None
    if answer.status_code in (401, 403):
        raise Failed(f"{base} refuses: {answer.json()['detail']}", "name a token with --token")
    if answer.is_error:
        raise Failed(f"{base} answers {answer.status_code}", code=UNAVAILABLE)
    seen = msgspec.json.decode(answer.content, type=ObservedTopology)
    say(msgspec.json.encode(seen).decode() if as_json else in_words(seen))
    return DONE


def in_words(seen: ObservedTopology) -> str:
    """What was seen and not declared with the line that would declare it, what was not seen, and the counts."""
    lines = []
    for edge in seen.edges:
        if not edge.declared:
            lines.append(f"seen, not declared: {edge.consumer} calls {edge.provider}, {edge.per_minute:g} a minute")
            lines.append(f"  under {edge.consumer}, depends_on: - {{on: {edge.provider}, discovered: true}}")
    lines += [f"declared, not seen: {one.consumer} depends on {one.provider}" for one in seen.unseen]
    if seen.unknown:
        lines.append(f"not in the catalogue: {', '.join(seen.unknown)}")
    counts = f"{seen.total} seen, {seen.undeclared} of them not declared; {seen.unseen_total} declared and not seen"
    return "\n".join([*lines, f"{counts}; topology {seen.versions.topology}"])
