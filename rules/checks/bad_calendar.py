"""A place whose public holidays are not known."""

from __future__ import annotations

from difflib import get_close_matches

from rules.errors import Flaw
from rules.regimes.calendars import countries

ID = "bad-calendar"


def place(country: str, subdivision: str) -> None:
    """Raises `Flaw` unless holidays are known for the country, and for its subdivision if one is given."""
    known = countries()
    if country and country not in known:
        raise Flaw(ID, f"no holidays known for country {country!r}", "write its two letters, or list its days")
    if subdivision and subdivision not in known.get(country, ()):
        near = get_close_matches(subdivision, known.get(country, ()), n=1)
        hint = f"did you mean {near[0]}?" if near else "leave it out, or list its days"
        raise Flaw(ID, f"no subdivision {subdivision!r} of country {country!r}", hint)
