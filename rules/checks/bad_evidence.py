"""Costs of a missed alert that contradict each other or the laws, and waits that are none."""

from __future__ import annotations

from itertools import pairwise

from rules.errors import Flaw
from rules.evidence import NEVER, TIER_NEVER, EvidencePolicy

ID = "bad-evidence"
ELSE = "else"
LEAST_WAIT, LONGEST_WAIT = 60_000, 3_600_000
MOST_SAMPLES = 10.0


def tier(value: object) -> int | None:
    """A tier, or None for ``else``. Raises `Flaw`."""
    text = value.strip() if isinstance(value, str) else ""
    if text == ELSE:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 2:
        raise Flaw(ID, f"not a tier: {value!r}", "write a number, or else for all others")
    return int(text)


def cost(value: object) -> float | None:
    """How many false alarms a missed alert costs, None for ``never``. Raises `Flaw`."""
    text = value.strip() if isinstance(value, str) else ""
    if text == NEVER:
        return None
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found <= 1e9:
        hint = "write how many false alarms one missed alert is worth, at least 1, or never"
        raise Flaw(ID, f"not a cost: {value!r}", hint)
    return found


def consistent(policy: EvidencePolicy) -> EvidencePolicy:
    """The policy itself. Raises `Flaw`."""
    if policy.cost(TIER_NEVER) is not None:
        hint = "tier-0 entities are never suppressed by inference; write 0: never, or leave it out"
        raise Flaw(ID, f"missed: tier {TIER_NEVER} has a cost", hint)
    rows = sorted(policy.missed)
    for (better, dear), (worse, dearer) in pairwise(rows):
        if dear is not None and (dearer is None or dearer > dear):
            hint = "a better tier costs as much as a worse one, or more"
            raise Flaw(ID, f"missed: an alert of tier {worse} costs more than one of tier {better}", hint)
    if not LEAST_WAIT <= policy.wait_most <= LONGEST_WAIT:
        raise Flaw(ID, f"wait_most is {policy.wait_most} ms", "alerts are held for 1m at least and 1h at most")
    if not 0 < policy.wait_samples <= MOST_SAMPLES:
        raise Flaw(ID, f"wait_samples is {policy.wait_samples:g}", f"more than 0, at most {MOST_SAMPLES:g}")
    return policy
