"""Two versions of one regime hold on the same day: an incident would be judged by both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from rules.checks.bad_regime import own, settings
from rules.document import Document
from rules.errors import Problem
from rules.regimes.loading import shipped
from rules.regimes.model import Regime

ID = "overlapping-regimes"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Own regimes that overlap an earlier one of the same id, or one that ships and has settings here."""
    named = {id for _, _, id, _ in settings(documents)}
    seen = [(regime, "the one that ships") for regime in shipped() if regime.id in named]
    for document, place, regime in own(documents):
        for other, where in seen:
            if other.id == regime.id and _overlap(other, regime):
                hint = f"also declared: {where}; set until:, or use another id"
                yield document.problem((*place, "since"), ID, f"regime {regime.id!r} overlaps itself", hint)
        seen.append((regime, f"{document.file}:{document.line(place)}"))


def _overlap(one: Regime, other: Regime) -> bool:
    return one.since < (other.until or date.max) and other.since < (one.until or date.max)
