"""Which incident a trouble is: the identity of incidents while the partition of alerts changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Assignment(msgspec.Struct):
    """For every trouble the incident that goes on in it (None: a new one), and the incidents that were absorbed."""

    incident: list[str | None]
    split_from: list[str]
    merged: dict[str, int]


def assign(troubles: Sequence[Mapping[str, int]], age: Mapping[str, tuple[int, int, str]]) -> Assignment:
    """Match troubles (number of alerts by the incident they were in) with incidents.

    An incident goes on in the trouble that holds most of its alerts; where several go on in one trouble, the one that
    people were told about, then the oldest, keeps its id (``age``: smaller comes first) and the others are merged.

    >>> assign([{"a": 2}, {"b": 1}], {"a": (0, 1, "a"), "b": (0, 2, "b")})
    Assignment(incident=['a', 'b'], split_from=['', ''], merged={})
    """
    shares: dict[str, dict[int, int]] = {}
    for place, owners in enumerate(troubles):
        for incident, count in owners.items():
            if incident in age:
                shares.setdefault(incident, {})[place] = count
    claims: dict[int, list[str]] = {}
    for incident in sorted(shares, key=lambda i: age[i]):
        best = min(shares[incident], key=lambda place: (-shares[incident][place], place in claims, place))
        claims.setdefault(best, []).append(incident)
    result: list[str | None] = []
    split_from: list[str] = []
    for place, owners in enumerate(troubles):
        kept = claims.get(place, [])
        result.append(kept[0] if kept else None)
        origin = [incident for incident in owners if incident in age]
        split_from.append("" if kept or not origin else min(origin, key=lambda i: (-owners[i], i)))
    merged = {incident: place for place, kept in claims.items() for incident in kept[1:]}
    return Assignment(result, split_from, merged)
