"""Looks at a receiver that cannot take them all: each kind has its turn, and none waits for one that wants nothing."""

from __future__ import annotations

from engine.publish.breaker import SCARCE, Breaker
from tests.publish.faults import run
from tests.publish.test_faults import named

NOON = 1_700_000_000_000


def test_while_a_receiver_asks_for_pauses_kinds_alternate() -> None:
    now = NOON
    breaker = Breaker(lambda: now)
    for kind in ("duplicates", "changes"):
        breaker.wants(kind, True)
    breaker.had_look("duplicates")
    assert breaker.allows_look("duplicates")  # there is enough for all
    breaker.pause(10)
    now += 10_000
    assert not breaker.allows_look("duplicates")
    assert breaker.allows_look("changes")
    assert not breaker.allows_look("duplicates")  # a turn is kept until it is answered
    breaker.had_look("changes")
    assert breaker.allows_look("duplicates")
    assert not breaker.allows_look("changes")
    breaker.wants("duplicates", False)
    assert breaker.allows_look("changes")
    breaker.wants("duplicates", True)
    now += SCARCE
    assert breaker.allows_look("changes")


def test_back_flow_is_read_beside_six_tickets_in_doubt_at_a_receiver_of_five_requests_a_minute() -> None:
    for seed in (1704, 1785):
        run(named("429"), seed)
