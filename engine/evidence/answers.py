"""What probes answered of an entity, and the terms of a verdict that follow.

A probe is evidence from elsewhere than the alert: the engine looked itself. That it fails speaks for any alert of its
entity. That it passes speaks against an alert only where that claims that the entity is not there: a service that
answers may be slow, or wrong. What is not known says nothing (law 6).
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from engine.evidence.verdict import Term
from engine.signals import Answer, Millis

GROUP = "check"
YES, NO, UNKNOWN = "yes", "no", "unknown"
FAILED_ONCE, FAILED_AGAIN = 1.0, 1.5
"""One failure may be chance, two in a row are none; one alone counts unless more passed than failed."""
PASSED, PASSED_SEVERAL = -1.0, -1.5
KEPT = 64
SHOWN = 3
SUCCESS, DURATION = "probe_success", "probe_duration_seconds"
SERIES = frozenset({SUCCESS, DURATION})
"""Metrics under which answers are kept as series, so that recovery compares them like any other."""

_GONE = re.compile(
    r"down|unreach|unavail|availab|not.?respond|no.?response|offline|outage|absent|dead|not.?ready|lost|gone|^up$|\bup\b|"
    r"crash|probe.?(fail|success)",
    re.I,
)


class Answered(msgspec.Struct):
    """The last `KEPT` answers of a probe or data check, by time: (at, passed, milliseconds, value)."""

    entity: str
    kind: str
    points: list[tuple[Millis, str, Millis, float | None]] = []
    last: Answer | None = None

    def add(self, answer: Answer) -> bool:
        """Keep an answer in its place; False when it was known, or is older than what is kept."""
        point = (answer.at, answer.passed, answer.duration, answer.value)
        times = [one[0] for one in self.points]
        if answer.at in times or (len(times) == KEPT and answer.at < times[0]):
            return False
        insort(self.points, point, key=lambda one: one[0])
        del self.points[:-KEPT]
        if self.last is None or answer.at > self.last.at:
            self.last = answer
        return True


def claims_absence(text: str) -> bool:
    """Does an alert's name or metric say that something is not there?

    >>> claims_absence("TargetDown up"), claims_absence("HighErrorRate"), claims_absence("LatencyHigh")
    (True, False, False)
    """
    return _GONE.search(text) is not None


def check_terms(
    probes: Iterable[tuple[str, Answered]],
    start: Millis,
    since: Millis,
    until: Millis,
    *,
    claims: bool,
    data: frozenset[str],
) -> Iterator[Term]:
    """Terms from (id, answers) of one entity, for alerts that began at ``start``.

    Failures count from ``since`` on, what passed only from ``start`` on. ``claims``: the alerts say that the entity is
    not there; ``data``: kinds that look at data, which may be sound where nobody can reach it.
    """
    passed: list[tuple[str, int, int]] = []
    failing: list[Term] = []
    for name, of in sorted(probes, key=lambda one: one[0]):
        seen = [one for one in of.points if since <= one[0] <= until]
        known = [one for one in seen if one[1] != UNKNOWN]
        bad = [one for one in known if one[1] == NO]
        again = any(one[1] == then[1] == NO for one, then in pairwise(known))
        if again or (bad and 2 * len(bad) >= len(known)):
            failing.append(_failed(name, of, len(bad), len(known), again=again))
        elif not bad and of.kind not in data and (good := [one for one in known if one[0] >= start]):
            passed.append((name, len(good), good[-1][2]))
        elif seen and not known:
            yield _unknown(name, of, len(seen))
    yield from failing[:SHOWN]
    if passed and claims:
        weight = PASSED if len(passed) == 1 else PASSED_SEVERAL
        facts: dict[str, object] = {
            "probes": [name for name, _, _ in passed[:SHOWN]],
            "passed": sum(count for _, count, _ in passed),
            "duration_ms": max(duration for _, _, duration in passed),
        }
        yield Term(kind="check_passed", group=GROUP, log_odds=weight, facts=facts)


def _failed(name: str, of: Answered, bad: int, known: int, *, again: bool) -> Term:
    facts: dict[str, object] = {"probe": name, "check": of.kind, "failed": bad, "of": known}
    last = of.last
    if last is not None and last.passed == NO:
        facts |= {"said": last.detail, "duration_ms": last.duration}
        facts |= {"value": last.value, "unit": last.unit} if last.value is not None else {}
    return Term(kind="check_failed", group=GROUP, log_odds=FAILED_AGAIN if again else FAILED_ONCE, facts=facts)


def _unknown(name: str, of: Answered, count: int) -> Term:
    facts: dict[str, object] = {"probe": name, "tries": count, "said": of.last.detail if of.last else ""}
    return Term(kind="check_unknown", group="unusable", log_odds=0.0, facts=facts, claim=True)
