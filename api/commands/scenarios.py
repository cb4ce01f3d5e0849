"""`headwater whatif run` and `diff`: saved scenarios as a test of the catalogue, and what a change of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import msgspec

from api import bootstrap, files, settings
from api.commands.console import DONE, UNAVAILABLE, WRONG, Failed, safe, say, warn
from api.commands.impact import duration
from api.commands.whatif import loaded
from api.findings import Wrong
from api.scenarios import Collection, changes, read, run
from api.schemas import MismatchOf, ScenarioChange, ScenarioChanges
from api.whatif_schemas import ScenarioRun, ScenarioRuns
from engine.ports import Version
from topology.model import Topology


class Asked(NamedTuple):
    """The options that both commands have."""

    scenarios: Sequence[Path] = ()
    config: Path | None = None
    catalogue: Path | None = None
    rules: Path | None = None


def run_all(asked: Asked, junit: Path | None, *, as_json: bool) -> int:
    """Run scenarios; 1 when an expectation is not met or a file is wrong."""
    collection = _collection(asked)
    topology, rules = loaded(asked.config, asked.catalogue, asked.rules)
    found = run(collection, topology, rules)
    if junit is not None:
        _write(junit, found)
    if as_json:
        say(msgspec.json.encode(found).decode())
    else:
        for finding in found.findings:
            warn(finding)
        say("\n".join(in_words(found)))
    return WRONG if found.failed or found.findings else DONE


def diff(asked: Asked, before: str, after: Path | None, data: Path | None, *, as_json: bool, exit_code: bool) -> int:
    """Which scenarios have another answer with the catalogue ``after`` than with ``before``, a folder or a version."""
    collection = _collection(asked)
    topology, rules = loaded(asked.config, after or asked.catalogue, asked.rules)
    found = changes(collection, (_before(before, asked.config, data), rules), (topology, rules))
    if as_json:
        say(msgspec.json.encode(found).decode())
    else:
        for finding in found.findings:
            warn(finding)
        say("\n".join(changes_in_words(found)))
    return WRONG if found.findings or (exit_code and found.items) else DONE


def _collection(asked: Asked) -> Collection:
    places = list(asked.scenarios) or [settings.load(asked.config).scenarios]
    for place in places:
        if not place.exists():
            raise Failed(f"{place}: no such scenarios", "write one with: headwater whatif save")
    collection = read(*places)
    if not collection.scenarios and not collection.findings:
        raise Failed(f"{', '.join(map(str, places))}: no scenarios there", "write one with: headwater whatif save")
    return collection


def _before(name: str, config: Path | None, data: Path | None) -> Topology:
    if Path(name).exists():
        topology, findings = files.topology_of(Path(name))
        if topology is None:
            raise Wrong(findings)
        return topology
    kept = settings.kept(config, data)
    stored: Version | None = None
    if kept.there:
        stored = bootstrap.stored_version(kept, "topology", name)
    if stored is None:
        mend = "name a folder, or a version that GET /api/v1/versions lists, with --data where it is kept"
        raise Failed(f"there is neither a folder nor a version of the topology {name!r}", mend)
    return Topology.decode(stored.content)


# ------------------------------------------------------------------------------------------------------- in words


def in_words(found: ScenarioRuns) -> list[str]:
    """One line per scenario, and below those that failed what was expected and found."""
    lines = [line for item in found.items for line in _run_in_words(item)]
    lines.append(
        f"{found.passed} passed, {found.failed} failed "
        f"(topology and catalogue {found.versions.topology}, rules {found.versions.rules})"
    )
    return lines


def _run_in_words(item: ScenarioRun) -> list[str]:
    title = f": {item.title}" if item.title else ""
    if item.result == "passed":
        return [f"ok      {item.id}{title}"]
    lines = [f"FAILED  {item.id}{title} ({item.file}:{item.line})"]
    return lines + [f"        {line}" for line in _why(item)]


def _why(item: ScenarioRun) -> list[str]:
    return [
        *item.unknown,
        *(f"{_when(one)}{one.subject}: expected {one.expected}, is {one.found}" for one in item.mismatches),
    ]


def _when(one: MismatchOf) -> str:
    if one.at is None:
        return ""
    return f"after {duration(one.at)}: " if one.at else "at the onset: "


def changes_in_words(found: ScenarioChanges) -> list[str]:
    """Each scenario with another answer, entity by entity."""
    lines: list[str] = []
    for item in found.items:
        lines += _change_in_words(item)
    same = found.total - len(found.items)
    lines.append(
        f"{len(found.items)} changed, {same} as before (topology {found.before.topology} → {found.after.topology})"
    )
    return lines


def _change_in_words(item: ScenarioChange) -> list[str]:
    result = item.after if item.before == item.after else f"{item.before} → {item.after}"
    lines = [f"{item.id}{f': {item.title}' if item.title else ''} ({result})"]
    lines += [f"  {_when(one)}{one.subject}: {one.expected} → {one.found}" for one in item.differences]
    more = item.differences_total - len(item.differences)
    return [*lines, f"  and {more} more"] if more else lines


def _write(file: Path, found: ScenarioRuns) -> None:
    """JUnit's XML, as build servers read it."""
    suite = ElementTree.Element(
        "testsuite", name="headwater scenarios", tests=str(len(found.items)), failures=str(found.failed),
        errors=str(len(found.findings)),
    )  # fmt: skip
    for item in found.items:
        case = ElementTree.SubElement(
            suite, "testcase", classname="scenarios", name=safe(item.id), file=safe(item.file)
        )
        if item.result == "failed":
            why = _why(item)
            failure = ElementTree.SubElement(case, "failure", message=safe(why[0]))
            failure.text = safe("\n".join(why))
    for finding in found.findings:
        case = ElementTree.SubElement(suite, "testcase", classname="files", name=safe(finding))
        ElementTree.SubElement(case, "error", message=safe(finding))
    try:
        ElementTree.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise Failed(f"cannot write {file}: {error.strerror}", code=UNAVAILABLE) from None
