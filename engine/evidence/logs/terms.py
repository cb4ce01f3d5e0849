"""The terms that an entity's log records give, for and against an alert."""

from __future__ import annotations

from collections.abc import Iterator

from engine.evidence.logs.change import Rise, Window, new_failures, rise_of, rising_groups, window
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.flow import dropped, knows_failures, ordinary
from engine.evidence.logs.kinds import FAILED, PLAIN, WARNED, WORDED
from engine.evidence.logs.store import Logs
from engine.evidence.logs.usual import Compared
from engine.evidence.verdict import Term
from engine.signals import Millis

GROUP = "logs"
SHOWN = 2
"""Groups of one kind that are shown and counted: they are correlated."""
RISE = {FAILED: 1.5, WORDED: 0.8}
NEW = {FAILED: 1.0, WORDED: 0.5}
RISING = {FAILED: 0.5, WORDED: 0.4, WARNED: 0.3, PLAIN: 0.2}
DROP = 0.4
USUAL, USUAL_UNTRIED = -0.8, -0.4
"""Ordinary logs against an alert that claims errors: where the entity has logged failures before, and where not.

All of these are a prior: failures that the sender calls errors confirm alone (as `verdict.CONFIRM` asks), words of
failure do with one more term, groups only together; what speaks against stays far from contradicting alone.
"""
_CLAIMS = ("error", "fail", "exception", "5xx", "fault", "crash")


def claims_errors(name: str) -> bool:
    """Does an alert's (or its metric's) name claim errors of the entity?

    >>> claims_errors("HighErrorRate"), claims_errors("cpu_usage")
    (True, False)
    """
    low = name.lower()
    return any(word in low for word in _CLAIMS)


def log_terms(logs: Logs, entity: str, since: Millis, until: Millis, *, claims: bool = False) -> Iterator[Term]:
    """What the entity's records in ``since … until`` say; nothing where nothing can be compared.

    ``claims``: the alert claims errors, so that ordinary logs speak against it.
    """
    found = window(logs, entity, since, until)
    if found is None:
        return
    risen = False
    for said in (FAILED, WORDED):
        risen_so = rise_of(found, said)
        if risen_so is not None:
            risen = True
            kind = "errors_rise" if said == FAILED else "failure_words_rise"
            yield Term(kind=kind, group=GROUP, log_odds=RISE[said], facts=_rise(risen_so))
    yield from _groups(found)
    drop = dropped(logs, found)
    if drop is not None:
        yield Term(kind="log_flow_drops", group=GROUP, log_odds=DROP, facts=_facts(found, drop, drop.below))
    elif claims and not risen:
        usual = ordinary(logs, found, until // MINUTE)
        if usual is not None:
            weight = USUAL if knows_failures(found) else USUAL_UNTRIED
            yield Term(kind="logs_usual", group=GROUP, log_odds=weight, facts=_facts(found, usual, usual.above))


def _groups(found: Window) -> Iterator[Term]:
    for number, (group, lines) in enumerate(new_failures(found)):
        if number < SHOWN:
            facts = {"template": group.text, "seen": lines, "usual": 0.0, "first_seen": group.first * MINUTE}
            yield Term(kind="new_failure", group=GROUP, log_odds=NEW[group.said], facts=facts)
    for group, against, p in rising_groups(found)[:SHOWN]:
        facts = {"template": group.text, "class": group.said} | _facts(found, against, p)
        yield Term(kind="log_template_rises", group=GROUP, log_odds=RISING[group.said], facts=facts)


def _rise(rise: Rise) -> dict[str, object]:
    return {
        "template": rise.text,
        "seen": rise.seen,
        "usual": round(rise.usual, 2),
        "minutes": rise.minutes,
        "history_minutes": rise.history,
        "dispersion": round(rise.dispersion, 2),
        "p": float(f"{rise.p:.2g}"),
    }


def _facts(found: Window, against: Compared, p: float) -> dict[str, object]:
    return {
        "seen": against.seen,
        "usual": round(against.usual, 2),
        "minutes": found.now.known,
        "history_minutes": found.before.known,
        "dispersion": round(against.dispersion, 2),
        "p": float(f"{p:.2g}"),
    }
