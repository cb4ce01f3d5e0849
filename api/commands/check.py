"""`headwater check`: everything that is wrong with settings, catalogue, rules and scenarios, at once."""

from __future__ import annotations

from pathlib import Path

from api import bootstrap, files, scenarios, settings
from api.commands.console import DONE, WRONG, say, warn
from api.findings import Finding, Wrong
from api.probe_settings import unnamed
from api.restoring.library import books
from api.restoring_settings import unnamed_steps


def run(config: Path | None) -> int:
    """Print every finding as `file:line: message`; 1 when one of them is more than a warning."""
    try:
        found = settings.load(config)
    except Wrong as wrong:
        return _report(wrong.findings)
    loaded = files.load(found.catalogue, found.rules, found.sinks.names, books(found, bootstrap.now))
    named = [] if loaded.rules is None else unnamed(found.probes, found.prometheus, loaded.rules, found.rules)
    named += [] if loaded.rules is None else unnamed_steps(found.restoring.steps, loaded.rules)
    code = _report([*loaded.findings, *named, *scenarios.check(found.scenarios, loaded.topology)])
    if code == DONE and loaded.topology is not None and loaded.rules is not None:
        topology = loaded.topology
        say(
            f"ok: {len(topology.entities)} entities, {len(topology.dependencies)} dependencies "
            f"(topology {topology.version}), rules {loaded.rules.version}"
        )
    return code


def _report(findings: list[Finding]) -> int:
    for finding in findings:
        warn(str(finding))
    wrong = sum(not finding.warning for finding in findings)
    if wrong:
        warn(f"{wrong} mistake{'s' if wrong > 1 else ''} found")
    return WRONG if wrong else DONE
