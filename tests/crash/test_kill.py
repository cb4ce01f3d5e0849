"""`kill -9` anywhere changes nothing: not the log, not the ledger, not a decision, not a publication."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.driver import PATIENCE, START, STEP, Child, Line, Remains, finish, lines, remains, undisturbed

POINTS = (
    "ingest.after_poll",
    "ingest.before_commit",
    "ingest.after_commit_before_ack",
    "timers.before_commit",
    "snapshot.before",
    "snapshot.after",
    "resume.after_snapshot",
    "resume.mid_replay",
    "outbox.after_claim",
    "outbox.before_send",
    "outbox.after_send_before_record",
    "outbox.after_record",
)
PER_LIFE = 30  # records a child is fed at most before it is killed from outside
HOUR = 3_600_000


def killed(folder: Path, core: str, kills: int, seed: int) -> tuple[Remains, set[int], list[Line], Counter[str]]:
    """An engine killed so many times, at the named points in turn and at random; then left to finish."""
    folder.mkdir()
    dice, fate = random.Random(seed), Counter[str]()
    acknowledged: set[int] = set()
    durable, turns = -1, list[str]()
    feed = lines(PER_LIFE * (kills + 1))
    for _ in range(kills):
        if not turns:
            turns = dice.sample([*POINTS, ""], len(POINTS) + 1)
        point = turns.pop()
        spec = f"{point}:sigkill:{dice.randint(1, 3) if point.startswith('ingest') else 1}" if point else ""
        child = Child(folder, core, START + STEP * max(0, durable), spec)
        died = _live(child, feed, durable + 1, None if point else dice.uniform(0.1, 0.8), dice)
        fate[point if died else "random"] += 1
        acknowledged |= child.acknowledged
        durable = max(acknowledged | {durable, child.position if child.position is not None else -1})
    child = Child(folder, core, START + STEP * max(0, durable))
    rest = feed[durable + 1 : durable + 1 + PER_LIFE]
    for line in rest:
        child.send(f"r {line.offset} {line.arrival} {line.body}")
    assert child.hear_until(rest[-1].offset)
    acknowledged |= child.acknowledged
    until = rest[-1].arrival + HOUR
    return finish(folder, child, until), acknowledged, feed[: rest[-1].offset + 1], fate


def _live(child: Child, feed: list[Line], begin: int, moment: float | None, dice: random.Random) -> bool:
    """Feed a child until it dies of its failpoint (True), or is killed: at ``moment`` or when it has done it all."""
    end = time.monotonic() + (PATIENCE if moment is None else moment)
    part = feed[begin : begin + dice.randint(10, PER_LIFE)]
    alive = True
    for line in part:
        alive = alive and child.send(f"r {line.offset} {line.arrival} {line.body}")
        if dice.random() < 0.3:
            alive = alive and child.send(f"t {line.arrival + STEP - 1}")
    while alive and time.monotonic() < end:
        alive = child.hear(0.02)
        if moment is None and part[-1].offset in child.acknowledged:
            moment, end = 0.2, time.monotonic() + 0.2  # its timers and publications may still reach the point
    if alive:
        child.kill()
        return False
    child.bury()
    return True


def check(tmp_path: Path, core: str, kills: int, seed: int) -> Counter[str]:
    print(f"seed {seed}")
    left, acknowledged, feed, fate = killed(tmp_path / "killed", core, kills, seed)
    expected = undisturbed(tmp_path / "undisturbed", core, feed, until=feed[-1].arrival + HOUR)
    stored = [offset for offset, _, _ in left.inputs]
    assert len(stored) == len(set(stored)), "a record was handled twice"
    assert acknowledged <= set(stored), "an acknowledged record was lost"
    assert left.inputs == expected.inputs
    assert left.decisions == expected.decisions
    assert left.totals == expected.totals
    assert left.totals["unaccounted"] == 0
    assert left.why == expected.why
    assert left.incidents == expected.incidents
    assert len(left.published) == len(set(left.published)), "something was published twice"
    return fate


@pytest.mark.parametrize("core", ["toy", "real"])
def test_twenty_kills_change_nothing(tmp_path: Path, core: str) -> None:
    fate = check(tmp_path, core, 20, seed=random.randrange(1 << 32))
    assert fate.total() == 20
    assert len(set(fate) - {"random"}) >= 5, fate


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("core", ["toy", "real"])
def test_a_hundred_kills_change_nothing(tmp_path: Path, core: str) -> None:
    fate = check(tmp_path, core, 100, seed=random.randrange(1 << 32))
    print(fate)
    assert fate.total() == 100
    reached = set(fate) - {"random"}
    assert len(reached) >= 9, fate


@pytest.mark.parametrize("core", ["toy", "real"])
def test_ten_minutes_of_downtime_after_a_kill_equal_ten_minutes_after_a_graceful_stop(
    tmp_path: Path, core: str
) -> None:
    first, second = lines(40), [Line(n, at + 600_000, body) for n, at, body in lines(40, start=40)]

    def run(folder: Path, *, kill: bool) -> Remains:
        folder.mkdir()
        child = Child(folder, core, START)
        for line in first:
            child.send(f"r {line.offset} {line.arrival} {line.body}")
        assert child.hear_until(first[-1].offset)
        if kill:
            child.kill()
        else:
            child.stop()
        child = Child(folder, core, first[-1].arrival + 600_000)
        for line in second:
            child.send(f"r {line.offset} {line.arrival} {line.body}")
        assert child.hear_until(second[-1].offset)
        return finish(folder, child, second[-1].arrival + HOUR)

    left, expected = run(tmp_path / "killed", kill=True), run(tmp_path / "stopped", kill=False)
    assert left._replace(published=[]) == expected._replace(published=[])
    assert sorted(left.published) == sorted(expected.published)
    assert remains(tmp_path / "killed").totals["unaccounted"] == 0
