"""The operator's files: catalogue and rules, read from their folders, with every mistake at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from api.findings import Finding
from engine.continuity.applicability import drift
from rules.parse import parse_rules
from rules.playbooks.parse import CALENDAR, parse_playbooks
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet
from topology import loading
from topology.model import Topology

RULES = frozenset({".yaml", ".yml"})
PLAYBOOKS = RULES | {CALENDAR}
CATALOGUE = frozenset({".yaml", ".yml", ".graphml", ".csv"})


@dataclass(frozen=True)
class Loaded:
    """What the files say; None where a mistake keeps it from coming into force."""

    topology: Topology | None
    rules: RuleSet | None
    findings: list[Finding]

    @property
    def wrong(self) -> list[Finding]:
        """The findings that are more than warnings."""
        return [finding for finding in self.findings if not finding.warning]


Declared = tuple[ContinuityPolicy | None, list[Finding]]


def load(
    catalogue: Path,
    rules: Path,
    sinks: Collection[str] | None = None,
    playbooks: Path | Callable[[], Declared] | None = None,
) -> Loaded:
    """All of them, and what only shows when they are looked at together. A folder that is not there declares nothing.
    ``sinks`` are the receivers that the settings declare; playbooks may come from elsewhere than a folder."""
    topology, found = topology_of(catalogue)
    ruleset, more = rules_of(rules, sinks)
    findings = found + more
    if playbooks is not None and (not isinstance(playbooks, Path) or playbooks.exists()):
        continuity, wrong = playbooks_of(playbooks) if isinstance(playbooks, Path) else playbooks()
        findings += wrong
        ruleset = None if ruleset is None or continuity is None else ruleset.with_continuity(continuity)
    if topology is not None and ruleset is not None:
        findings += _undeclared(topology, ruleset, catalogue)
        findings += _probes_of_nothing(topology, ruleset, rules)
        findings += _steps_of_nothing(topology, ruleset)
    return Loaded(topology, ruleset, findings)


def topology_of(folder: Path) -> tuple[Topology | None, list[Finding]]:
    """The topology of a catalogue's folder."""
    if not folder.exists():
        hint = "headwater init creates one"
        return Topology.build(), [Finding(str(folder), 0, "no such folder: the topology is empty", hint, warning=True)]
    contents: dict[str, bytes] = {}
    paths, findings = written(folder, CATALOGUE)
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            contents[str(path)] = path.read_bytes()
        except OSError as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error.strerror}"))
    topology, problems = loading.load(contents)
    findings += [Finding(one.file, one.line, one.message, one.hint) for one in problems]
    return (None if any(not one.warning for one in findings) else topology), findings


def written(folder: Path, suffixes: Collection[str]) -> tuple[list[Path], list[Finding]]:
    """The files with these suffixes that an operator wrote in a folder and below, sorted; notes may lie beside them.
    What a Python package ships (the default folder may happen to be one) is left out, with a warning."""
    packages = {path.parent for path in folder.rglob("__init__.py")}
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    left_out = {path: package for path in paths for package in path.parents if package in packages}
    hint = "keep your own in another folder, and name it"
    findings = [
        Finding(str(package), 0, "is a Python package: what it ships is left out", hint, warning=True)
        for package in sorted(set(left_out.values()))
    ]
    return [path for path in paths if path not in left_out], findings


def rules_of(folder: Path, sinks: Collection[str] | None = None) -> tuple[RuleSet | None, list[Finding]]:
    """The rules of a folder; without files the defaults."""
    texts: dict[str, str] = {}
    paths, findings = written(folder, RULES)
    for path in paths:
        try:
            texts[str(path)] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error}"))
    ruleset, problems = parse_rules(texts, sinks)
    findings += [Finding(one.file, one.line, one.message, one.hint, one.warning) for one in problems]
    return (None if any(not one.warning for one in findings) else ruleset), findings


def playbooks_of(folder: Path) -> Declared:
    """What the folder of playbooks declares: procedures, duty rosters (with iCalendar files), vendors, exercises."""
    paths, findings = written(folder, PLAYBOOKS)
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[str(path)] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error}"))
    policy, problems = parse_playbooks(texts)
    findings += [Finding(one.file, one.line, one.message, one.hint, one.warning) for one in problems]
    return (None if any(not one.warning for one in findings) else policy), findings


def _steps_of_nothing(topology: Topology, rules: RuleSet) -> list[Finding]:
    """Where playbooks do not fit the catalogue any more. They come into force all the same: people are told again when
    they choose one."""
    checks = {one.id for one in rules.probes} | {one.id for one in rules.data_checks}
    return [
        Finding(playbook.file, 0, f"playbook {playbook.id}: {doubt.text}", warning=True)
        for playbook in rules.continuity.playbooks
        for doubt in drift(playbook, topology, checks)
    ]


def _undeclared(topology: Topology, rules: RuleSet, catalogue: Path) -> list[Finding]:
    named = {duty for entity in topology.entities.values() for duty in entity.obligations}
    hint = "declare it under obligations: in a rules file"
    return [
        Finding(str(catalogue), 0, f"obligation {duty!r} is declared by no rules", hint, warning=True)
        for duty in rules.undeclared(named)
    ]


def _probes_of_nothing(topology: Topology, rules: RuleSet, folder: Path) -> list[Finding]:
    declared = [(one.id, one.entity) for one in rules.probes] + [(one.id, one.entity) for one in rules.data_checks]
    return [
        Finding(str(folder), 0, f"{id} checks {entity!r}, which the catalogue does not have", warning=True)
        for id, entity in declared
        if topology.resolve(entity) is None
    ]
