"""The timer queue, against the simplest thing that could be right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.timers import Timer, TimerQueue

KINDS = st.sampled_from(("expiry", "gate", "settle"))
KEYS = st.sampled_from(("1", "2", "3"))
STEPS = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 50), KINDS, KEYS),
    st.tuples(st.just("cancel"), st.just(0), KINDS, KEYS),
    st.tuples(st.just("pop"), st.integers(0, 50), KINDS, KEYS),
    st.tuples(st.just("shift"), st.integers(0, 50), KINDS, KEYS),
    st.tuples(st.just("restore"), st.just(0), KINDS, KEYS),
)


@given(st.lists(STEPS, max_size=60))
def test_timers_fire_in_order_of_due_kind_and_key_whatever_was_moved(steps: list[tuple[str, int, str, str]]) -> None:
    queue, plain = TimerQueue(), dict[tuple[str, str], int]()
    for what, number, kind, key in steps:
        if what == "set":
            queue.set(number, kind, key)
            plain[kind, key] = number
        elif what == "cancel":
            queue.cancel(kind, key)
            plain.pop((kind, key), None)
        elif what == "shift":
            queue.shift(frozenset({kind}), number, 7)
            plain = {k: due + 7 if k[0] == kind and due > number else due for k, due in plain.items()}
        elif what == "restore":
            queue = TimerQueue(queue.snapshot())
        else:
            assert _all(queue, number) == sorted((due, *k) for k, due in plain.items() if due <= number)
            plain = {k: due for k, due in plain.items() if due > number}
        assert queue.snapshot() == sorted((due, *k) for k, due in plain.items())
        assert queue.due() == min(plain.values(), default=None)
        assert queue.pending(kind, key) == ((kind, key) in plain)


def _all(queue: TimerQueue, now: int) -> list[Timer]:
    fired = []
    while (timer := queue.pop(now)) is not None:
        fired.append(timer)
    return fired


def test_a_moved_timer_fires_once_and_at_its_new_time() -> None:
    queue = TimerQueue()
    queue.set(10, "settle", "shop")
    queue.set(30, "settle", "shop")
    queue.set(10, "settle", "shop")
    queue.set(20, "settle", "shop")
    assert _all(queue, 100) == [(20, "settle", "shop")]
