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
    affected = facts.entities_down + facts.entities_degraded
    states = sum(region in MEMBER_STATES for region in facts.regions)
    return {
        "users": facts.users or UNKNOWN,
        "share": _share(facts.users or UNKNOWN, facts.users_total or UNKNOWN),
        "tier": (-LEAST_CRITICAL, 0) if facts.tier is None else _exactly(-facts.tier),
        "business": _exactly(len(facts.business)),
        "regions": _counted(len(facts.regions), facts.regions_open),
        "member_states": _counted(states, facts.regions_open),
        "critical": _counted(len(facts.critical), facts.critical_open),
        "transactions": facts.transactions or UNKNOWN,
        "value": facts.value or UNKNOWN,
        "down": _exactly(facts.entities_down),
        "affected": _exactly(affected),
        "at_risk": _exactly(affected + facts.entities_at_risk),
        "going_down": _exactly(facts.entities_down + facts.later_down),
        "stores_down": UNKNOWN if facts.data_stores_down is None else _exactly(facts.data_stores_down),
        "word": _exactly(RANK[facts.worst_word]),
        "user_impact": truth(answers.user_impact),
        "data_loss": truth(answers.data_loss),
        "regulatory": truth(answers.regulatory),
        "rto_breach": truth(_breach(facts)),
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


def _counted(amount: int, more: bool) -> Bounds:
    return amount, None if more else amount


def _share(users: Bounds, total: Bounds) -> Bounds:
    """Thousandths of all users; the fewest of the most, the most of the fewest."""
    low = users[0] * 1000 // total[1] if total[1] else 0
    high = None if users[1] is None or not total[0] else users[1] * 1000 // total[0]
    return min(low, 1000), None if high is None else max(min(low, 1000), min(high, 1000))


def _lasted(facts: SeverityFacts, start: str) -> Bounds:
    """How long so far; what may be a critical function may have been down as long as anything."""
    since = getattr(facts, start)
    low = 0 if since is None else max(0, facts.at - since)
    if start == "critical_down_since" and facts.critical_open:
        return low, max(low, _lasted(facts, "down_since")[0])
    return low, low


def _breach(facts: SeverityFacts) -> Ternary:
    if facts.rto_breach_at is not None and facts.rto_breach_at <= facts.at:
        return Ternary.YES
    return Ternary.CANNOT_EXCLUDE if facts.rto_open else Ternary.NO
