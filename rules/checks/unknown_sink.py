"""A rule names a sink that the settings do not declare: what is meant for it reaches nobody there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from rules.document import Document, Place
from rules.errors import Problem
from rules.routing import RECORD

ID = "unknown-sink"


def find(documents: Sequence[Document], declared: Collection[str]) -> Iterator[Problem]:
    """Names of sinks in routes, rules of tickets and roles, that are none of those declared (a warning)."""
    known = sorted({*declared, RECORD})
    for document in documents:
        for place, name in _named(document):
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"declared under sinks: {', '.join(known)}"
                yield document.problem(place, ID, f"no sink {name!r} is declared in the settings", hint, warning=True)


def _named(document: Document) -> Iterator[tuple[Place, str]]:
    for section in (("routes",), ("tickets", "rules")):
        for place, rule in document.items(*section):
            yield from _names((*place, "sinks"), rule.get("sinks"))
    escalation = document.value.get("escalation") if isinstance(document.value, dict) else None
    roles = escalation.get("sinks") if isinstance(escalation, dict) else None
    for role, names in roles.items() if isinstance(roles, dict) else ():
        yield from _names(("escalation", "sinks", role), names)


def _names(place: Place, names: object) -> Iterator[tuple[Place, str]]:
    for number, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            yield (*place, number), name
