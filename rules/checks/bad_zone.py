"""A time zone that the IANA database does not know."""

from __future__ import annotations

from difflib import get_close_matches

from rules.errors import Flaw
from rules.zones import names

ID = "bad-zone"


def zone_name(value: object) -> str:
    """The name itself. Raises `Flaw`."""
    if isinstance(value, str) and value in names():
        return value
    near = get_close_matches(str(value), sorted(names()), n=1)
    raise Flaw(
        ID, f"unknown time zone {value!r}", f"did you mean {near[0]}?" if near else "write it like Europe/Berlin"
    )
