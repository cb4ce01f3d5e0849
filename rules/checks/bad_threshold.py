"""A threshold whose clear line lies on the wrong side of it, or that asks for nothing."""

from __future__ import annotations

from rules.errors import Flaw
from rules.gates.threshold import Threshold

ID = "bad-threshold"


def consistent(threshold: Threshold) -> Threshold:
    """The threshold itself. Raises `Flaw`."""
    above, below = threshold.above, threshold.below
    if not threshold.wait and above is None and below is None:
        raise Flaw(ID, "the threshold asks for nothing", "add for:, above: or below:")
    _paired("clear_below", threshold.clear_below, "above", above, too_far=1)
    _paired("clear_above", threshold.clear_above, "below", below, too_far=-1)
    if above is not None and below is not None and above < below:
        raise Flaw(ID, f"every value is above {above:g} or below {below:g}", "exchange them")
    return threshold


def _paired(clear: str, line: float | None, name: str, limit: float | None, *, too_far: int) -> None:
    if line is None:
        return
    if limit is None:
        raise Flaw(ID, f"{clear} without {name}", f"add {name}:")
    if (line - limit) * too_far > 0:
        raise Flaw(ID, f"{clear} {line:g} lies beyond {name} {limit:g}", "an alert would clear while it counts")
