"""`headwater restoration`: in which order failed entities and what they hit come back, from the catalogue's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from api.commands.console import DONE, say
from api.commands.folders import catalogue_in, resolved
from api.commands.impact import duration
from api.restoration import restoration_of
from api.restoration_schemas import RestorationOf, RestorationTask
from topology.objectives import Objective

NAMED = 12
"""Names in a list of words; the others are counted."""
_WAYS = {"repair": "repair", "itself": "comes back by itself", "manual": "start by hand"}
_BREACH = {"yes": "will be missed", "no": "is met", "cannot_exclude": "may be missed"}
_SPARED = {"yes": "is never hit", "no": "is hit", "cannot_exclude": "may be hit"}


def run(entities: Sequence[str], catalogue: Path | None, *, as_json: bool) -> int:
    """Print the plan, wave after wave, and what it means for recovery objectives."""
    topology = catalogue_in(catalogue)
    (failed,) = resolved(topology, entities)
    found = restoration_of(topology, sorted(set(failed)))
    say(msgspec.json.encode(found).decode() if as_json else in_words(found))
    return DONE


def in_words(found: RestorationOf) -> str:
    """What takes how long, the waves, manual starts, objectives, and what a buffer may spare."""
    lines = [f"If {' and '.join(found.failed)} fail{'s' if len(found.failed) == 1 else ''}, {_whole(found)}."]
    if len(found.critical) > 1:
        lines.append(f"What decides: {' → '.join(found.critical)}.")
    waves: dict[int, list[RestorationTask]] = {}
    for task in found.tasks:
        waves.setdefault(task.wave, []).append(task)
    for number, tasks in sorted(waves.items(), key=lambda row: (row[0] == 0, row[0])):
        lines.append(f"Wave {number}:" if number else "Nothing to do, back with what they need:")
        lines += [f"  {_task(task)}" for task in tasks]
    if found.manual:
        lines.append("To be started by hand, in this order, as they wait for each other:")
        lines += [f"  {one.entity} without {_names(one.providers)}" for one in found.manual]
    if found.objectives:
        lines.append("Recovery objectives:")
        lines += [f"  {_objective(one)}" for one in found.objectives]
    if found.threatened:
        lines.append("Held up by a buffer:")
        lines += [
            f"  {one.entity}: {_SPARED[one.spared]}; {one.held_by} buffers until {duration(one.until / 1000)} after"
            for one in found.threatened
        ]
    if found.missing:
        lines.append(
            f"No restore time is declared for {_names(found.missing)}; the earliest times count none for them."
        )
    return "\n".join(lines)


def _whole(found: RestorationOf) -> str:
    count = "1 entity is" if found.total == 1 else f"{found.total} entities are"
    return f"{count} back {_between(found.takes, found.takes_latest, 'after')}"


def _between(earliest: int, latest: int | None, exact: str) -> str:
    if latest == earliest:
        return f"{exact} {duration(earliest)}"
    if latest is None:
        return f"{exact} {duration(earliest)} at the earliest"
    return f"{exact} {duration(earliest)} to {duration(latest)}"


def _task(task: RestorationTask) -> str:
    begin = f" from {duration(task.start)}" if task.start else ""
    service = _between(task.finish, task.finish_latest, "in service after")
    with_whom = (f" like {task.after}" if task.finish > task.ready else f", once {task.after} is") if task.after else ""
    facts = [f"{_WAYS[task.way]}{begin}", service + with_whom]
    facts += [f"may take {duration(task.slack)} longer"] if task.slack and task.wave else []
    facts += [f"owner {task.owner}"] if task.owner else []
    return f"{task.entity}: {', '.join(facts)}"


def _objective(one: Objective) -> str:
    span = duration((one.due - one.since) / 1000)
    return f"{one.entity}: {one.kind.upper()} of {span} {_BREACH[one.breach]}{_spare(one)}"


def _spare(one: Objective) -> str:
    if one.breach == "no" and one.finish_latest is not None:
        return f", with {duration((one.due - one.finish_latest) / 1000)} to spare"
    if one.breach == "yes" and one.finish is not None:
        return f", by {duration((one.finish - one.due) / 1000)} at least"
    return ""


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
