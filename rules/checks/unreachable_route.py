"""A route behind one that takes everything it could take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.checks.bad_matcher import matchers
from rules.document import Document
from rules.errors import Flaw, Problem
from rules.matchers import Matcher
from rules.routing import AUDIENCES

ID = "unreachable-route"
Taken = tuple[frozenset[Matcher], frozenset[str], str]
"""What a route without ``continue`` takes: matchers, audiences, and where it stands."""


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Routes all of whose audiences were decided before, by routes that ask for the same or for less (a warning)."""
    before: list[Taken] = []
    for document in documents:
        for place, route in document.items("routes"):
            asked, audiences = _asked(route.get("match")), _audiences(route.get("audiences"))
            if asked is None:
                continue  # told by another check
            takers = [taken for taken in before if taken[0] <= asked]
            if audiences and audiences <= frozenset().union(*(taken[1] for taken in takers)):
                hint = f"{takers[0][2]} comes first; move this one up, or give that one continue: true"
                yield document.problem(place, ID, f"route {route.get('id', '')!r} is never reached", hint, warning=True)
            if route.get("continue") != "true":
                before.append((asked, audiences, f"{document.file}:{document.line(place)}"))


def _asked(match: object) -> frozenset[Matcher] | None:
    try:
        return frozenset(matchers(match)) if match else frozenset()
    except Flaw:
        return None


def _audiences(names: object) -> frozenset[str]:
    named = frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()
    return named or frozenset(AUDIENCES)
