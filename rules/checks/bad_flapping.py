"""Thresholds of flapping between which no alert could calm down, or that no alert could reach."""

from __future__ import annotations

from rules.errors import Flaw
from rules.flapping import Flapping

ID = "bad-flapping"
MOST = {"nagios": 100.0, "icinga": 99.0}
"""The share when every state differs from the one before."""


def consistent(flapping: Flapping) -> Flapping:
    """The parameters themselves. Raises `Flaw`."""
    if flapping.low >= flapping.high:
        hint = "an alert begins to flap at high and ends at low"
        raise Flaw(ID, f"low {flapping.low:g} is not below high {flapping.high:g}", hint)
    most = MOST[flapping.method]
    if flapping.high > most or (flapping.method == "icinga" and flapping.high == most):
        raise Flaw(ID, f"no alert ever reaches high {flapping.high:g}", f"{flapping.method} weighs at most {most:g} %")
    return flapping
