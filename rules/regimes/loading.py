"""The regimes that ship, and what an operator makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from rules.document import read
from rules.regimes.calendars import resolve
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
    packs = [regime for regime in shipped() if regime.id in settings]
    chosen = [*packs, *(form.build() for form in own)]
    fitted = [fit(regime, settings.get(regime.id, RegimeSettings())) for regime in chosen]
    return tuple(sorted((regime for regime in fitted if regime.enabled), key=lambda regime: (regime.id, regime.since)))


def fit(regime: Regime, settings: RegimeSettings) -> Regime:
    """A regime as it applies to one operator: type of entity, facts that always hold, working days.

    Whether a deadline moves off weekends depends on the operator alone and is settled here; where the law's exception
    cannot be excluded, it does not move (the earlier deadline counts).
    """
    place = settings.calendar
    facts = {fact.id: fact.kind for fact in regime.facts}
    given = {id: Given(value(facts[id], text), by="operator") for id, text in settings.facts.items()}
    fitted = msgspec.structs.replace(
        regime,
        enabled=regime.enabled if settings.enabled is None else settings.enabled,
        entity=settings.entity_type or regime.entity,
        operator={**regime.operator, **given},
        calendar=resolve(place.zone, place.country or "", place.subdivision or "", place.days, place.without)
        if place
        else regime.calendar,
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
