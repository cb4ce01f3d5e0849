"""A rule is referred to by an id that does not exist: a mode for it, or leaving it out, would do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rules.checks.duplicate_id import GATES, ids
from rules.document import Document, Place
from rules.errors import Problem
from rules.gates import CATALOGUE
from rules.packs import escalation, severity
from rules.ruleset import EVERY_RULE, INFERENCES

ID = "dangling-rule"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Modes of unknown rules, and unknown built-in rules that `without` leaves out of a section."""
    gates = {id for _, _, id in ids(documents, GATES)} | {EVERY_RULE, CATALOGUE} | INFERENCES
    builtin = {
        "modes": gates,
        "severity": {rule.id for rule in severity.DEFAULT.rules},
        "escalation": {rule.id for rule in escalation.DEFAULT.rules},
    }
    for document in documents:
        for place, id in _references(document):
            known = builtin[str(place[0])]
            if id not in known:
                near = get_close_matches(id, sorted(known), n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
                yield document.problem(place, ID, f"no rule {id!r}", hint)


def _references(document: Document) -> Iterator[tuple[Place, str]]:
    value = document.value if isinstance(document.value, dict) else {}
    modes = value.get("modes")
    for id in modes if isinstance(modes, dict) else ():
        yield ("modes", id), id
    for name in ("severity", "escalation"):
        section = value.get(name)
        without = section.get("without") if isinstance(section, dict) else None
        for number, id in enumerate(without if isinstance(without, list) else ()):
            if isinstance(id, str):
                yield (name, "without", number), id
