"""`headwater whatif ask` and `save`: a what-if question on the command line, and its answer as a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from pydantic import ValidationError

from api import files, settings
from api.commands.console import DONE, UNAVAILABLE, Failed, say
from api.commands.impact import assumptions_in_words, duration, hit_in_words
from api.findings import Finding, Wrong
from api.whatif import ask as ask_whatif
from api.whatif_schemas import MomentOf, WhatIf
from rules.ruleset import RuleSet
from topology import yamlfile
from topology.assumptions import Assumptions
from topology.errors import Mistakes
from topology.model import Topology
from topology.question import QuestionForm
from topology.scenario import faults, unknown_names

UP = 1000
MOST = 500
"""Entities that a saved scenario names at one moment."""
LISTED = 50
"""Entities in words; `--json` gives all."""


class Asked(NamedTuple):
    """The options that make up a question, as they were typed."""

    down: Sequence[str] = ()
    degraded: Sequence[str] = ()
    slow: Sequence[str] = ()
    maintenance: Sequence[str] = ()
    fate: Sequence[str] = ()
    lost: Sequence[str] = ()
    assume: Path | None = None
    at: Sequence[str] = ()
    config: Path | None = None
    catalogue: Path | None = None
    rules: Path | None = None


def ask(asked: Asked, *, as_json: bool) -> int:
    """Print who is hit, when and how badly."""
    topology, rules = loaded(asked.config, asked.catalogue, asked.rules)
    question, _ = _question(asked, topology)
    answer = _answer(question, topology, rules)
    say(msgspec.json.encode(answer).decode() if as_json else in_words(answer))
    return DONE


def save(asked: Asked, id: str, title: str, file: Path) -> int:
    """Write a scenario that expects what the answer is now; overwrites nothing."""
    topology, rules = loaded(asked.config, asked.catalogue, asked.rules)
    question, raw = _question(asked, topology)
    answer = _answer(question, topology, rules)
    scenario = {"id": id, "title": title, "assume": raw, "expect": [_expected(moment) for moment in answer.moments]}
    if times := _times(answer):
        scenario["times"] = times
    text = yaml.safe_dump({"scenarios": [scenario]}, sort_keys=False, allow_unicode=True, width=120)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise Failed(f"{file} exists already", "nothing was written; name another file") from None
    except OSError as error:
        raise Failed(f"cannot write {file}: {error.strerror}", code=UNAVAILABLE) from None
    say(f"wrote {file}; run it with: headwater whatif run {file}")
    return DONE


def loaded(config: Path | None, catalogue: Path | None, rules: Path | None) -> tuple[Topology, RuleSet]:
    """The topology and the rules of the operator's files. Raises Wrong and Failed."""
    found = settings.load(config)
    folder = catalogue or found.catalogue
    if not folder.exists():
        raise Failed(f"{folder}: no such catalogue", "name one with --catalogue, or create one with: headwater init")
    topology, findings = files.topology_of(folder)
    ruleset, more = files.rules_of(rules or found.rules)
    if topology is None or ruleset is None:
        raise Wrong([finding for finding in (*findings, *more) if not finding.warning])
    return topology, ruleset


# ---------------------------------------------------------------------------------------------- from the options


def _question(asked: Asked, topology: Topology) -> tuple[QuestionForm, dict[str, Any]]:
    """The question, and its assumptions as a scenario would write them. Raises Wrong with everything that is wrong."""
    raw = _assumptions(asked)
    whole = {"assume": raw} | ({"at": list(asked.at)} if asked.at else {})
    findings = [
        Finding(f"--{one.place[1]}", 0, f"the catalogue has no {one.what} {one.name!r}", _near(one.name, topology))
        for one in (found._replace(place=("assume", *found.place)) for found in unknown_names(raw, topology))
    ]
    try:
        question = QuestionForm.model_validate(whole)
    except ValidationError as error:
        findings += [
            Finding(_option(fault.place), 0, fault.message, fault.hint) for fault in faults(error, QuestionForm, whole)
        ]
    if findings:
        raise Wrong(findings)
    if question.assume.assumptions() == Assumptions():
        raise Failed("nothing is assumed", "say what fails, for example: --down ENTITY, --slow ENTITY=5s")
    return question, raw


def _assumptions(asked: Asked) -> dict[str, Any]:
    """As a file would say it, on top of what ``--assume`` says."""
    raw = _from_file(asked.assume) if asked.assume else {}
    for key, names in (("down", asked.down), ("fates", asked.fate), ("lost", asked.lost)):
        if names:
            raw[key] = [*_listed(raw.get(key)), *names]
    for key, pairs in (("degraded", asked.degraded), ("slow", asked.slow)):
        if pairs:
            known = raw.get(key)
            raw[key] = {**(known if isinstance(known, dict) else {}), **dict(_pair(f"--{key}", one) for one in pairs)}
    if asked.maintenance:
        raw["maintenance"] = [*_listed(raw.get("maintenance")), *map(_window, asked.maintenance)]
    return raw


def _from_file(file: Path) -> dict[str, Any]:
    mistakes = Mistakes()
    try:
        document = yamlfile.read(str(file), file.read_text(encoding="utf-8"), mistakes)
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{file} cannot be read: {error}") from None
    if document is None or mistakes:
        raise Wrong([Finding(one.file, one.line, one.message, one.hint) for one in mistakes.listed()])
    if not isinstance(document.data, dict):
        raise Failed(f"{file}: must be a mapping of assumptions", "as below `assume:` in a scenario")
    return dict(document.data)


def _listed(found: object) -> list[object]:
    return list(found) if isinstance(found, list) else []


def _pair(option: str, text: str) -> tuple[str, object]:
    """``entity=value``; ids may hold equals signs, values cannot."""
    name, equals, value = text.rpartition("=")
    if not equals:
        raise Failed(f"{option} {text}: must be ENTITY=VALUE", "for example --degraded db=500, --slow db=5s")
    return name, int(value) if value.isascii() and value.isdecimal() and option == "--degraded" else value


def _window(text: str) -> dict[str, object]:
    name, value = _pair("--maintenance", text)
    length, _, start = str(value).partition("@")
    window: dict[str, object] = {"entity": name, "for": length}
    return window | ({"after": start} if start else {})


def _option(place: tuple[str | int, ...]) -> str:
    words = [str(part) for part in place if isinstance(part, str) and part not in ("assume", "entity")]
    return " ".join([f"--{words[0]}", *words[1:]]) if words else "the question"


def _near(name: str, topology: Topology) -> str:
    near = get_close_matches(name, topology.entities, n=3)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _answer(question: QuestionForm, topology: Topology, rules: RuleSet) -> WhatIf:
    moments = sorted({1000 * at for at in question.at})
    return ask_whatif(topology, rules, question.assume.assumptions(), moments)


# -------------------------------------------------------------------------------------------------- as a scenario


def _expected(moment: MomentOf) -> dict[str, object]:
    """What the answer says at one moment, as an expectation."""
    states: dict[str, object] = {}
    for hit in moment.items:
        if (hit.after or 0) > moment.at:
            continue  # still to come
        if hit.low < UP:
            states[hit.entity] = hit.low
        elif hit.at_risk:
            states[hit.entity] = "at_risk"
    expected: dict[str, object] = {"at": f"{round(moment.at)}s", "entities": dict(list(states.items())[:MOST])}
    if len(states) <= MOST:
        expected["others"] = "untouched"
    expected["severity"] = moment.severity.level
    users = moment.harm.users
    if users.high is not None:
        expected["users"] = {"low": users.low, "high": users.high}
    return expected


def _times(answer: WhatIf) -> dict[str, object]:
    """When those fall that do so later."""
    found: dict[str, object] = {}
    for hit in answer.moments[0].items:
        later = {"hit": hit.degraded, "down": hit.down}
        if any(seconds for seconds in later.values()) and len(found) < MOST:
            found[hit.entity] = {word: f"{round(at)}s" for word, at in later.items() if at is not None}
    return found


# ------------------------------------------------------------------------------------------------------- in words


def in_words(answer: WhatIf) -> str:
    """The question, who waits, and each moment."""
    lines = ["If " + ", ".join(f"{one.entity} is {one.why}" for one in answer.assumed) + ":"] if answer.assumed else []
    lines += [f"{one.entity} answers {duration(one.delay)} later{_whom(one.waits_for)}" for one in answer.waiting]
    for moment in answer.moments:
        lines += ["", *_moment(moment)]
    lines += ["", f"topology and catalogue {answer.versions.topology}, rules {answer.versions.rules}"]
    return "\n".join(lines).strip("\n")


def _whom(name: str) -> str:
    return f", waiting for {name}" if name else ""


def _moment(moment: MomentOf) -> list[str]:
    harm, severity = moment.harm, moment.severity
    when = f"After {duration(moment.at)}" if moment.at else "At the onset"
    lines = [f"{when}: {severity.level}, {harm.down} down, {harm.degraded} degraded, {harm.at_risk} at risk"]
    decided = [str(rule["id"]) for rule in severity.fired if rule["level"] == severity.level]
    lines.append(f"  users: {_users(moment)}; {severity.level} by {', '.join(decided) or 'no rule'}")
    if business := (*harm.business_services, *harm.business_processes):
        lines.append(f"  business: {', '.join(business)}")
    if moment.obligations:
        lines.append(f"  obligations: {', '.join(moment.obligations)}")
    if moment.worse_together:
        lines.append(f"  worse because all of it comes together: {', '.join(moment.worse_together)}")
    lines += [f"  margin lost: {one.consumer}: {one.words}" for one in moment.margins]
    lines += assumptions_in_words(harm.assumptions)
    for hit in moment.items[:LISTED]:
        lines += hit_in_words(hit, moment.at)
    if moment.total > LISTED:
        lines.append(f"  and {moment.total - LISTED} more (--json lists all)")
    return lines


def _users(moment: MomentOf) -> str:
    users = moment.harm.users
    if users.high is None:
        silent = "does not say" if users.missing_total == 1 else "do not say"
        return f"at least {users.low} ({users.missing_total} of those hit {silent})"
    return str(users.low) if users.low == users.high else f"{users.low} to {users.high}"
