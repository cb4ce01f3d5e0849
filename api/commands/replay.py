"""`headwater replay`: reads the stream, runs it, writes the result as JSON or tells it in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import msgspec

from api import bootstrap, files
from api.commands.console import DONE, Failed, progress, say, warn
from api.findings import Finding, Wrong
from api.replay import Replay
from api.replay_result import Collected, Result
from api.telling import incident_in_words
from rules.ruleset import RuleSet
from topology.model import Topology

SHOWN = 20
"""Bad lines that are told one by one."""


@dataclass(frozen=True)
class Asked:
    """The command's options."""

    stream: Path
    catalogue: Path | None
    rules: Path | None
    suppression: str
    as_json: bool
    out: Path | None
    batch: int
    explain: bool = False


def run(asked: Asked) -> int:
    """Replay and answer. Bad lines are told on standard error and counted in the result."""
    if asked.suppression not in ("enforce", "shadow"):
        raise Failed(f"there is no suppression mode {asked.suppression!r}", "use enforce or shadow")
    topology, rules = _versions(asked)
    bad = _BadLines(asked.stream)
    mode = cast(Literal["enforce", "shadow"], asked.suppression)
    with _opened(asked.stream) as (lines, total), progress("replaying", total) as moved:
        replay = Replay(bootstrap.in_memory, bootstrap.decode, topology, rules, mode, asked.batch)
        name = "stream" if str(asked.stream) == "-" else asked.stream.stem
        collected = Collected()
        result = replay.run(name, lines, bad.report, moved, collected)
    bad.sum_up()
    if asked.out is not None:
        asked.out.write_bytes(msgspec.json.encode(result) + b"\n")
    elif asked.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    if asked.explain:
        say(explained(collected))
    elif not asked.as_json:
        say(in_words(result))
    return DONE


def explained(collected: Collected) -> str:
    """The incident that the result speaks of, as `headwater explain` tells it; the latest one when none is open."""
    main = collected.main() or next(reversed(collected.told()), None)
    if main is None:
        return "No incident has been opened."
    return incident_in_words(*json.loads(msgspec.json.encode((main, *collected.around(main.id)))))


def _versions(asked: Asked) -> tuple[Topology | None, RuleSet | None]:
    findings: list[Finding] = []
    topology, rules = None, None
    if asked.catalogue is not None:
        if not asked.catalogue.exists():
            raise Failed(f"{asked.catalogue}: no such catalogue", "leave --catalogue out to use the stream's topology")
        topology, found = files.topology_of(asked.catalogue)
        findings += found
    if asked.rules is not None:
        if not asked.rules.is_dir():
            raise Failed(f"{asked.rules}: no such folder", "leave --rules out to use the built-in rules")
        rules, found = files.rules_of(asked.rules)
        findings += found
    if any(not finding.warning for finding in findings):
        raise Wrong(findings)
    return topology, rules


@contextmanager
def _opened(stream: Path) -> Iterator[tuple[IO[bytes], int | None]]:
    """The stream's lines, and how many there are where that is known."""
    if str(stream) == "-":
        yield sys.stdin.buffer, None
        return
    try:
        total = _count(stream) if sys.stderr.isatty() else None
        with stream.open("rb") as lines:
            yield lines, total
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise Failed(f"{stream}: {error.strerror}", "name a file of JSON Lines, or - for standard input") from None


def _count(stream: Path) -> int:
    with stream.open("rb") as lines:
        return sum(1 for _ in lines)


class _BadLines:
    """Tells the first bad lines one by one, the others as a number."""

    def __init__(self, stream: Path) -> None:
        self._stream = stream
        self._count = 0

    def report(self, line: int, reason: str) -> None:
        self._count += 1
        if self._count <= SHOWN:
            warn(f"{self._stream}:{line}: left out: {reason[:300]}")

    def sum_up(self) -> None:
        if self._count > SHOWN:
            warn(f"{self._stream}: {self._count - SHOWN} more bad lines were left out")


def in_words(result: Result) -> str:
    """A summary for people."""
    lines = [
        f"{result.id}: {result.events} events, {result.totals['received']} alert events, "
        f"{len(result.incidents)} incident{'' if len(result.incidents) == 1 else 's'}"
    ]
    if result.skipped:
        lines.append(f"{result.skipped} bad lines were left out")
    for told in result.incidents:
        lines.append(f"  {told.id} {told.severity} {told.state}, cause {told.cause or 'unknown'}")
    if result.incident:
        lines.append(f"At the last event, {result.incident} ({result.severity}):")
        lines += [f"  {score:.2f} {entity}" for entity, score in result.ranked[:5]]
        lines.append(f"  why: {result.why}" if result.ranked else f"  no cause is named: {result.abstained}")
        lines.append(f"  hit: {', '.join(result.impact) or 'nothing'}")
    counts = ", ".join(f"{count} {name}" for name, count in result.totals.items() if count and name != "received")
    lines.append(f"alert events: {counts or 'none'}")
    return "\n".join(lines)
