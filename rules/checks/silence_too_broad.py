"""A silence or an exclusion that covers everything: nothing would ever be told again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.checks.bad_matcher import matchers
from rules.document import Document
from rules.errors import Flaw, Problem
from rules.matchers import Matcher

ID = "silence-too-broad"
STRANGE = "a-value-that-nobody-uses"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Silences and exclusions without entities whose every matcher accepts a value that nobody uses.

    So `alertname=~".+"` is too broad, and so is a single `severity!="critical"`.
    """
    for document in documents:
        for section in ("silences", "scope"):
            for place, item in document.items("gates", section):
                if item.get("match") and not item.get("entities") and _accepts_all(item["match"]):
                    message = f"covers every alert: {_shown(item['match'])}"
                    yield document.problem(
                        (*place, "match"), ID, message, "name what it is about: a label's value, or entities:"
                    )


def _accepts_all(match: object) -> bool:
    return all(matcher.accepts(STRANGE) for matcher in _matchers(match) or (Matcher("", "=", ""),))


def _matchers(match: object) -> tuple[Matcher, ...]:
    try:
        return matchers(match)
    except Flaw:
        return ()  # told by another check


def _shown(match: object) -> str:
    return ", ".join(str(matcher) for matcher in _matchers(match))
