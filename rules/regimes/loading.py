"""The regimes that ship, and what an operator makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from rules.document import read
from rules.regimes.form import RegimeForm, RegimeSettings
from rules.regimes.model import Clock, Given, Regime, Value
from rules.regimes.view import View
from rules.ternary import Ternary

NO_INCIDENT: Mapping[str, Given] = {}


@cache
def shipped() -> tuple[Regime, ...]:
    """All regimes that come with Headwater, by id and by when they begin, also those that are not enabled."""
    folder = files("rules") / "packs" / "regimes"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    }
    forms = [RegimeForm.model_validate(read(name, texts[name]).value) for name in sorted(texts)]
    return tuple(sorted((form.build() for form in forms), key=lambda regime: (regime.id, regime.since)))


def declared(settings: Mapping[str, RegimeSettings], own: Sequence[RegimeForm]) -> tuple[Regime, ...]:
    """The regimes that these declarations put into force, each fitted to its operator.

    A regime that ships counts when ``settings`` name it and it is enabled there, or by itself; an operator's own when
    it is enabled.
    """
    named = [(regime, settings[regime.id]) for regime in shipped() if regime.id in settings]
    packs = [fit(_trusted(regime, said), said) for regime, said in named]
    added = [fit(form.build(), settings.get(form.id, RegimeSettings())) for form in own]
    return tuple(sorted((r for r in (*packs, *added) if r.enabled), key=lambda regime: (regime.id, regime.since)))


def accepts_unchecked(regime: Regime, settings: RegimeSettings) -> bool:
    """Whether an operator wants figures that were not checked: in so many words, or by enabling what ships disabled."""
    if settings.enabled is False or not (settings.enabled or regime.enabled):
        return False
    return settings.unchecked or not regime.enabled


def unchecked(regime: Regime) -> tuple[str, ...]:
    """The figures of a regime that were not checked against the text."""
    whole = [("classification", regime.classification.source)] if regime.classification else []
    criteria = [(f"criterion {criterion.id}", criterion.source) for criterion in regime.criteria]
    clocks = [(f"clock {clock.id}", clock.source) for clock in regime.clocks]
    return tuple(name for name, source in (*whole, *criteria, *clocks) if not source.checked)


def _trusted(regime: Regime, settings: RegimeSettings) -> Regime:
    """The regime without clocks that were not checked, unless the operator wants those."""
    if accepts_unchecked(regime, settings):
        return regime
    return msgspec.structs.replace(regime, clocks=tuple(clock for clock in regime.clocks if clock.source.checked))


def fit(regime: Regime, settings: RegimeSettings) -> Regime:
    """A regime as it applies to one operator: type of entity, facts that always hold, working days.

    Whether a deadline moves off weekends depends on the operator alone and is settled here; where the law's exception
    cannot be excluded, it does not move (the earlier deadline counts).
    """
    kinds = {fact.id: fact.kind for fact in regime.facts}
    given = {id: Given(value(kinds[id], text), by="operator") for id, text in settings.facts.items() if id in kinds}
    fitted = msgspec.structs.replace(
        regime,
        enabled=regime.enabled if settings.enabled is None else settings.enabled,
        entity=settings.entity_type or regime.entity,
        operator={**regime.operator, **given},
        calendar=settings.calendar.build() if settings.calendar else regime.calendar,
    )
    view = View(fitted, NO_INCIDENT)
    return msgspec.structs.replace(fitted, clocks=tuple(_fit_clock(view, clock) for clock in fitted.clocks))


def _fit_clock(view: View, clock: Clock) -> Clock:
    unless = clock.shift.unless if clock.shift else None
    if unless is None or view.answer(unless).value is Ternary.NO:
        return clock
    return msgspec.structs.replace(clock, shift=None)


def value(kind: str, text: str) -> Value:
    """A fact as an operator writes it. Raises `ValueError`."""
    if kind == "truth":
        if text not in ("true", "false"):
            raise ValueError(f"should be true or false, not {text!r}")
        return text == "true"
    number = float(text.replace("_", ""))
    return int(number) if number.is_integer() else number
