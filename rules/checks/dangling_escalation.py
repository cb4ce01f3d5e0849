"""Escalation asks for a level that is not declared, or for a role that is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rules.document import Document, Place
from rules.errors import Problem
from rules.escalation import OWNERS
from rules.packs.escalation import DEFAULT

ID = "dangling-escalation"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Levels and roles that escalation names by words that do not exist."""
    levels, roles = _declared(documents)
    for document in documents:
        for section in ("rules", "unacknowledged"):
            for place, rule in document.items("escalation", section):
                level = rule.get("level")
                if isinstance(level, str) and level not in levels:
                    hint = _near(level, levels) or f"levels are {', '.join(levels)}"
                    yield document.problem((*place, "level"), ID, f"no escalation level {level!r}", hint)
                yield from _dangling(document, (*place, "reach"), rule.get("reach"), roles)
        section_ = document.value.get("escalation") if isinstance(document.value, dict) else None
        if isinstance(section_, dict):
            teams, sinks = section_.get("teams"), section_.get("sinks")
            for level, team in teams.items() if isinstance(teams, dict) else ():
                yield from _dangling(document, ("escalation", "teams", level), team, roles)
            for role in sinks if isinstance(sinks, dict) else ():
                if role not in roles:
                    yield _no_role(document, ("escalation", "sinks", role), role, roles)


def _dangling(document: Document, place: Place, named: object, roles: list[str]) -> Iterator[Problem]:
    for number, role in enumerate(named if isinstance(named, list) else ()):
        if isinstance(role, str) and role not in roles:
            yield _no_role(document, (*place, number), role, roles)


def _no_role(document: Document, place: Place, role: str, roles: list[str]) -> Problem:
    hint = _near(role, roles) or "declare it under escalation.roles, with the names of who fills it"
    return document.problem(place, ID, f"no role {role!r}", hint)


def _declared(documents: Sequence[Document]) -> tuple[list[str], list[str]]:
    """The levels in force, and all roles."""
    levels: list[str] = []
    roles = [*OWNERS, *(role for role, _ in DEFAULT.roles)]
    for document in documents:
        section = document.value.get("escalation") if isinstance(document.value, dict) else None
        if isinstance(section, dict):
            listed, named = section.get("levels"), section.get("roles")
            levels += [str(level) for level in listed] if isinstance(listed, list) else []
            roles += named if isinstance(named, dict) else []
    return levels or list(DEFAULT.levels), roles


def _near(word: str, known: list[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
