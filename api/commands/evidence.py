"""`headwater evidence` and `headwater suppressed`: from a running server, or from the newest snapshot on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from api import bootstrap, evidence, settings
from api.commands import command
from api.commands.console import DONE, UNAVAILABLE, USAGE, Failed, say
from api.commands.explain import Fetch, over_http, serving, whole
from api.evidence import Known, Wanted
from engine.ports import Reader
from rules.checks.bad_time import instant
from rules.errors import Flaw

PAGE = 500


@dataclass(frozen=True)
class Where:
    """The server or data to ask."""

    url: str | None
    token: str
    config: Path | None
    data: Path | None


@dataclass(frozen=True)
class Listed:
    """Which of the alerts that are kept back."""

    shadow: bool
    audit: bool
    rule: str
    entity: str


def learn(where: Where, since: str, until: str, *, as_json: bool) -> int:
    """The candidate and its calibration."""
    span = _span(since, until)
    with asking(where) as fetch:
        found = fetch(f"evidence/calibration?{urlencode(span)}")
    if as_json:
        say(json.dumps(found))
        return DONE
    learned = found["learned"]
    say("\n".join(_learned(learned, found["version"])))
    if found["candidate"]:
        times = "".join(f" --{name} {text}" for name, text in (("from", since), ("to", until)) if text)
        say(f"\nTo use it: headwater evidence activate {found['candidate']} --reason '…'{times}")
    return DONE


def report(where: Where, *, as_json: bool) -> int:
    """Weights in force, their calibration, and every rule's promotion report in one line."""
    with asking(where) as fetch:
        model, calibration = fetch("evidence/model"), fetch("evidence/calibration")
        rules = whole(fetch, "evidence/promotions")
    if as_json:
        say(json.dumps({"model": model, "calibration": calibration, "promotions": rules}))
        return DONE
    say(f"Evidence is weighed by {'the shipped prior' if model['version'] == 'prior' else model['version']}.")
    sources = ", ".join(f"{count} {name}" for name, count in calibration["learned"]["by_source"].items())
    say(f"{model['outcomes']} alerts were judged{f' ({sources})' if sources else ''}; "
        f"{model['waiting_for_audit']} suppressed ones wait for the audit.")  # fmt: skip
    say("\n".join(_calibration("In force, on all outcomes", calibration["in_force"], bins=True)))
    say("\nRules that keep alerts back:")
    for rule in rules["items"]:
        say(f"  {rule['rule']} ({rule['mode']}): {_counts(rule)}; {rule['verdict']}")
    return DONE


def activate(where: Where, version: str, reason: str, since: str, until: str, *, as_json: bool) -> int:
    """Ask the running server."""
    facts = [f"{name}={moment}" for name, moment in _span(since, until).items()]
    return command.run(
        "activate_model", version, facts, reason, where.url, where.token, where.config, as_json=as_json
    )  # fmt: skip


def promotion(where: Where, rule: str, *, as_json: bool) -> int:
    """The report on one rule; 1 where there is no such rule."""
    with asking(where) as fetch:
        found = fetch(f"rules/{quote(rule, safe='')}/promotion")
        if found is None:
            known = ", ".join(one["rule"] for one in whole(fetch, "evidence/promotions")["items"])
            raise Failed(f"there is no rule {rule!r}", f"known: {known}")
    say(json.dumps(found) if as_json else "\n".join(promotion_in_words(found)))
    return DONE


def suppressed(where: Where, listed: Listed, *, as_json: bool) -> int:
    """The list, as one page."""
    with asking(where) as fetch:
        if listed.audit:
            found = fetch(f"suppressed/audit?limit={PAGE}")
        else:
            query = {"limit": PAGE, "shadow": str(listed.shadow).lower(), "rule": listed.rule, "entity": listed.entity}
            found = fetch(f"suppressed?{urlencode(query)}")
    if as_json:
        say(json.dumps(found))
        return DONE
    for row in found["items"]:
        say("\n".join(_audit_row(row) if listed.audit else _row(row)))
    more = found["total"] - len(found["items"])
    if found["total"]:
        say(f"{found['total']} in all{f', {more} of them not shown' if more > 0 else ''}.")
    else:
        say("Nothing waits for the audit." if listed.audit else "No alert is kept back.")
    return DONE


@contextmanager
def asking(where: Where) -> Iterator[Fetch]:
    """The server that is named or runs, else the newest snapshot."""
    if where.data is None:
        try:
            client = serving(where.url, where.token, where.config)
        except Failed:
            client = None
        if client is not None:
            with closing(client):
                yield over_http(client)
            return
    kept = settings.kept(where.config, where.data)
    if not kept.there:
        mend = "start one with `headwater serve`, or name --url or --data"
        raise Failed(f"no server runs and {kept} holds no data", mend, UNAVAILABLE)
    with bootstrap.stored_core(kept) as (known, reader):
        yield _from_snapshot(known, reader)


def _from_snapshot(known: Known, reader: Reader) -> Fetch:
    """The same paths, answered from the data on disk."""

    def find(path: str) -> object:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "suppressed":
            wanted = Wanted(query.get("shadow") == "true", query.get("rule", ""), query.get("entity", ""))
            return evidence.suppressed(known, reader, wanted, "", PAGE)
        if parts.path == "suppressed/audit":
            return evidence.audit(known, "", PAGE)
        if parts.path == "evidence/calibration":
            since, until = (int(query[name]) if name in query else None for name in ("since", "until"))
            return evidence.calibration_of(known, since, until)
        if parts.path == "evidence/model":
            return evidence.model_of(known)
        if parts.path == "evidence/promotions":
            return evidence.promotions(known)
        return evidence.promotion_of(known, parts.path.removeprefix("rules/").removesuffix("/promotion"))

    return lambda path: json.loads(msgspec.json.encode(find(path)))


def promotion_in_words(found: dict[str, Any]) -> list[str]:
    """One rule's report."""
    lines = [
        f"{found['rule']} is in mode {found['mode']}: {found['verdict']}.",
        f"  {_counts(found)}; {found['released']} of them were let in again when evidence changed",
        f"  judged: {found['labelled']}, of them {found['false']} false and {found['real']} real"
        f" ({found['audited']} from the audit sample)",
        f"  precision {_share(found['precision'])}, recall {_share(found['recall'])}",
        f"  real alerts missed {_share(found['missed'])}, at most {found['missed_at_most']:.1%} (95 %)",
    ]
    for one in found["silenced"]:
        alerts = ", ".join(map(str, one["alerts"]))
        lines.append(f"  FAULT SILENCED: {one['incident']}, all its alerts would be kept back ({alerts})")
    return lines


def _learned(learned: dict[str, Any], in_force: str) -> list[str]:
    sources = ", ".join(f"{count} {name}" for name, count in learned["by_source"].items()) or "none"
    lines = [f"Outcomes: {learned['real']} real, {learned['false']} false ({sources}); "
             f"{learned['without_evidence']} of them without any evidence."]  # fmt: skip
    lines += _calibration(f"Held-out half, {in_force}", learned["before"])
    if learned["candidate"] is None:
        return [*lines, f"No model is proposed: {learned['refused']}.", f"{learned['note']}."]
    lines += _calibration("Held-out half, candidate", learned["after"], bins=True)
    lines.append("Weights (log-odds, seen in real and false outcomes):")
    for kind, (log_odds, real, false) in learned["candidate"]["weights"].items():
        lines.append(f"  {kind:24} {log_odds:+.2f}  {real} real, {false} false")
    kept = ", ".join(f"{kind} ({count})" for kind, count in learned["kept"].items())
    return [*lines, *([f"Too seldom seen, keep their prior: {kept}."] if kept else []), f"{learned['note']}."]


def _calibration(title: str, found: dict[str, Any], *, bins: bool = False) -> list[str]:
    if not found["count"]:
        return [f"{title}: no outcomes."]
    lines = [
        f"{title}: Brier {found['brier']:.3f}, ECE {found['ece']:.3f} on {found['real']} real and {found['false']} "
        f"false; {found['confirmed_false']} false ones confirmed, {found['contradicted_real']} real ones contradicted."
    ]
    for one in found["bins"] if bins else ():
        if one["count"]:
            lines.append(f"  said {one['mean']:4.0%}: {one['real']} of {one['count']} were real")
    return lines


def _counts(found: dict[str, Any]) -> str:
    return f"{found['suppressed']} suppressed, {found['would_have_suppressed']} would have been"


def _share(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "unknown"
    return f"{found['value']:.2f} ({found['hits']} of {found['count']}; {found['low']:.2f} … {found['high']:.2f})"


def _row(row: dict[str, Any]) -> list[str]:
    how = "would be suppressed" if row["shadow"] else row["disposition"]
    until = f" until {_at(row['held_until'])}" if row["held_until"] else ""
    rule = f" by {row['rule']}" if row["rule"] else ""
    terms = ", ".join(f"{term['kind']} {term['log_odds']:+.1f}" for term in row["terms"])
    return [
        f"{row['no']} {row['name']} on {row['entity']}: {how} ({row['reason']}){rule} since {_at(row['since'])}{until}",
        f"  log-odds {row['log_odds']:+.1f}{f': {terms}' if terms else ''}; {row['would_flip']}",
    ]


def _audit_row(row: dict[str, Any]) -> list[str]:
    rules = ", ".join(rule if enforced else f"{rule} (shadow)" for rule, enforced in row["rules"].items())
    say_so = f"headwater command judge_alert {row['no']} verdict=real|false --reason '…'"
    return [f"{row['no']} {row['name']} on {row['entity']}: {rules}, since {_at(row['at'])}", f"  judge it: {say_so}"]


def _span(since: str, until: str) -> dict[str, str]:
    found = {}
    for option, name, text in (("--from", "since", since), ("--to", "until", until)):
        if text:
            try:
                found[name] = str(instant(text))
            except Flaw as flaw:
                raise Failed(f"{option}: {flaw}", flaw.hint, code=USAGE) from None
    return found


def _at(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
