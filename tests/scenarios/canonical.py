"""The canonical result of law 4: what must not depend on the order of arrival.

The partition of alert events into incidents, and each incident's cause, impact, severity, verdicts and counts. Ids,
revisions, times of deciding, and who was `opened` or `attached` are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tests.scenarios.drive import Driven

Canonical = dict[frozenset[int], dict[str, object]]


def canonical(driven: Driven, places: Mapping[str, int], noise: Collection[int] = ()) -> Canonical:
    """Members (the scenario's event numbers) -> what is said of them.

    ``places`` maps event ids to event numbers. Groups of nothing but noise are left out: whether a short alert ever
    got an incident of its own may depend on whether its end was already here.
    """
    groups: dict[str, set[int]] = {}
    verdicts: dict[str, set[tuple[str, str]]] = {}
    for event, number in places.items():
        incident = driven.incident_of(event)
        alert = driven.core.alert_view(driven.ledger[event].alert)
        groups.setdefault(incident, set()).add(number)
        verdicts.setdefault(incident, set()).add((alert.fingerprint, alert.verdict))
    views = {view.id: view for view in driven.incidents()}
    result: Canonical = {}
    for incident, members in groups.items():
        if members <= set(noise):
            continue
        said: dict[str, object] = {"verdicts": verdicts[incident]}
        if incident:
            view = views[incident]
            said |= {
                "cause": view.cause,
                "impact": {(hit.entity, hit.low, hit.high) for hit in view.impact},
                "impact_total": view.impact_total,
                "severity": view.severity.level,
                "state": view.state,
                "alerts": view.alerts,
                "events": view.events,
                "firing": view.firing,
                "confirmed": view.confirmed,
            }
        result[frozenset(members)] = said
    return result


def differences(one: Canonical, other: Canonical) -> list[str]:
    """What differs, in words; empty when equal."""
    found = [f"only in the first: {sorted(members)} {one[members]}" for members in one.keys() - other.keys()]
    found += [f"only in the second: {sorted(members)} {other[members]}" for members in other.keys() - one.keys()]
    for members in one.keys() & other.keys():
        for key in one[members].keys() | other[members].keys():
            if (a := one[members].get(key)) != (b := other[members].get(key)):
                found.append(f"{key} of the group of event {min(members)} ({len(members)} events): {a} / {b}")
    return found
