"""The canonical result of law 4: what must not depend on the order of arrival.

The partition of alert events into incidents, and each incident's cause, impact, severity, verdicts and counts. Ids,
revisions, times of deciding, and who was `opened` or `attached` are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

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
        alert = driven.alerts[driven.ledger[event].alert]
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


def differences(one: Canonical, other: Canonical, name: Callable[[int], str] = str) -> list[str]:
    """What differs, in words; empty when equal. ``name`` says what an event number stands for."""
    found = []
    for members in sorted(one.keys() | other.keys(), key=min):
        if members in one and members in other:
            found += [
                f"{key} of the group of {name(min(members))} and {len(members) - 1} more: {_brief(a)} / {_brief(b)}"
                for key in one[members].keys() | other[members].keys()
                if (a := one[members].get(key)) != (b := other[members].get(key))
            ]
        elif members in one:
            nearest = max(other, key=lambda group: (len(group & members), -min(group)), default=frozenset[int]())
            gone, come = _names(members - nearest, name), _names(nearest - members, name)
            causes = f"{one[members].get('cause')} / {other.get(nearest, {}).get('cause')}"
            found.append(f"group with cause {causes}: only in the first {gone}, only in the second {come}")
    if not found and one != other:
        found.append(f"groups only in the second: {[_names(group, name) for group in other.keys() - one.keys()]}")
    return found


def _names(numbers: Collection[int], name: Callable[[int], str]) -> str:
    return "{" + ", ".join(sorted({name(number) for number in numbers})) + "}"


def _brief(value: object) -> str:
    text = str(sorted(value) if isinstance(value, set) else value)
    return text if len(text) < 160 else f"{text[:160]}…"
