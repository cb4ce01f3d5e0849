"""What two sides of a back-test differ in: incidents matched by their alert events, and everything counted twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import comb
from statistics import median

from api.backtest_schemas import (
    BackTest,
    Change,
    Example,
    LostCommand,
    Opening,
    Pair,
    Regrouped,
    RuleChange,
    Side,
    Silenced,
    Start,
    Unheard,
)
from api.backtest_side import KEPT_BACK, Placed, Seen, Watched
from engine.reasons import Disposition
from engine.signals import Millis

SHOWN = 50
"""Entries of a list."""
EXAMPLES = 5
IMPORTANT = 1
"""An incident that hits this tier or a better one is a fault."""
TICKET = frozenset({"open", "reopen"})


class _View:
    """One side, its alert events by the incident that they ended up in."""

    def __init__(self, side: Watched) -> None:
        self.side = side
        self.events: dict[str, list[str]] = defaultdict(list)
        self.home: dict[str, str] = {}
        for event, placed in side.placed.items():
            if placed.incident:
                home = self.home[event] = side.home(placed.incident)
                self.events[home].append(event)

    def told(self) -> list[Seen]:
        """The incidents that people heard of, oldest first."""
        found = (s for s in self.side.incidents.values() if s.mine and s.told_at is not None and not s.merged_into)
        return sorted(found, key=lambda seen: (seen.opened_at, seen.id))

    def hears(self, event: str) -> bool:
        """Does anybody hear of this alert event?"""
        seen = self.side.incidents.get(self.home.get(event, ""))
        return seen is not None and seen.told_at is not None

    def shown(self, seen: Seen) -> Side:
        """As the answer has it."""
        return Side(
            id=seen.id, opened_at=seen.opened_at / 1000,
            told_at=None if seen.told_at is None else seen.told_at / 1000, state=seen.state, severity=seen.severity,
            worst=seen.worst, fired=seen.fired, cause=seen.cause, abstained=seen.abstained,
            entities=seen.entities[:SHOWN], alerts=len(self.events.get(seen.id, ())), tier=seen.tier,
            people=tuple(seen.people),
        )  # fmt: skip


class _Match:
    """Which told incidents are one and the same: each one's partner is who shares most of its alert events, if that is
    mutual. Incidents without an alert event (a lost heartbeat) go by their entity."""

    def __init__(self, before: _View, after: _View) -> None:
        self.before, self.after = before, after
        old, new = ({seen.id: seen for seen in view.told()} for view in (before, after))
        self.old, self.new = old, new
        self.shared: dict[str, Counter[str]] = {name: _shared(before.events[name], after) for name in old}
        self.shared = {name: Counter({k: n for k, n in c.items() if k in new}) for name, c in self.shared.items()}
        self._by_entity(old, new)
        self.back: dict[str, Counter[str]] = defaultdict(Counter)
        for name, counts in self.shared.items():
            for other, count in counts.items():
                self.back[other][name] = count
        self.pairs = [
            (old[name], new[other])
            for name, counts in self.shared.items()
            if counts and (other := _most(counts)) and _most(self.back[other]) == name
        ]

    def _by_entity(self, old: Mapping[str, Seen], new: Mapping[str, Seen]) -> None:
        taken = {other for counts in self.shared.values() for other in counts}
        lone = {seen.entities: name for name, seen in new.items() if name not in taken and not self.after.events[name]}
        for name, seen in old.items():
            if not self.before.events[name] and seen.entities in lone:
                self.shared[name][lone.pop(seen.entities)] = 1

    def gone(self) -> list[Seen]:
        """Told before, and now no told incident has any of its alert events."""
        return [seen for name, seen in self.old.items() if not self.shared[name]]

    def appeared(self) -> list[Seen]:
        """Told now, of alert events that no told incident had."""
        return [seen for name, seen in self.new.items() if not self.back.get(name)]

    def merged(self) -> list[tuple[list[Seen], list[Seen]]]:
        """Several that are one now."""
        return [
            ([self.old[name] for name in sorted(names)], [self.new[other]])
            for other, names in self.back.items()
            if len(names) > 1
        ]

    def split(self) -> list[tuple[list[Seen], list[Seen]]]:
        """One that is several now."""
        return [
            ([self.old[name]], [self.new[other] for other in sorted(counts)])
            for name, counts in self.shared.items()
            if len(counts) > 1
        ]


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _shared(events: Iterable[str], other: _View) -> Counter[str]:
    return Counter(home for event in events if (home := other.home.get(event)))


def difference(
    before: Watched,
    after: Watched,
    start: Start,
    span: tuple[Millis, Millis],
    inputs: int,
    lost: Sequence[LostCommand],
    *,
    suppression: str,
    notes: tuple[str, ...],
) -> BackTest:
    """The answer."""
    old, new = _View(before), _View(after)
    match = _Match(old, new)
    severity = [_severity(match, a, b) for a, b in match.pairs if (a.severity, a.worst) != (b.severity, b.worst)]
    cause = [_cause(match, a, b) for a, b in match.pairs if a.cause != b.cause]
    timing = [(a, b, (b.told_at or 0) - (a.told_at or 0)) for a, b in match.pairs if a.told_at != b.told_at]
    unheard = [event for event in before.placed if old.hears(event) and not new.hears(event)]
    rules = _rules(before.placed, after.placed)
    silenced = _silenced(old, new)
    gone, appeared, merged, split = match.gone(), match.appeared(), match.merged(), match.split()
    counts = {
        "silenced": len(silenced), "gone": len(gone), "new": len(appeared), "merged": len(merged), "split": len(split),
        "severity": len(severity), "cause": len(cause), "timing": len(timing), "unheard": len(unheard),
        "suppressed": sum(r.added for r in rules if r.what == "suppressed"),
        "held": sum(r.added for r in rules if r.what == "held"),
        "promoted": sum(r.removed for r in rules), "commands": len(lost),
    }  # fmt: skip
    dispositions = {name: Pair(count, after.counts.get(name, 0)) for name, count in before.counts.items()}
    sent = Pair(*(sum(side.sent.values()) for side in (before, after)))
    equal = (
        not any(counts.values())
        and before.sent == after.sent
        and all(p.before == p.after for p in dispositions.values())
    )
    return BackTest(
        since=span[0] / 1000, until=span[1] / 1000, start=start, suppression=suppression, inputs=inputs,
        versions={
            "rules": (before.core.state.rules, after.core.state.rules),
            "topology": (before.core.state.topology, after.core.state.topology),
        },
        alert_events=before.counts["received"], equal=equal, counts=counts, agreement=_agreement(old, new),
        incidents=Pair(len(match.old), len(match.new)), dispositions=dispositions,
        pages=_told(before, after, "engineers"), tickets=_told(before, after, "tickets"), notifications=sent,
        opening=_opening([delta for _, _, delta in timing]), silenced=tuple(silenced[:SHOWN]),
        gone=tuple(old.shown(seen) for seen in gone[:SHOWN]), new=tuple(new.shown(seen) for seen in appeared[:SHOWN]),
        merged=_regrouped(match, merged), split=_regrouped(match, split),
        severity=tuple(severity[:SHOWN]), cause=tuple(cause[:SHOWN]),
        timing=tuple(_later(match, *row) for row in timing[:SHOWN]),
        unheard=Unheard(total=len(unheard), examples=tuple(_example(before, after, e) for e in unheard[:EXAMPLES])),
        rules=tuple(rules), commands=tuple(lost[:SHOWN]), notes=notes,
    )  # fmt: skip


def _told(before: Watched, after: Watched, audience: str) -> Pair:
    return Pair(*(sum(side.sent[audience, action] for action in sorted(TICKET)) for side in (before, after)))


def _regrouped(match: _Match, rows: Sequence[tuple[list[Seen], list[Seen]]]) -> tuple[Regrouped, ...]:
    return tuple(
        Regrouped(before=tuple(map(match.before.shown, a[:SHOWN])), after=tuple(map(match.after.shown, b[:SHOWN])))
        for a, b in rows[:SHOWN]
    )


def _change(match: _Match, before: Seen, after: Seen, why: str) -> Change:
    return Change(before=match.before.shown(before), after=match.after.shown(after), why=why)


def _severity(match: _Match, before: Seen, after: Seen) -> Change:
    more, less = sorted(set(after.fired) - set(before.fired)), sorted(set(before.fired) - set(after.fired))
    said = []
    if more:
        said.append(f"now fired: {', '.join(more)}")
    if less:
        said.append(f"no longer fired: {', '.join(less)}")
    return _change(match, before, after, "; ".join(said) or "the same rules give another level")


def _cause(match: _Match, before: Seen, after: Seen) -> Change:
    a, b = len(match.before.events[before.id]), len(match.after.events[after.id])
    common = match.shared[before.id][after.id]
    why = after.abstained if after.cause is None else before.abstained if before.cause is None else ""
    members = f"of {a} alert events before and {b} after, {common} are the same"
    return _change(match, before, after, "; ".join(filter(None, (why, members))))


def _later(match: _Match, before: Seen, after: Seen, delta: Millis) -> Change:
    return _change(match, before, after, f"told {abs(delta) / 1000:g} s {'later' if delta > 0 else 'sooner'}")


def _opening(deltas: list[Millis]) -> Opening:
    if not deltas:
        return Opening()
    return Opening(sooner=sum(d < 0 for d in deltas), later=sum(d > 0 for d in deltas), median=median(deltas) / 1000)


def _rules(before: Mapping[str, Placed], after: Mapping[str, Placed]) -> list[RuleChange]:
    """Per rule and disposition: what it keeps back now and did not, or did and does no longer."""
    sides = [defaultdict(set), defaultdict(set)]  # type: list[defaultdict[tuple[str, str], set[str]]]
    for kept, placed in zip(sides, (before, after), strict=True):
        for event, row in placed.items():
            for key in row.kept:
                kept[key].add(event)
    found = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        was, now = sides[0][key], sides[1][key]
        differing = sorted(was ^ now, key=_order)
        if differing:
            examples = tuple(_shown(before.get(event), after.get(event), event) for event in differing[:EXAMPLES])
            found.append(
                RuleChange(
                    rule=key[0], what=key[1], kept=Pair(len(was), len(now)), added=len(now - was),
                    removed=len(was - now), examples=examples,
                )
            )  # fmt: skip
    return found


def _order(event: str) -> tuple[int, int]:
    position, _, index = event.partition("-")
    return int(position), int(index)


def _example(before: Watched, after: Watched, event: str) -> Example:
    return _shown(before.placed.get(event), after.placed.get(event), event)


def _shown(before: Placed | None, after: Placed | None, event: str) -> Example:
    known = before or after
    assert known is not None  # noqa: S101 - one of the two sides has it
    said = [f"{one.disposition} ({one.reason})" if one else "not begun here" for one in (before, after)]
    return Example(event=event, name=known.name, entity=known.entity, at=known.at / 1000, before=said[0], after=said[1])


def _fault(seen: Seen) -> str:
    """Why an incident counts as a fault; empty when it does not."""
    if seen.dismissed:
        return ""
    if seen.people:
        return ", ".join(seen.people)
    if seen.tier is not None and seen.tier <= IMPORTANT:
        return f"it hit tier {seen.tier}"
    return ""


def _silenced(old: _View, new: _View) -> list[Silenced]:
    """Faults of which people heard, and of none of whose alerts they would."""
    found = []
    for seen in old.told():
        events = old.events.get(seen.id, ())
        if not events or not (fault := _fault(seen)) or any(new.hears(event) for event in events):
            continue
        rows = [row for event in events if (row := new.side.placed.get(event)) is not None]
        kept_back = all(row.disposition in KEPT_BACK or row.disposition is Disposition.RESOLVED for row in rows)
        found.append(
            Silenced(
                incident=old.shown(seen), fault=fault, how="kept_back" if kept_back else "not_told",
                dispositions=dict(Counter(row.disposition.value for row in rows)),
                rules=tuple(sorted({rule for row in rows for rule, _ in row.kept})),
            )
        )  # fmt: skip
    return found


def _agreement(old: _View, new: _View) -> float:
    """The adjusted Rand index of the two partitions of alert events into incidents (L. Hubert and P. Arabie, 1985); an
    event in no incident is alone."""
    events = sorted(old.side.placed.keys() | new.side.placed.keys(), key=_order)
    left = [old.home.get(event) or event for event in events]
    right = [new.home.get(event) or event for event in events]
    together = sum(comb(n, 2) for n in Counter(zip(left, right, strict=True)).values())
    a, b = (sum(comb(n, 2) for n in Counter(side).values()) for side in (left, right))
    pairs = comb(len(events), 2)
    expected = a * b / pairs if pairs else 0.0
    best = (a + b) / 2
    return 1.0 if best == expected else round((together - expected) / (best - expected), 6)
