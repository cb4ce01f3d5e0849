"""A regime that contradicts itself, or settings for a regime, a type of entity or a fact that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from rules.document import Document, Place
from rules.errors import Problem
from rules.regimes.consistency import findings
from rules.regimes.form import RegimeForm, RegimeSettings
from rules.regimes.loading import shipped, value
from rules.regimes.model import Regime

ID = "bad-regime"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """What is wrong with declared regimes and with the settings of regimes."""
    named = {str(item.get("id")) for document in documents for _, item in document.items("regime_packs")}
    versions: dict[str, list[Regime]] = {}
    for document, place, regime in own(documents):
        versions.setdefault(regime.id, []).append(regime)
        for finding in findings(regime):
            yield document.problem((*place, *finding.place), ID, finding.message, finding.hint)
    first: dict[str, str] = {}
    for document, place, id, raw in settings(documents):
        here = f"{document.file}:{document.line(place)}"
        if id in first:
            yield document.problem(place, ID, f"regime {id!r} has settings already", f"first at {first[id]}")
        first.setdefault(id, here)
        known = [regime for regime in shipped() if regime.id == id] + versions.get(id, [])
        if known:
            yield from _settings(document, place, raw, known)
        elif id not in named:
            yield _unknown(document, place, id, {regime.id for regime in shipped()} | named, "regime", "regimes")


def own(documents: Sequence[Document]) -> Iterator[tuple[Document, Place, Regime]]:
    """The operator's own regimes that can be read; what cannot is told by the form."""
    for document in documents:
        for place, item in document.items("regime_packs"):
            try:
                yield document, place, RegimeForm.model_validate(item).build()
            except ValidationError:
                continue


def settings(documents: Sequence[Document]) -> Iterator[tuple[Document, Place, str, Any]]:
    """The settings of regimes by id, as written."""
    for document in documents:
        section = document.value.get("regimes") if isinstance(document.value, dict) else None
        for id, raw in section.items() if isinstance(section, Mapping) else ():
            yield document, ("regimes", id), id, raw


def _settings(document: Document, place: Place, raw: Any, known: Sequence[Regime]) -> Iterator[Problem]:
    try:
        said = RegimeSettings.model_validate(raw)
    except ValidationError:
        return  # told by the form
    types = {word for regime in known for word in regime.entity_types}
    for word in said.entity_type:
        if word not in types:
            yield _unknown(document, (*place, "entity_type"), word, types, "entity type", "types")
    if not said.entity_type and said.enabled is not False and any(_needs_type(regime) for regime in known):
        message = f"regime {known[0].id!r} asks different things of different entities"
        yield document.problem(place, ID, message, f"add entity_type: one of {', '.join(sorted(types))}")
    facts = {fact.id: fact for regime in known for fact in regime.facts}
    for id, text in said.facts.items():
        if id not in facts:
            yield _unknown(document, (*place, "facts", id), id, set(facts), "fact", "facts")
            continue
        try:
            value(facts[id].kind, text)
        except ValueError as error:
            yield document.problem((*place, "facts", id), ID, f"fact {id}: {error}")


def _needs_type(regime: Regime) -> bool:
    return not regime.entity and any(criterion.entity_types for criterion in regime.criteria)


def _unknown(document: Document, place: Place, id: str, known: set[str], what: str, many: str) -> Problem:
    near = get_close_matches(id, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known {many}: {', '.join(sorted(known)) or 'none'}"
    return document.problem(place, ID, f"no {what} {id!r}", hint)
