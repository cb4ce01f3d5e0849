"""`kill -9` anywhere changes nothing: not the log, not the ledger, not a decision, not a publication."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.crash.driver import PATIENCE, Child, finish, undisturbed
from tests.crash.feeds import Line, last, toy_feed
from tests.crash.remains import Remains, assert_published_once_and_in_order, published
from tests.crash.troubled import World

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
MORE = 20  # kills for points that were missed
LINGER = 0.15  # seconds for timers and publications to reach an armed point, once all records are durable

IDLE = 0.3  # seconds without records, in which timers fire


class Killed(NamedTuple):
    """What a much disturbed engine left, what it had acknowledged, what it had been fed, what it died of."""

    left: Remains
    acknowledged: set[int]
    feed: list[Line]
    fate: Counter[str]


def killed(folder: Path, core: str, first: Callable[[int], list[Line]], kills: int, dice: random.Random) -> Killed:
    """An engine killed so many times, at the named points in turn and at random, and somewhat more often when a point
    was missed; then left to finish. ``first`` gives so many records of its feed.
    """
    folder.mkdir()
    fate, acknowledged = Counter[str](), set[int]()
    durable, turns = -1, list[str]()
    while fate.total() < kills or (fate.total() < kills + MORE and {*POINTS} - {*fate}):
        if fate.total() >= kills:
            turns = sorted({*POINTS} - {*fate})
        turns = turns or dice.sample([*POINTS, ""], len(POINTS) + 1)
        point = turns.pop()
        spec = f"{point}:sigkill:{dice.randint(1, 3)}" if point.startswith(("ingest", "outbox")) else point
        begin = durable + 1
        feed = first(begin + PER_LIFE + 1)
        child = Child(folder, core, feed[max(0, durable)].arrival, spec)
        part = feed[begin : begin + dice.randint(10, PER_LIFE)]
        fate[point if _live(child, part, feed[begin + len(part)].arrival, point, dice) else "random"] += 1
        acknowledged |= child.acknowledged
        durable = max(acknowledged | {durable, -1 if child.position is None else child.position})
    fed = first(durable + 1 + PER_LIFE)
    child = Child(folder, core, fed[max(0, durable)].arrival)
    for line in fed[durable + 1 :]:
        child.feed(line)
    assert child.hear_until(fed[-1].offset), (folder / "stderr").read_text(encoding="utf-8")[-4000:]
    acknowledged |= child.acknowledged
    return Killed(finish(folder, child, last(fed)), acknowledged, fed, fate)


def _live(child: Child, part: list[Line], following: int, point: str, dice: random.Random) -> bool:
    """Feed a child until it dies of its failpoint (True), or is killed from outside."""
    alive = True
    for line, until in zip(part, [*(line.arrival for line in part[1:]), following], strict=True):
        alive = alive and child.feed(line)
        if dice.random() < 0.3:
            alive = alive and child.send(f"t {dice.randint(line.arrival, until)}")
            if point.startswith("timers"):  # the engine looks at its timers when no record comes
                alive = alive and child.hear_for(IDLE)
    end, counted = time.monotonic() + PATIENCE, False
    while alive and time.monotonic() < end:
        alive = child.hear(0.01)
        if not counted and (part[-1].offset in child.acknowledged if point else child.position is not None):
            end, counted = time.monotonic() + (LINGER if point else dice.uniform(0, LINGER)), True
    if alive:
        child.kill()
        return False
    child.bury()
    return True


def check(folder: Path, core: str, kills: int) -> Remains:
    """Kill an engine so many times and compare what it leaves with what an undisturbed one does."""
    folder.mkdir()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    first = toy_feed if core == "toy" else World(seed).lines
    left, acknowledged, fed, fate = killed(folder / "killed", core, first, kills, random.Random(seed))
    print(fate)
    expected = undisturbed(folder / "undisturbed", core, fed)
    stored = [offset for offset, *_ in left.inputs]
    assert len(stored) == len(set(stored)), "a record was handled twice"
    assert acknowledged <= set(stored), "an acknowledged record was lost"
    for field in Remains._fields:
        assert getattr(left, field) == getattr(expected, field), field
    for run in ("killed", "undisturbed"):
        assert_published_once_and_in_order(published(folder / run))
    assert left.totals["unaccounted"] == 0
    assert len(left.why) == left.totals["received"] > 0
    assert fate.total() >= kills
    assert {*fate} >= {*POINTS}, "a point was never reached"
    return left


def check_two(folder: Path, core: str, kills: int) -> list[Remains]:
    """Two engines side by side, which share the kills: a child mostly starts, and one processor each is enough."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda name: check(folder / name, core, kills // 2), ("one", "two")))


def lived(left: Remains) -> set[str]:
    """What became of alerts and incidents, and what was told of them, in words."""
    kinds = {str(line["kind"]) for lines in left.timeline.values() for line in lines}
    reasons = {str(line["reason"]) for lines in left.why.values() for line in lines}
    return kinds | reasons | {f"{key.split('.')[2]} told" for key, *_ in left.queued}


def test_twenty_kills_of_the_shell_change_nothing(tmp_path: Path) -> None:
    check(tmp_path / "toy", "toy", 20)


@pytest.mark.timeout(300)
def test_a_hundred_kills_change_nothing(tmp_path: Path) -> None:
    for one in check_two(tmp_path, "real", 100):
        assert lived(one) >= {
            "opened", "declared", "recovering", "resolved", "merged", "merged_in", "flapping", "repeat", "refired",
            "explained_by_cause", "open told", "update told", "resolve told", "reopen told",
        }  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("core", ["toy", "real"])
def test_three_hundred_kills_change_nothing(tmp_path: Path, core: str) -> None:
    check_two(tmp_path, core, 300)
