"""`headwater continuity run | bundle | fetch | propose`: what restoration does, of a running server or of a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from api.commands.console import DONE, WRONG, Failed, say, warn
from api.commands.explain import serving
from api.restoring.sealing import verify
from api.severity_words import when

LOOK = 0.5
"""Seconds between two looks at what came of a step."""


def run(id: str, task: str, url: str | None, token: str, config: Path | None, *, dry: bool) -> int:
    """Carry out a step and wait for what comes of it; 1 where it did not pass."""
    path = f"/api/v1/incidents/{quote(id, safe='')}"
    with closing(serving(url, token, config)) as client:
        begun = _post(client, f"{path}/steps/{quote(task, safe='')}/{'dry-run' if dry else 'run'}", None)
        say(begun["plan"])
        if dry:
            waits = ", ".join(begun["waits_for"])
            say(f"{task} is {begun['state']}" + (f"; it waits for {waits}" if waits else ""))
            return DONE
        while True:
            found = _run(_get(client, f"{path}/response"), task, begun["run"])
            if found["state"] != "under_way":
                break
            time.sleep(LOOK)
    say(f"{found['state']}: {found['detail']}")
    if found["output"]:
        say(found["output"].rstrip("\n"))
    return DONE if found["state"] == "passed" else WRONG


def _run(found: Mapping[str, Any], task: str, run: str) -> Mapping[str, Any]:
    response = found["response"]
    executions = [*response["past"], *([response["execution"]] if response["execution"] else [])]
    for execution in executions:
        for one in execution["tasks"]:
            for made in one["runs"]:
                if one["id"] == task and made["id"] == run:
                    return dict(made)
    raise Failed(f"run {run} of {task} is not known any more")


def fetch(url: str | None, token: str, config: Path | None) -> int:
    """Look for newer playbooks; 1 where something is wrong or doubtful."""
    with closing(serving(url, token, config)) as client:
        found = _post(client, "/api/v1/playbooks/fetch", None)
    source = found["source"]
    what = "newer playbooks are in force" if found["changed"] else "nothing has changed"
    say(f"{source['branch']} of {source['url']} at {source['commit'][:12] or 'no commit'}: {what}")
    for one in found["findings"]:
        warn(one)
    return WRONG if found["findings"] else DONE


def propose(
    id: str, playbook: str, out: Path | None, reason: str, url: str | None, token: str, config: Path | None
) -> int:
    """Propose a change of a playbook; with ``out`` also as a patch."""
    path = f"/api/v1/incidents/{quote(id, safe='')}/proposals"
    with closing(serving(url, token, config)) as client:
        made = _post(client, f"{path}/{quote(playbook, safe='')}", {"reason": reason})
        patch = _good(client.get(f"{path}/{made['commit']}/patch")).content if out is not None else b""
    say(made["diff"])
    say(f"branch {made['branch']}" if made["pushed"] else f"the repository took no branch: {made['error']}")
    say("Somebody else has to approve it.")
    if out is not None:
        out.write_bytes(patch)
    return DONE


def export(id: str, out: Path, reason: str, url: str | None, token: str, config: Path | None) -> int:
    """Take a sealed bundle along."""
    with closing(serving(url, token, config)) as client:
        answer = client.post(f"/api/v1/incidents/{quote(id, safe='')}/bundles", json={"reason": reason}, timeout=300)
    _good(answer)
    if out.exists():
        raise Failed(f"{out} is there already", "name another file with --out")
    out.touch(mode=0o600)
    out.write_bytes(answer.content)
    say(f"{out} is sealed with {answer.headers['headwater-seal']}")
    return DONE


def check(file: Path, seal: str) -> int:
    """Is a bundle as it was sealed? 1 where it is not."""
    with file.open("rb") as content:
        manifest, faults = verify(content, seal)
    if manifest is not None and not faults:
        header = manifest.header
        say(f"{file} is intact: {len(manifest.files)} files about {header.incident}")
        say(f"sealed {when(header.made_at)} for {header.made_by} ({header.reason}) with {manifest.seal}")
        if not seal:
            say("compare the seal with the one in the incident's timeline, or give it with --seal")
        return DONE
    for fault in faults:
        warn(fault)
    return WRONG


def listed(id: str, url: str | None, token: str, config: Path | None) -> int:
    """The bundles of an incident that are kept."""
    with closing(serving(url, token, config)) as client:
        found = _get(client, f"/api/v1/incidents/{quote(id, safe='')}/bundles")["items"]
    for one in found:
        say(f"{when(one['made_at'])} {one['made_by']}: {one['reason']} ({one['files']} files, seal {one['seal']})")
    if not found:
        say("No bundle is kept.")
    return DONE


def _post(client: httpx.Client, path: str, body: Mapping[str, Any] | None) -> Any:
    return _good(client.post(path, json=body, timeout=60)).json()


def _get(client: httpx.Client, path: str) -> Any:
    return _good(client.get(path)).json()


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 400:
        try:
            said = str(answer.json()["detail"])
        except (ValueError, KeyError):
            said = f"status {answer.status_code}"
        raise Failed(said)
    return answer
