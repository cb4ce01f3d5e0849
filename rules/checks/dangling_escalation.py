"""An escalation rule asks for a level that is not declared, or for a role that nobody fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rules.document import Document
from rules.errors import Problem
from rules.escalation import OWNERS
from rules.packs.escalation import DEFAULT

ID = "dangling-escalation"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Levels and roles that escalation rules name by words that do not exist."""
    levels, roles = _declared(documents)
    for document in documents:
        for place, rule in document.items("escalation", "rules"):
            level, reach = rule.get("level"), rule.get("reach")
            if isinstance(level, str) and level not in levels:
                hint = _near(level, levels) or f"levels are {', '.join(levels)}"
                yield document.problem((*place, "level"), ID, f"no escalation level {level!r}", hint)
            for number, role in enumerate(reach if isinstance(reach, list) else ()):
                if isinstance(role, str) and role not in roles:
                    hint = _near(role, roles) or "declare it under escalation.roles, with the names of who fills it"
                    yield document.problem((*place, "reach", number), ID, f"no role {role!r}", hint)


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
