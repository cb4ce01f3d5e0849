"""The operator's files: catalogue and rules, read from their folders, with every mistake at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from api.findings import Finding
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from topology import loading
from topology.model import Topology

RULES = ("*.yaml", "*.yml")
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


def load(catalogue: Path, rules: Path) -> Loaded:
    """Both, and what only shows when they are looked at together. A folder that is not there declares nothing."""
    topology, found = topology_of(catalogue)
    ruleset, more = rules_of(rules)
    findings = found + more
    if topology is not None and ruleset is not None:
        findings += _undeclared(topology, ruleset, catalogue)
    return Loaded(topology, ruleset, findings)


def topology_of(folder: Path) -> tuple[Topology | None, list[Finding]]:
    """The topology of a catalogue's folder."""
    if not folder.exists():
        hint = "headwater init creates one"
        return Topology.build(), [Finding(str(folder), 0, "no such folder: the topology is empty", hint, warning=True)]
    contents: dict[str, bytes] = {}
    findings: list[Finding] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and _counts(path)):
        try:
            contents[str(path)] = path.read_bytes()
        except OSError as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error.strerror}"))
    topology, problems = loading.load(contents)
    findings += [Finding(one.file, one.line, one.message, one.hint) for one in problems]
    return (None if findings else topology), findings


def _counts(path: Path) -> bool:
    """Notes and hidden files may lie beside the catalogue."""
    return not path.name.startswith(".") and path.suffix.lower() in CATALOGUE


def rules_of(folder: Path) -> tuple[RuleSet | None, list[Finding]]:
    """The rules of a folder; without files the defaults."""
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for path in sorted({path for pattern in RULES for path in folder.rglob(pattern)}) if folder.is_dir() else ():
        try:
            texts[str(path)] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            findings.append(Finding(str(path), 0, f"cannot be read: {error}"))
    ruleset, problems = parse_rules(texts)
    findings += [Finding(one.file, one.line, one.message, one.hint, one.warning) for one in problems]
    return (None if any(not one.warning for one in findings) else ruleset), findings


def _undeclared(topology: Topology, rules: RuleSet, catalogue: Path) -> list[Finding]:
    named = {duty for entity in topology.entities.values() for duty in entity.obligations}
    hint = "declare it under obligations: in a rules file"
    return [
        Finding(str(catalogue), 0, f"obligation {duty!r} is declared by no rules", hint, warning=True)
        for duty in rules.undeclared(named)
    ]
