"""Business units that each want to be first on a provider they share, and no agreement that all of them are part of."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "priority-conflict"


def find(case: Case) -> Iterator[Finding]:
    """One per shared provider: the same first priority, or RTOs against the order of an agreement without all units."""
    for found in case.shared:
        if found.signed:
            continue
        rivals, inverted = found.rivals(), found.inverted()
        if not rivals and not inverted:
            continue
        name = case.names[found.provider]
        units = rivals or list(inverted or ())
        if rivals:
            what = f"{' and '.join(units)} each want {name} back first"
        else:
            what = f"{units[1]} needs {name} sooner than {units[0]}, which is served before it"
        if found.agreement is None:
            lack = "nobody has agreed on an order"
        elif found.missing:
            lack = f"the agreement leaves out {', '.join(found.missing)}"
        else:
            lack = "nobody has signed the agreement"
        yield case.finding(
            ID,
            Level.ERROR,
            [found.provider, *found.services(units)],
            f"{what}, and {lack}; their owners have to settle it",
            chain=[found.provider],
        )
