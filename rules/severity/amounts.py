"""The facts as bounds of harm, which conditions are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from rules.severity.dimensions import Dimensions
from rules.severity.facts import Bounds, SeverityFacts
from rules.ternary import Ternary
from rules.words import RANK

Known = Mapping[str, Bounds]
"""Fact -> amount of harm. A tier is negated, so that more is always worse."""

UNKNOWN: Bounds = (0, None)
LEAST_CRITICAL = 1_000_000
"""A tier beyond all that are declared."""
MEMBER_STATES = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""Members of the European Union since 2020-02-01, ISO 3166-1 alpha-2."""
DURATIONS: Mapping[str, str] = {
    "lasting": "since",
    "down_for": "down_since",
    "business_down_for": "business_down_since",
    "critical_down_for": "critical_down_since",
}
"""Condition -> the instant from which it counts."""


def known(facts: SeverityFacts, answers: Dimensions) -> dict[str, Bounds]:
    """Every fact as bounds of harm."""
    down, affected = facts.entities_down, facts.entities_down + facts.entities_degraded
    more = facts.entities_uncertain
    states = sum(region in MEMBER_STATES for region in facts.regions)
    return {
        "users": facts.users or UNKNOWN,
        "share": share_of(facts.users or UNKNOWN, facts.users_total or UNKNOWN),
        "tier": _tier(facts),
        "business": _upto(len(facts.business), more),
        "regions": _counted(len(facts.regions), facts.regions_open),
        "member_states": _counted(states, facts.regions_open),
        "critical": _counted(len(facts.critical), facts.critical_open),
        "transactions": facts.transactions or UNKNOWN,
        "value": facts.value or UNKNOWN,
        "down": _upto(down, more),
        "affected": _upto(affected, more),
        "at_risk": _upto(affected + facts.entities_at_risk, more),
        "going_down": _upto(down + facts.later_down, more),
        "stores_down": UNKNOWN if facts.data_stores_down is None else _upto(facts.data_stores_down, more),
        "word": _exactly(RANK[facts.worst_word]),
        "user_impact": truth(answers.user_impact),
        "data_loss": truth(answers.data_loss),
        "regulatory": truth(answers.regulatory),
        "rto_breach": truth(Ternary.of(facts.rto_breach)),
        "security": _exactly(int(facts.security)),
        "lost_heartbeat": _exactly(int(facts.lost_heartbeat)),
        "severity": UNKNOWN,
        **{fact: _lasted(facts, start) for fact, start in DURATIONS.items()},
    }


def truth(answer: Ternary) -> Bounds:
    """0 for no, 1 for yes, between them when it cannot be excluded."""
    return (int(answer is Ternary.YES), int(answer is not Ternary.NO))


def _exactly(amount: int) -> Bounds:
    return amount, amount


def _upto(amount: int, more: int) -> Bounds:
    return amount, amount + more


def _tier(facts: SeverityFacts) -> Bounds:
    best = facts.tier if facts.tier_possible is None else facts.tier_possible
    low = -LEAST_CRITICAL if facts.tier is None else -facts.tier
    return low, 0 if best is None else max(low, -best)


def _counted(amount: int, more: bool) -> Bounds:
    return amount, None if more else amount


def share_of(users: Bounds, total: Bounds) -> Bounds:
    """Thousandths of all users; the fewest of the most, the most of the fewest."""
    low = users[0] * 1000 // total[1] if total[1] else 0
    high = None if users[1] is None or not total[0] else users[1] * 1000 // total[0]
    return min(low, 1000), None if high is None else max(min(low, 1000), min(high, 1000))


def _lasted(facts: SeverityFacts, start: str) -> Bounds:
    """How long so far. What may be a critical function may have been down as long as anything, and what may be down
    may have been so from the onset."""
    since = getattr(facts, start)
    low = high = 0 if since is None else max(0, facts.at - since)
    if start == "critical_down_since" and facts.critical_open and facts.down_since is not None:
        high = max(high, facts.at - facts.down_since)
    if facts.entities_uncertain and facts.since is not None:
        high = max(high, facts.at - facts.since)
    return low, high
