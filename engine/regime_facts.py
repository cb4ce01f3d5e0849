"""What the engine itself knows of the facts that regimes ask for: the worst that was seen so far, as bounds.

A regime asks what an incident "has affected", so what once held stays: lower bounds never fall while the incident
keeps its alerts. Upper bounds are those of the catalogue in force. What the engine cannot know (a judgement, a number
that no catalogue has) is not here and stays unknown. docs/regimes.md lists the facts and where each comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.cases import Observed, Stretch
from engine.lifecycle import OPEN
from engine.outcomes import HarmView
from engine.signals import Millis
from engine.state import Incident
from rules.regimes.model import AtLeast, Compare, Condition, Given, Interval, Not, Regime
from rules.regimes.values import wrong
from rules.severity import SeverityFacts
from topology.impact import Impact
from topology.model import Entity, Kind

ENGINE = "engine"
UP = 1000
SECOND: Millis = 1000
BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})
Rows = Sequence[tuple[Impact, Entity | None]]
Bounds = tuple[int, int | None]

LASTING: Mapping[str, tuple[str, int]] = {
    "duration_s": ("duration", 1),
    "downtime_s": ("downtime", 1),
    "unavailable_s": ("unavailable", 1),
    "limited_s": ("limited", 1),
    "covered_service_hours": ("limited", 3600),
}
"""Fact -> what lasts, and how many seconds one of its units has."""


def observe(incident: Incident, rows: Rows, harm: HarmView, facts: SeverityFacts, topology: str) -> None:
    """Take in what an incident hits now. ``facts.at`` is until when it lasts."""
    seen = incident.observed
    fresh = seen.topology != topology
    seen.topology, seen.sure = topology, not (harm.unmapped or facts.entities_uncertain)
    hit = bool(rows) and any(impact.low < UP for impact, _ in rows)
    _truth(seen, "critical_function", _critical(facts, seen))
    if hit:
        users = (harm.users.low, harm.users.high)
        for fact in ("clients_affected", "users_affected"):
            _number(seen, fact, users, fresh, estimated=harm.users.estimated)
        most = (0, harm.users.high)
        for fact in ("unavailable_users", "limited_users"):
            _number(seen, fact, most, fresh, estimated=True)
        _number(seen, "member_states", (harm.member_states, None), fresh, estimated=True)
    if harm.exposure:
        losses = [one.loss_high for one in harm.exposure]
        most_lost = None if None in losses else max(loss for loss in losses if loss is not None)
        _number(seen, "data_loss_s", (max(one.loss_low for one in harm.exposure), most_lost), fresh)
    certain = [(i, e) for i, e in rows if e is not None and i.high < UP]
    business = [(i, e) for i, e in certain if e.kind in BUSINESS]
    firing, at = incident.firing > 0, facts.at
    _lasts(seen, "downtime", (i.at for i, e in certain if e.continuity.critical), firing, at)
    _lasts(seen, "unavailable", (i.at for i, _ in business if i.high == 0), firing, at)
    _lasts(seen, "limited", (i.at for i, _ in business), firing, at)


def own_facts(incident: Incident, regime: Regime, now: Millis) -> dict[str, Given]:
    """What the engine can say of the facts of a regime; those that the operator has declared are left to them."""
    seen = incident.observed
    asked = {fact.id: fact for fact in regime.facts if fact.id not in regime.operator}
    found = {id: given for id, given in seen.known.items() if id in asked}
    found |= {id: given for id in LASTING if id in asked and (given := _lasted(incident, id, now)) is not None}
    return {id: given for id, given in found.items() if not wrong(asked[id], given.value)}


def quantised(regime: Regime, facts: Mapping[str, Given]) -> dict[str, Given]:
    """The facts with durations that still run cut down to the last threshold they have passed: equal as long as no
    answer can have changed."""
    limits = _limits(regime)
    found = dict(facts)
    for id in LASTING:
        given = facts.get(id)
        if given is None or given.by != ENGINE or not isinstance(given.value, Interval):
            continue
        low = given.value.low or 0
        passed = sum((low > limit) + (low >= limit) for limit in limits.get(id, ()))
        found[id] = Given(Interval(passed, given.value.high), given.estimated, given.by)
    return found


def next_threshold(incident: Incident, regime: Regime, given: Iterable[str], now: Millis) -> Millis | None:
    """When, by lapse of time alone, a duration next passes a threshold of the regime; ``given`` are facts that somebody
    else has given. To the second."""
    if not incident.firing or incident.state not in OPEN:
        return None
    moments = []
    for id, limits in _limits(regime).items():
        start = _start(incident, LASTING[id][0]) if id in LASTING and id not in given else None
        if start is not None:
            whole = [int(limit * LASTING[id][1]) for limit in limits]
            moments += [start + (limit + more) * SECOND for limit in whole for more in (0, 1)]
    return min((at for at in moments if at > now), default=None)


def add(mine: Observed, other: Observed) -> None:
    """What was seen of an incident that has become part of this one."""
    for id, theirs in other.known.items():
        ours = mine.known.get(id)
        if isinstance(theirs.value, bool):
            _truth(mine, id, theirs.value or (ours is not None and ours.value is True))
        elif isinstance(theirs.value, Interval):
            low, high = theirs.value.low, theirs.value.high
            bounds = (int(low or 0), None if high is None else int(high))
            _number(mine, id, bounds, False, estimated=theirs.estimated)
    for what, stretch in other.lasting.items():
        kept = mine.lasting.setdefault(what, Stretch())
        if stretch.since is not None and (kept.since is None or stretch.since < kept.since):
            kept.since = stretch.since
        if stretch.total > kept.total:
            kept.total, kept.ended = stretch.total, max(kept.ended, stretch.ended)
    mine.sure = mine.sure and other.sure


def _critical(facts: SeverityFacts, seen: Observed) -> bool | None:
    if facts.critical:
        return True
    return None if facts.critical_open or not seen.sure else False


def _truth(seen: Observed, id: str, value: bool | None) -> None:
    """Once true it has been so; what was not known to be false may have been true."""
    before = seen.known.get(id)
    if before is not None and before.value is True:
        return
    if value is None:
        seen.known.pop(id, None)
    else:
        seen.known[id] = Given(value, by=ENGINE)


def _number(seen: Observed, id: str, bounds: Bounds, fresh: bool, *, estimated: bool = False) -> None:
    """The bounds of the worst so far; with another catalogue (``fresh``) the upper one begins anew."""
    low, high = bounds
    before = seen.known.get(id)
    if before is not None and isinstance(before.value, Interval):
        low = max(low, int(before.value.low or 0))
        estimated = estimated or before.estimated
        if not fresh:
            old = before.value.high
            high = None if high is None or old is None else max(high, int(old))
    seen.known[id] = Given(Interval(low, None if high is None else max(low, high)), estimated, ENGINE)


def _lasts(seen: Observed, what: str, starts: Iterable[Millis], firing: bool, at: Millis) -> None:
    stretch = seen.lasting.setdefault(what, Stretch())
    since = min(starts, default=None)
    if since is not None:
        since = max(since, stretch.ended)
        stretch.since = since if stretch.since is None else min(stretch.since, since)
    if stretch.since is not None and (since is None or not firing):
        stretch.total += max(0, at - stretch.since)
        stretch.since, stretch.ended = None, max(at, stretch.ended)


def _start(incident: Incident, what: str) -> Millis | None:
    """The moment from which a running duration would have had to run to be as long as it is; None: it does not run."""
    if what == "duration":
        return incident.onset
    stretch = incident.observed.lasting.get(what)
    return None if stretch is None or stretch.since is None else stretch.since - stretch.total


def _lasted(incident: Incident, id: str, now: Millis) -> Given | None:
    """How long so far; exact once the incident is over and all that it hit is known."""
    what, unit = LASTING[id]
    over = incident.state not in OPEN
    until = now if incident.quiet is None else min(now, incident.quiet)
    if over and incident.quiet is None and incident.resolved_at is not None:
        until = incident.resolved_at
    start = _start(incident, what)
    stretch = incident.observed.lasting.get(what, Stretch())
    spent = stretch.total if start is None else max(0, until - start)
    low: int | float = spent // SECOND if unit == 1 else spent // SECOND / unit
    exact = over and (what == "duration" or (incident.observed.sure and _known(incident, what)))
    if exact and what == "duration" and incident.began is not None:  # the first sign is evidence, no statement
        return Given(Interval(low, max(0, until - incident.began.at) // SECOND), by=ENGINE)
    return Given(low if exact else Interval(low, None), by=ENGINE)


def _known(incident: Incident, what: str) -> bool:
    """Whether nothing else could have been meant: which services are critical is known."""
    return what != "downtime" or "critical_function" in incident.observed.known


def _limits(regime: Regime) -> dict[str, list[float]]:
    """Fact -> the numbers that it is compared with."""
    found: dict[str, list[float]] = {}
    conditions = [criterion.when for criterion in regime.criteria]
    conditions += [clock.when for clock in regime.clocks if clock.when is not None]
    conditions += [regime.classification.when] if regime.classification else []
    for condition in conditions:
        _collect(condition, found)
    return found


def _collect(condition: Condition, found: dict[str, list[float]]) -> None:
    match condition:
        case Compare(fact, _, than):
            found.setdefault(fact, []).append(than)
        case Not(of):
            _collect(of, found)
        case AtLeast(_, of):
            for part in of:
                _collect(part, found)
        case _:
            pass
