"""`headwater catalogue audit`: which objectives of the catalogue cannot be met, and what would mend it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from api import bootstrap
from api.commands.console import DONE, WRONG, Failed, say
from api.commands.folders import catalogue_in
from api.feasibility import audit_of, day_of
from api.feasibility_schemas import AuditOf
from topology.feasibility.audit import audit as audit_objectives
from topology.feasibility.findings import Finding
from topology.feasibility.words import change, span


def audit(catalogue: Path | None, day: str, *, as_json: bool) -> int:
    """Print the findings, worst first. 1 when there is an error among them."""
    on = _day(day) if day else day_of(bootstrap.now())
    topology = catalogue_in(catalogue)
    found = audit_of(audit_objectives(topology, on))
    say(msgspec.json.encode(found).decode() if as_json else in_words(found))
    return WRONG if found.counts["error"] else DONE


def in_words(found: AuditOf) -> str:
    """Each finding with its chain, its slack, its fix and whom to ask, then the sum."""
    lines = [line for finding in found.items for line in _lines(finding)]
    counted = ", ".join(f"{count} {_plural(level, count)}" for level, count in found.counts.items())
    least = ", ".join(f"{kind.upper()} {_left(seconds)}" for kind, seconds in found.slack.items())
    lines.append(f"{counted} on {found.on}, topology {found.versions.topology}")
    lines += [f"least slack: {least}"] if least else []
    return "\n".join(lines)


def _lines(finding: Finding) -> list[str]:
    more = [f"by {' → '.join(finding.chain)}"] if len(finding.chain) > 1 else []
    more += [_left(finding.slack)] if finding.slack is not None else []
    more += [f"fix: {change(finding.fix)}"] if finding.fix else []
    more += [f"ask {', '.join(finding.owners)}"] if finding.owners else []
    return [f"{finding.severity.value}: {finding.check}: {finding.sentence}"] + [f"  {part}" for part in more]


def _left(seconds: int) -> str:
    return f"{span(seconds)} left" if seconds >= 0 else f"{span(-seconds)} missing"


def _plural(level: str, count: int) -> str:
    return level if count == 1 or level == "info" else f"{level}s"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Failed(f"{text!r} is not a date", "write it like 2026-03-31") from None
