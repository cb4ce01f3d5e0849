"""A rule that can never decide: whenever it fires, another one fires that asks for a worse level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rules.checks.bad_duration import milliseconds
from rules.document import Document, Place
from rules.errors import Flaw, Problem
from rules.packs.severity import DEFAULT
from rules.severity.amounts import DURATIONS
from rules.severity.conditions import conditions
from rules.severity.levels import LEVELS
from rules.severity.policy import When
from rules.words import RANK

ID = "never-decides"


class _Rule(NamedTuple):
    """A rule's level, and the least amounts of harm that it asks for."""

    id: str
    level: str
    asks: Mapping[str, int]
    document: Document | None = None
    place: Place = ()


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Severity rules in the shadow of a stricter one (a warning)."""
    declared = list(_declared(documents))
    taken = {rule.id for rule in declared} | _without(documents)
    built_in = [_Rule(rule.id, rule.level, dict(conditions(rule.when))) for rule in DEFAULT.rules]
    others = [*declared, *(rule for rule in built_in if rule.id not in taken)]
    for rule in declared:
        stricter = next((other for other in others if _covers(other, rule)), None)
        if stricter is not None and rule.document is not None:
            message = f"{rule.id} never decides: whenever it fires, {stricter.id} asks for {stricter.level}"
            hint = f"ask for worse than {rule.level}, or leave the rule out"
            yield rule.document.problem((*rule.place, "level"), ID, message, hint, warning=True)


def _covers(other: _Rule, rule: _Rule) -> bool:
    """Does the other one fire whenever this one does, and ask for a worse level?"""
    return other.level < rule.level and all(
        fact in rule.asks and rule.asks[fact] >= least for fact, least in other.asks.items()
    )


def _declared(documents: Sequence[Document]) -> Iterator[_Rule]:
    for document in documents:
        for place, item in document.items("severity", "rules"):
            id, level, when = item.get("id"), item.get("level"), item.get("when")
            if isinstance(id, str) and level in LEVELS and isinstance(when, dict):
                asks = {fact: _amount(fact, text) for fact, text in when.items() if text != "false"}
                if None not in asks.values():
                    yield _Rule(id, level, {k: v for k, v in asks.items() if v is not None}, document, place)


def _amount(fact: str, text: object) -> int | None:
    """The least amount of harm; None where the condition is wrong, which another check tells."""
    if not isinstance(text, str) or fact not in When.__struct_fields__:
        return None
    try:
        if fact in DURATIONS:
            return milliseconds(text)
        if fact == "word":
            return RANK[text]
        if text == "true":
            return 1
        return -int(text) if fact == "tier" else int(text)
    except (Flaw, ValueError, KeyError):
        return None


def _without(documents: Sequence[Document]) -> set[str]:
    found: set[str] = set()
    for document in documents:
        part = document.value.get("severity") if isinstance(document.value, dict) else None
        listed = part.get("without") if isinstance(part, dict) else None
        found |= {id for id in listed if isinstance(id, str)} if isinstance(listed, list) else set()
    return found
