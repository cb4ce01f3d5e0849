"""What the alerting series itself says: the claim, not evidence. Its terms are marked so, and capped lower.

News is a level that the series' own history does not have. A series that moved in the direction that does no harm, that
was as bad before, or is not far from usual, speaks against the alert; so does that it ended by itself, soon.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.evidence.kinds import Kind
from engine.evidence.profile import DEVIATES, Profile
from engine.evidence.shift import Shift
from engine.evidence.verdict import Term
from engine.signals import Millis

GROUP = "claim"
NEWS, SEEN_BEFORE, ORDINARY, HARMLESS, ONLY_TRAFFIC = 1.5, -1.0, -0.7, -1.25, -1.5
BRIEF, ENDED = -1.75, -1.0
NO_NEWS = 2
"""Episodes as bad in the history from which it was seen before."""
FAR = 3.0
"""Standard deviations below which a series is as usual."""
SAMPLES = 1.2
"""An alert that ends within so many samples of its series was brief."""
LEAST: Millis = 60_000


def claim_terms(profile: Profile, metric: str, kind: Kind) -> Iterator[Term]:
    """Terms of an alert on ``metric`` (or, if that is unknown, on series of ``kind``)."""
    own = profile.of(metric) if metric else profile.shifts.get(kind)
    if own is not None:
        kind_of_term, weight = _weigh(own)
        if weight:
            yield Term(kind=kind_of_term, group=GROUP, log_odds=weight, facts=_facts(own), claim=True)
    if kind is Kind.TRAFFIC:
        facts: dict[str, object] = {"metric": metric}
        yield Term(kind="only_traffic", group=GROUP, log_odds=ONLY_TRAFFIC, facts=facts, claim=True)


def course_term(lasted: Millis, step: Millis) -> Term:
    """Of an alert that ended by itself after so long, on an entity of which a sample is taken every ``step``."""
    brief = lasted <= max(LEAST, int(SAMPLES * step))
    facts: dict[str, object] = {"lasted_ms": lasted, "sampled_every_ms": step}
    weight = BRIEF if brief else ENDED
    return Term(kind="brief" if brief else "ended", group="course", log_odds=weight, facts=facts, claim=True)


def _weigh(own: Shift) -> tuple[str, float]:
    if own.peak >= DEVIATES and own.before < NO_NEWS:
        return "claim_is_news", NEWS
    if own.peak >= DEVIATES:
        return "claim_seen_before", SEEN_BEFORE
    if own.score < -DEVIATES:
        return "claim_harmless", HARMLESS
    return ("claim_ordinary", ORDINARY) if own.peak < FAR else ("", 0.0)


def _facts(own: Shift) -> dict[str, object]:
    return {
        "metric": own.metric,
        "usual": own.usual,
        "seen": own.seen,
        "deviation": round(own.peak, 2),
        "as_bad_before": own.before,
        "samples": own.points,
    }
