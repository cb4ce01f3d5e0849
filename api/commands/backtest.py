"""`headwater backtest`: what would have been different under other rules, in words or as JSON.

Exit codes: 0 no more differences than ``--fail-on`` allows, 1 more, 2 what was given is wrong, 3 no data.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import msgspec

from api import bootstrap, files, settings
from api.backtest import Asked, NothingThere
from api.backtest_schemas import BackTest, Change, Pair, Side
from api.commands.console import DONE, UNAVAILABLE, USAGE, WRONG, Failed, progress, say, warn
from api.findings import Finding, Wrong
from rules.checks.bad_duration import milliseconds
from rules.checks.bad_time import instant
from rules.errors import Flaw
from rules.ruleset import RuleSet
from topology.model import Topology

KINDS = (
    "silenced", "gone", "new", "merged", "split", "severity", "cause", "timing", "unheard", "suppressed", "held",
    "promoted", "commands",
)  # fmt: skip
SHOWN = 10
"""Lines of a kind in the words; the JSON has more."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    rules: Path
    since: str
    until: str
    catalogue: Path | None
    suppression: str
    warm_up: str
    fail_on: str
    config: Path | None
    data: Path | None


def run(options: Options, *, as_json: bool) -> int:
    """Replay, compare, answer."""
    limits = _limits(options.fail_on)
    try:
        asked = _asked(options)
    except Wrong as wrong:
        for finding in wrong.findings:
            warn(str(finding))
        return USAGE
    kept = settings.kept(options.config, options.data)
    if not kept.there:
        raise Failed(f"{kept}: there is no input log", "name the data folder with --data", code=UNAVAILABLE)
    with bootstrap.back_tester(kept, asked) as tester, progress("replaying twice", tester.total) as moved:
        try:
            found = tester.run(moved)
        except NothingThere as nothing:
            raise Failed(str(nothing), "choose another span", code=USAGE) from None
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        say("\n".join(in_words(found)))
    exceeded = [name for name, most in limits.items() if found.counts[name] > most]
    if exceeded:
        warn("more than allowed: " + ", ".join(f"{found.counts[name]} {name}" for name in exceeded))
    return WRONG if exceeded else DONE


def _asked(options: Options) -> Asked:
    if options.suppression not in ("", "enforce", "shadow"):
        raise Failed(f"there is no suppression mode {options.suppression!r}", "use enforce or shadow", code=USAGE)
    rules, topology = _versions(options)
    since, until = _time("--from", options.since), _time("--to", options.until)
    if since is not None and until is not None and until <= since:
        raise Failed("--to is not after --from", "name an end after the beginning", code=USAGE)
    mode = cast(Literal["enforce", "shadow"] | None, options.suppression or None)
    return Asked(rules, topology, since, until, mode, _duration(options.warm_up))


def _versions(options: Options) -> tuple[RuleSet, Topology | None]:
    if not options.rules.is_dir():
        raise Failed(f"{options.rules}: no such folder", "name the folder of the other rules", code=USAGE)
    if options.catalogue is not None and not options.catalogue.exists():
        raise Failed(f"{options.catalogue}: no such catalogue", "leave --catalogue out to use the stored", code=USAGE)
    findings: list[Finding] = []
    topology: Topology | None = None
    if options.catalogue is not None:
        topology, findings = files.topology_of(options.catalogue)
    rules, found = files.rules_of(options.rules)
    findings += found
    if rules is None or any(not finding.warning for finding in findings):
        raise Wrong(findings)
    return rules, topology


def _time(option: str, text: str) -> int | None:
    try:
        return instant(text) if text else None
    except Flaw as flaw:
        raise Failed(f"{option}: {flaw}", flaw.hint, code=USAGE) from None


def _duration(text: str) -> int | None:
    try:
        return milliseconds(text) if text else None
    except Flaw as flaw:
        raise Failed(f"--warm-up: {flaw}", flaw.hint, code=USAGE) from None


def _limits(text: str) -> dict[str, int]:
    """Kinds of differences and how many of each are allowed."""
    limits: dict[str, int] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, most = word.partition("=")
        known = KINDS if name == "any" else (name,)
        if name not in (*KINDS, "any") or (most and not most.isdecimal()):
            raise Failed(f"--fail-on: {word!r} is none of {', '.join(KINDS)}, any", "", code=USAGE)
        limits |= {kind: int(most or 0) for kind in known}
    return limits


def in_words(found: BackTest) -> list[str]:
    """The difference, worst first."""
    starts = {"snapshot": "a stored state", "beginning": "the log's first input", "warm_up": "an empty engine"}
    lines = [
        f"{_at(found.since)} … {_at(found.until)}: {found.inputs} inputs, {found.alert_events} alert events",
        f"started from {starts[found.start.how]} at {_at(found.start.at)}; "
        f"the log is complete since {_at(found.start.complete_since)}",
        *(f"note: {note}" for note in found.notes),
        *(f"{kind} {old or 'none'} → {new or 'none'}" for kind, (old, new) in found.versions.items() if old != new),
    ]
    if found.equal:
        return [*lines, "no difference"]
    lines += [
        f"incidents told {_pair(found.incidents)}, pages {_pair(found.pages)}, tickets {_pair(found.tickets)}, "
        f"notifications {_pair(found.notifications)}",
        "alert events: "
        + ", ".join(f"{name} {_pair(p)}" for name, p in found.dispositions.items() if p.before or p.after),
        f"grouping agrees to {found.agreement:.3f} (adjusted Rand index)",
    ]
    for kind in ("silenced", "gone", "new", "merged", "split", "severity", "cause", "timing"):
        lines += _section(found, kind)
    lines += _details(found)
    return lines


def _section(found: BackTest, kind: str) -> list[str]:
    titles = {
        "silenced": "FAULTS SILENCED", "gone": "incidents gone", "new": "incidents new", "merged": "incidents merged",
        "split": "incidents split", "severity": "severity changed", "cause": "cause changed",
        "timing": "told at another time",
    }  # fmt: skip
    rows = getattr(found, kind)
    if not rows:
        return []
    lines = [f"{titles[kind]}: {found.counts[kind]}"]
    for row in rows[:SHOWN]:
        if kind == "silenced":
            rules = f" by {', '.join(row.rules)}" if row.rules else ""
            what = "kept back" if row.how == "kept_back" else "told to nobody"
            lines.append(f"  {_side(row.incident)}: {row.fault}; all its alerts would be {what}{rules}")
        elif kind in ("gone", "new"):
            lines.append(f"  {_side(row)}")
        elif kind in ("merged", "split"):
            lines.append(f"  {', '.join(s.id for s in row.before)} → {', '.join(s.id for s in row.after)}")
        else:
            lines.append(f"  {_changed(kind, row)}")
    more = found.counts[kind] - min(SHOWN, len(rows))
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _details(found: BackTest) -> list[str]:
    lines = []
    if found.unheard.total:
        lines.append(f"alert events of which nobody would hear any more: {found.unheard.total}")
        lines += [f"  {e.event} {e.name} on {e.entity}: {e.before} → {e.after}" for e in found.unheard.examples]
    for rule in found.rules[:SHOWN]:
        lines.append(f"rule {rule.rule}: {rule.what} {_pair(rule.kept)} (+{rule.added} -{rule.removed})")
        lines += [f"  {e.event} {e.name} on {e.entity}: {e.before} → {e.after}" for e in rule.examples[:2]]
    if found.commands:
        lines.append(f"commands that could not be carried out: {found.counts['commands']}")
        lines += [f"  {c.actor}: {c.action} {c.target} ({c.why})" for c in found.commands[:SHOWN]]
    return lines


def _changed(kind: str, row: Change) -> str:
    if kind == "severity":
        worst = f" (at worst {row.before.worst} → {row.after.worst})" if row.before.worst != row.after.worst else ""
        what = f"{row.before.severity} → {row.after.severity}{worst}"
    elif kind == "cause":
        what = f"{row.before.cause or 'none named'} → {row.after.cause or 'none named'}"
    else:
        return f"{_side(row.after)}: {row.why}"
    return f"{row.before.id} {what}: {row.why}"


def _side(side: Side) -> str:
    where = side.cause or ", ".join(side.entities[:3])
    return f"{side.id} {side.severity} on {where}, {side.alerts} alert events"


def _pair(pair: Pair) -> str:
    return str(pair.before) if pair.before == pair.after else f"{pair.before} → {pair.after}"


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
