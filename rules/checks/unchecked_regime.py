"""A regime counts whose figures nobody compared with the text of the law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from rules.checks.bad_regime import settings
from rules.document import Document
from rules.errors import Problem
from rules.regimes.form import RegimeSettings
from rules.regimes.loading import accepts_unchecked, shipped, unchecked

ID = "unchecked-regime"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Settings that put unchecked figures into force."""
    for document, place, id, raw in settings(documents):
        try:
            said = RegimeSettings.model_validate(raw)
        except ValidationError:
            continue
        for regime in shipped():
            if regime.id == id and accepts_unchecked(regime, said) and (figures := unchecked(regime)):
                message = f"not checked against the text of the law: {', '.join(figures)} of regime {id}"
                hint = "check them, and say so in a regime of your own"
                yield document.problem(place, ID, message, hint, warning=True)
