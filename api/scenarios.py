"""Saved scenarios: read from their folder, run, and run again when the topology or the rules change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from api.findings import Finding
from api.reach import versions_of
from api.schemas import MismatchOf, ScenarioChange, ScenarioChanges
from api.whatif import told
from api.whatif_schemas import ScenarioRun, ScenarioRuns
from rules.ruleset import RuleSet
from topology.assumptions import resolved
from topology.groups import UP
from topology.model import Topology
from topology.scenario import Mismatch, Scenario, compare, in_words, parse_scenarios
from topology.whatif import Answer, first, state

log = logging.getLogger(__name__)

PATTERNS = ("*.yaml", "*.yml")
SHOWN = 500
"""Differences of one scenario; the number is always given."""

Look = dict[tuple[int | None, str], str]
"""(moment, subject) -> what the answer says: the state of an entity, the severity, the users."""


class Collection(NamedTuple):
    """The scenarios of a folder, and what is wrong with its files."""

    scenarios: list[Scenario]
    findings: list[Finding]


def read(*places: Path) -> Collection:
    """All scenarios of folders and files; a folder that is not there has none."""
    contents: dict[str, bytes] = {}
    findings: list[Finding] = []
    paths = {place for place in places if place.is_file()}
    paths |= {path for place in places for pattern in PATTERNS for path in place.rglob(pattern)}
    for path in sorted(paths):
        try:
            contents[str(path)] = path.read_bytes()
        except OSError as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error.strerror}"))
    scenarios, problems = parse_scenarios(contents)
    return Collection(scenarios, findings + [Finding(one.file, one.line, one.message, one.hint) for one in problems])


def check(folder: Path, topology: Topology | None) -> list[Finding]:
    """What is wrong with the scenarios of a folder, names that a topology does not have included."""
    collection = read(folder)
    unknown = [
        Finding(scenario.file, one.line, f"the catalogue has no {one.what} {one.name!r}")
        for scenario in collection.scenarios
        for one in (scenario.strangers(topology) if topology is not None else ())
    ]
    return sorted([*collection.findings, *unknown])


def run(collection: Collection, topology: Topology, rules: RuleSet) -> ScenarioRuns:
    """Every scenario against one topology and its rules."""
    items = [_run(scenario, topology, rules) for scenario in collection.scenarios]
    passed = sum(item.result == "passed" for item in items)
    return ScenarioRuns(
        versions=versions_of(topology, rules),
        passed=passed,
        failed=len(items) - passed,
        items=items,
        findings=[str(finding) for finding in collection.findings],
    )


def changes(
    collection: Collection, before: tuple[Topology, RuleSet], after: tuple[Topology, RuleSet]
) -> ScenarioChanges:
    """Which scenarios have another answer, entity by entity."""
    found = (_change(scenario, before, after) for scenario in collection.scenarios)
    return ScenarioChanges(
        before=versions_of(*before),
        after=versions_of(*after),
        total=len(collection.scenarios),
        items=[change for change in found if change is not None],
        findings=[str(finding) for finding in collection.findings],
    )


def _run(scenario: Scenario, topology: Topology, rules: RuleSet) -> ScenarioRun:
    unknown = scenario.unknown(topology)
    mismatches: list[Mismatch] = []
    if not unknown:
        answer = Answer(topology, resolved(topology, scenario.assumed))
        beyond = {at: told(answer, rules, at) for at in scenario.moments}
        mismatches = compare(scenario, topology, answer, beyond)
    return ScenarioRun(
        id=scenario.id,
        title=scenario.title,
        result="failed" if unknown or mismatches else "passed",
        file=scenario.file,
        line=scenario.line,
        mismatches=[MismatchOf(_seconds(one.at), one.subject, one.expected, one.found) for one in mismatches],
        unknown=unknown,
    )


def _change(
    scenario: Scenario, before: tuple[Topology, RuleSet], after: tuple[Topology, RuleSet]
) -> ScenarioChange | None:
    old, new = _look(scenario, *before), _look(scenario, *after)
    keys = sorted((key for key in old.keys() | new.keys() if old.get(key) != new.get(key)), key=_order)
    if not keys:
        return None
    differences = [MismatchOf(_seconds(key[0]), key[1], old.get(key, "up"), new.get(key, "up")) for key in keys]
    return ScenarioChange(
        id=scenario.id,
        title=scenario.title,
        before=_run(scenario, *before).result,
        after=_run(scenario, *after).result,
        differences=differences[:SHOWN],
        differences_total=len(differences),
    )


def _order(key: tuple[int | None, str]) -> tuple[int, str]:
    return (-1 if key[0] is None else key[0], key[1])


def _look(scenario: Scenario, topology: Topology, rules: RuleSet) -> Look:
    if unknown := scenario.unknown(topology):
        return {(None, "names"): "; ".join(unknown)}
    answer = Answer(topology, resolved(topology, scenario.assumed))
    found: Look = {(None, "names"): "all known"}
    for at in scenario.moments:
        beyond = told(answer, rules, at)
        found |= {(at, hit.entity): state(hit) for hit in answer.after.at(at).values()}
        found[at, "severity"] = beyond.severity
        found[at, "users"] = _users(beyond.users)
    for name in scenario.times:
        steps = answer.after.steps(topology.resolve(name) or name)
        for word, limit in (("hit", UP - 1), ("down", 0)):
            when = first(steps, limit)
            found[None, f"{name} is {word}"] = "never" if when is None else f"after {in_words(when)}"
    return found


def _users(bounds: tuple[int, int] | None) -> str:
    if bounds is None:
        return "unknown"
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


class Watch:
    """The scenarios of a running server: run when it starts and when its files change, counted in gauges."""

    def __init__(self, folder: Path, registry: CollectorRegistry) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._last: ScenarioRuns | None = None
        text = "Saved scenarios: passed or failed when they were last run, changed by the last reload."
        self._gauge = Gauge("headwater_scenarios", text, ("result",), registry=registry)
        self._count({"passed": 0, "failed": 0, "changed": 0})

    def run(self, topology: Topology, rules: RuleSet, ids: Sequence[str] = ()) -> ScenarioRuns:
        """Read the folder and run its scenarios, or some of them; only a run of all counts."""
        collection = read(self._folder)
        if ids:
            return run(_some(collection, ids), topology, rules)
        with self._lock:
            found = self._last = run(collection, topology, rules)
        self._count({"passed": found.passed, "failed": found.failed})
        return found

    def last(self, topology: Topology, rules: RuleSet) -> ScenarioRuns:
        """How they went when they were last run, which is now if that was with other versions."""
        found = self._last
        if found is None or found.versions != versions_of(topology, rules):
            found = self.run(topology, rules)
        return found

    def reloaded(self, before: tuple[Topology, RuleSet], after: tuple[Topology, RuleSet]) -> ScenarioChanges | None:
        """Run them with what was and with what is in force; None where there are none."""
        collection = read(self._folder)
        if not collection.scenarios and not collection.findings:
            return None
        found = changes(collection, before, after)
        self._count({"changed": len(found.items)})
        self.run(*after)
        for item in found.items:
            log.info("scenario %s: %s, was %s; %s", item.id, item.after, item.before, _first_words(item.differences))
        for finding in found.findings:
            log.warning("%s", finding)
        return found

    def _count(self, results: Mapping[str, int]) -> None:
        for result, count in results.items():
            self._gauge.labels(result).set(count)


def _some(collection: Collection, ids: Iterable[str]) -> Collection:
    wanted = set(ids)
    return collection._replace(scenarios=[one for one in collection.scenarios if one.id in wanted])


def _first_words(differences: Sequence[MismatchOf], most: int = 5) -> str:
    words = [f"{one.subject} {one.found}, was {one.expected}" for one in differences[:most]]
    more = len(differences) - most
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")
