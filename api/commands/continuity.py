"""`headwater continuity`: what a running server knows of playbooks, duty, readiness, work on incidents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from api.commands.console import DONE, WRONG, Failed, say
from api.commands.explain import over_http, serving, whole
from api.evidence_words import span
from api.severity_words import when

Found = Mapping[str, Any]


def playbooks(url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """All of them, each with what speaks against it."""
    with closing(serving(url, token, config)) as client:
        found = whole(over_http(client), "playbooks")
    say(json.dumps(found) if as_json else "\n".join(_playbooks(found)) or "No playbooks are declared.")
    return DONE


def _playbooks(found: Found) -> Iterator[str]:
    for one in found["items"]:
        yield f"{one['id']}: {one['title']} ({one['state']}; for {', '.join(one['entities'])})"
        yield from (f"  {'! ' if doubt['blocks'] else ''}{doubt['text']}" for doubt in one["doubts"])


def duty(url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """Who is on duty; 1 where a roster has a fault or a vendor is to be reached."""
    found = _fetch("continuity/duty", url, token, config)
    say(json.dumps(found) if as_json else "\n".join(_duty(found)) or "No duty rosters and no vendors are declared.")
    faults = any(one["findings"] for one in found["rosters"]) or any(one["overdue"] for one in found["vendors"])
    return WRONG if faults else DONE


def _duty(found: Found) -> Iterator[str]:
    for one in found["rosters"]:
        people = [f"{name} ({one['reach'][name]})" if name in one["reach"] else name for name in one["people"]]
        yield f"{one['roster']}: {', '.join(people) or 'nobody'}"
        for fault in one["findings"]:
            until = f" until {when(fault['until'])}" if fault["until"] is not None else ""
            who = f": {', '.join(fault['people'])}" if fault["people"] else ""
            yield f"  {fault['kind'].replace('_', ' ')} from {when(fault['since'])}{until}{who}"
    for vendor in found["vendors"]:
        contacts = "; ".join(f"{one['name']}, {one['reach']}" for one in vendor["contacts"]) or "no contact is written"
        promised = f"answers within {span(vendor['response'])}" if vendor["response"] is not None else "nothing agreed"
        late = "; to be confirmed" if vendor["overdue"] else ""
        yield f"vendor {vendor['vendor']}: {contacts} ({promised}{late})"


def readiness(url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """What is overdue, and the figures."""
    found = _fetch("continuity/readiness", url, token, config)
    say(json.dumps(found) if as_json else "\n".join(_readiness(found)))
    return DONE


def _readiness(found: Found) -> Iterator[str]:
    for name, value in found["figures"].items():
        yield f"{name}: {'not known' if value is None else f'{value:g}'}"
    for one in found["due"]:
        word = "overdue" if one["overdue"] else f"due {when(one['due'])}"
        last = f", last {when(one['last'])}" if one["last"] is not None else ", never done"
        yield f"{one['kind']} {one['id']}: {one['title']}: {word}{last}" + (f"; {one['said']}" if one["said"] else "")


def situation(id: str, url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """The situation report of an incident."""
    found = _fetch(f"incidents/{quote(id, safe='')}/response", url, token, config)
    say(json.dumps(found) if as_json else found["situation"])
    return DONE


def report(id: str, url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """The report for the review, as Markdown."""
    found = _fetch(f"incidents/{quote(id, safe='')}/report", url, token, config)
    say(json.dumps(found) if as_json else "\n".join(markdown(found)))
    return DONE


def markdown(found: Found) -> Iterator[str]:
    """The report, section by section; a section without content is left out."""
    yield f"# {_plain(found['incident'])}: {_plain(found['title'])}"
    ended = when(found["ended"]) if found["ended"] is not None else "it goes on"
    yield f"\n{found['severity']}, {found['state']}; from {when(found['began'])} to {ended}; cause: {found['cause']}."
    sections = {
        "Phases": [f"{one['name']}: {_span(one)}" for one in found["phases"]],
        "Against objectives": [_objective(one) for one in found["objectives"]],
        "Decisions": [f"{when(one['at'])} {_plain(one['text'])}" for one in found["decisions"]],
        "What went well": found["went_well"],
        "Deviations": [one["text"] for one in found["deviations"]],
        "Proposed changes": [f"{one['playbook']} {one['task']}: {one['after']}" for one in found["proposals"]],
        "Deviated without an alert": [f"{one['entity']}: {one['what']}; {one['rule']}" for one in found["unseen"]],
        "Actions": [f"{one['owner']}: {one['text']}" for one in found["actions"]],
        "Problem record": [found["problem"]] if found["problem"] else [],
        "Timeline": [f"{when(one['at'])} {one['kind']}: {_plain(one['text'])}" for one in found["timeline"]],
    }
    for title, lines in sections.items():
        if lines:
            yield f"\n## {title}\n"
            yield from (f"* {_plain(line)}" for line in lines)


def _span(phase: Found) -> str:
    return "goes on" if phase["until"] is None else span(phase["until"] - phase["since"])


def _objective(one: Found) -> str:
    over = f"{span(one['variance'])} too long" if one["variance"] > 0 else f"met, {span(-one['variance'])} to spare"
    causes = f": {'; '.join(one['causes'])}" if one["causes"] else ""
    return f"{one['entity']} {one['kind'].upper()}: {span(one['took'])} of {span(one['allowed'])}, {over}{causes}"


def _plain(text: str) -> str:
    """A stranger's text is no markup."""
    shown = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in shown)


def _fetch(path: str, url: str | None, token: str, config: Path | None) -> Any:
    with closing(serving(url, token, config)) as client:
        found = over_http(client)(path)
    if found is None:
        raise Failed(f"there is nothing at {path}", "ids look like INC-42")
    return found
