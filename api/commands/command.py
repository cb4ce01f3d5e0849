"""`headwater command`: ask a running server to do something: acknowledge, mark, give_fact …"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx

from api.commands.console import DONE, UNAVAILABLE, WRONG, Failed, say
from api.commands.explain import serving


def run(
    action: str,
    target: str,
    facts: Sequence[str],
    reason: str,
    url: str | None,
    token: str,
    config: Path | None,
    *,
    as_json: bool,
) -> int:
    """Send one command; 1 when it is refused, with everything that is wrong with it."""
    pairs = [fact.partition("=") for fact in facts]
    if wrong := [fact for fact, (_, sign, _) in zip(facts, pairs, strict=True) if not sign]:
        raise Failed(f"no NAME=VALUE: {', '.join(wrong)}", "for example: regime=dora mark=aware")
    body = {
        "action": action,
        "target": target,
        "reason": reason,
        "facts": {name.strip(): value for name, _, value in pairs},
    }
    with closing(serving(url, token, config)) as client:
        try:
            answer = client.post("/api/v1/commands", json=body)
        except httpx.HTTPError as error:
            raise Failed(f"{client.base_url} does not answer: {error}", code=UNAVAILABLE) from None
    said = answer.json()
    if answer.is_error:
        wrongs = [f"{one['pointer']}: {one['reason']}" for one in said.get("errors", ())]
        raise Failed("; ".join([said["detail"], *wrongs]), code=WRONG)
    incident = said.get("incident") or {}
    about = f", {incident['id']} has revision {incident['revision']}" if incident else ""
    done = f"{action} {target}: done{about}."
    say(json.dumps(said) if as_json else done)
    return DONE
