"""Which incident a trouble is: the identity of incidents while the partition of alerts changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec


class Assignment(msgspec.Struct):
    """For every trouble the incident that goes on in it (None: a new one), and the incidents that were absorbed."""

    incident: list[str | None]
    split_from: list[str]
    merged: dict[str, int]


def assign(
    troubles: Sequence[Sequence[int]], belongs: Mapping[int, str], age: Mapping[str, tuple[int, int, str]]
) -> Assignment:
    """Match troubles (lists of alerts) with incidents.

    An incident goes on in the trouble that holds most of its alerts; where several go on in one trouble, the one that
    people were told about, then the oldest, keeps its id (``age``: smaller comes first) and the others are merged.

    >>> assign([[1, 2], [3]], {1: "a", 2: "b", 3: "b"}, {"a": (0, 1, "a"), "b": (0, 2, "b")})
    Assignment(incident=['a', 'b'], split_from=['', ''], merged={})
    """
    shares: dict[str, Counter[int]] = {}
    for place, alerts in enumerate(troubles):
        for alert in alerts:
            if alert in belongs:
                shares.setdefault(belongs[alert], Counter())[place] += 1
    claims: dict[int, list[str]] = {}
    for incident in sorted(shares, key=lambda i: age[i]):
        best = min(shares[incident], key=lambda place: (-shares[incident][place], place in claims, place))
        claims.setdefault(best, []).append(incident)
    result: list[str | None] = []
    split_from: list[str] = []
    for place, alerts in enumerate(troubles):
        owners = claims.get(place, [])
        result.append(owners[0] if owners else None)
        origin = Counter(belongs[a] for a in alerts if a in belongs)
        split_from.append("" if owners or not origin else min(origin, key=lambda i: (-origin[i], i)))
    merged = {incident: place for place, owners in claims.items() for incident in owners[1:]}
    return Assignment(result, split_from, merged)
