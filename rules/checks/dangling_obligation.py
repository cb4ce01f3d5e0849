"""A route waits for an obligation that nobody declares: it would never be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rules.checks.bad_matcher import matchers
from rules.checks.duplicate_id import ids
from rules.document import Document
from rules.errors import Flaw, Problem

ID = "dangling-obligation"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Routes that name an obligation by an id that no file declares."""
    declared = {id for _, _, id in ids(documents, (("obligations",),))}
    for document in documents:
        for place, route in document.items("routes"):
            for wanted in _wanted(route.get("match")):
                if wanted not in declared:
                    near = get_close_matches(wanted, sorted(declared), n=1)
                    hint = f"did you mean {near[0]!r}?" if near else "declare it under obligations:"
                    yield document.problem((*place, "match"), ID, f"no obligation {wanted!r}", hint)


def _wanted(match: object) -> list[str]:
    """The obligations that are named, not those that a pattern describes."""
    try:
        found = matchers(match) if match is not None else ()
    except Flaw:
        return []  # told by another check
    return [matcher.value for matcher in found if matcher.label == "obligation" and matcher.op in ("=", "!=")]
