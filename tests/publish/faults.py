"""The fault matrix: `python -m tests.publish.faults [--runs 100] [--real 3] [--frozen 20] [--seed N] [--only WORDS]`.

Each run draws its incidents, times and faults from a seed, and a run that fails prints it. After all publications went
out and one more cycle of the reconciler there must be exactly one open ticket per open incident and none for a
resolved one; every text in its ticket, once and in order; what people did taken in; and the other sink never the wiser.
Second tickets may exist in between only where nothing can prevent them.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from engine import failpoints
from engine.outcomes import Publication
from engine.publish.delivery import DispatchSettings
from engine.signals import Millis
from tests.publish import desk_faults, frozen
from tests.publish.outage import PATIENCE, Process, World, said, told
from tests.publish.standin import LAG
from tests.real import ticketing
from tests.real.places import on_roundup, on_rt

Furnish = Callable[[World, Sequence[str]], None]
TROUBLE: Millis = 20 * 60_000
"""For so long things go wrong; then nothing does."""
CYCLE = 600 + LAG // 1000
"""Seconds until the reconciler has looked at everything that the search shows by then."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """``begin`` sets it up. ``doubles``: second tickets cannot be prevented, and a text may be there twice.
    ``late``: seconds within which the other sink must have everything."""

    name: str
    begin: Callable[[World], None]
    doubles: bool = False
    late: float = 15.0
    levels: tuple[str, ...] = ("SEV2", "SEV3")
    incidents: tuple[int, int] = (2, 6)
    poll: float = 60.0


def answers(*words: str, rate: float = 0.3) -> Callable[[World], None]:
    """Requests that change something end so, some of them."""

    def begin(world: World) -> None:
        def script(method: str, path: str) -> str:
            unlucky = method == "POST" and world.now < TROUBLE and world.dice.random() < rate
            return world.dice.choice(words) if unlucky else ""

        world.office.script = script

    return begin


def rate_limited(world: World) -> None:
    world.office.allowed = world.dice.randint(5, 15)
    answers("429", "503", rate=0.1)(world)


def down(world: World) -> None:
    """For an hour nothing works, in every way in which nothing can work."""
    start = world.dice.randint(10_000, 120_000)

    def script(method: str, path: str) -> str:
        away = start <= world.now < start + 3_600_000
        return world.dice.choice(("refused", "refused", "hang", "500")) if away else ""

    world.office.script = script


def dies(point: str) -> Callable[[World], None]:
    """The process is killed there, up to three times, and started again."""

    def begin(world: World) -> None:
        left = world.dice.randint(1, 3)

        def rearm() -> None:
            if sum(world.deaths.values()) < left and not failpoints._armed:
                failpoints.arm(f"{point}:raise:{world.dice.randint(1, 6)}")

        rearm()
        world.before_call = lambda process, method: rearm()

    return begin


def freezes(world: World) -> None:
    """The process stands still in a call, for longer than its lease; another one takes over."""
    left, countdown = world.dice.randint(1, 2), world.dice.randint(0, 6)

    def before_call(process: Process, method: str) -> None:
        nonlocal left, countdown
        countdown -= method == "POST"
        if left and countdown < 0 and method == "POST":
            left, countdown = left - 1, world.dice.randint(0, 6)
            world.office.struck += 1
            world.freeze(process, world.dice.choice((40, 200, 900, 2000)))

    world.before_call = before_call


def slow_search(world: World) -> None:
    """The first tickets are made and their answers lost; the search shows them two minutes later."""
    answers("lost", "hang after", "500 after", "html after", rate=0.5)(world)


def dies_reconciling(world: World) -> None:
    answers("double")(world)
    dies("reconcile.after_search")(world)


KILLS = (
    "outbox.after_claim", "outbox.before_send", "outbox.after_send_before_record", "outbox.after_record",
    "poll.after_look", "poll.after_submit",
)  # fmt: skip
MATRIX = (
    *(Fault(name=f"killed at {point}", begin=dies(point), late=200.0) for point in KILLS),
    Fault(name="killed at reconcile.after_search", begin=dies_reconciling, late=200.0, doubles=True),
    Fault(name="timeout after the ticket was created", begin=answers("hang after")),
    Fault(name="response lost", begin=answers("lost")),
    Fault(name="429 and 503 with Retry-After", begin=rate_limited),
    Fault(name="500, before and after the work", begin=answers("500", "500 after")),
    Fault(name="HTML instead of JSON", begin=answers("html", "html after")),
    Fault(name="search two minutes behind, SEV1 sent again at once", begin=slow_search, doubles=True, levels=("SEV1",)),
    Fault(name="duplicate delivery", begin=answers("double"), doubles=True),
    Fault(name="two publishers, one frozen beyond its lease", begin=freezes, doubles=True, late=60.0),
    Fault(name="down for an hour during a storm", begin=down, incidents=(25, 40), poll=300.0),
)


def story(dice: random.Random, fault: Fault, name: str = "INC") -> list[tuple[Millis, list[Publication]]]:
    """Publications in the order in which they are decided: incidents open, change, and most of them resolve."""
    told: list[tuple[Millis, list[Publication]]] = []
    for number in range(dice.randint(*fault.incidents)):
        incident, now, level = f"{name}-{number}", dice.randint(0, TROUBLE // 2), dice.choice(fault.levels)
        actions = ["open", *["update"] * dice.randint(0, 3), *["resolve"] * (dice.random() < 0.6)]
        for revision, action in enumerate(actions):
            told.append((now, said(incident, revision, action, level, now)))
            now += dice.randint(1_000, 300_000)
    return sorted(told, key=lambda one: one[0])


REAL = {
    "Roundup": (ticketing.roundup, on_roundup, lambda: importlib.util.find_spec("roundup") is not None),
    "Request Tracker": (ticketing.request_tracker, on_rt, ticketing.RT_SERVER.exists),
}


class Outcome(msgspec.Struct):
    """What a run was like."""

    faults: int = 0
    incidents: int = 0
    tickets: int = 0
    closed: float = 0
    probes: float = 0
    minutes: float = 0


def run(
    fault: Fault, seed: int, *, settings: DispatchSettings | None = None, reconciles: bool = True,
    furnish: Furnish | None = None, name: str = "INC",
) -> Outcome:  # fmt: skip
    """One run. ``furnish``: with another ticketing system than the stand-in. Raises AssertionError when a promise is
    broken."""
    dice = random.Random(f"{fault.name} {seed}")
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), dice, settings=settings or DispatchSettings(), poll=fault.poll)
        world.reconciles = reconciles
        try:
            world.story = story(dice, fault, name)
            if furnish is not None:
                furnish(world, sorted({one.incident for _, both in world.story for one in both}))
            changes = _live(world, fault)
            _check(world, fault, changes)
            return _outcome(world)
        finally:
            world.close()


def _live(world: World, fault: Fault) -> Counter[str]:
    """Until everything went out and one cycle of the reconciler is over; what people did meanwhile, by ticket."""
    resolved = {one.incident for _, both in world.story for one in both if one.action == "resolve"}
    fault.begin(world)
    changes: Counter[str] = Counter()
    while world.story or world.unfinished():
        assert world.now < PATIENCE, f"unfinished: {world.store.depth()}"
        world.pass_time(world.dice.uniform(1, 8))
        for link in world.store.links(state="open"):
            if link.incident not in resolved and world.dice.random() < 0.01:
                changes[link.remote] += 1
                world.office.person(link.remote, "note", f"{changes[link.remote]}")
                if world.dice.random() < 0.5:
                    world.processes[0].poller.hinted("tickets", b'{"ticket": "%s"}' % link.remote.encode())
    end = world.now + CYCLE * 1000
    while world.now < end:
        world.pass_time(10)
    return changes


def _check(world: World, fault: Fault, changes: Counter[str]) -> None:
    expected, filed = told(world), world.office.tickets
    links = {link.incident: link for link in world.store.links() if link.state != "duplicate"}
    assert len(links) == len(expected) == len([link for link in world.store.links() if link.state != "duplicate"])
    for incident, keys in expected.items():
        tickets = [one for one in filed.values() if one.key == f"{incident}.1"]
        still = [one.id for one in tickets if one.state == "open"]
        resolved = ".resolve." in keys[-1]
        assert still == ([] if resolved else [links[incident].remote]), f"{incident}: open are {still}"
        assert fault.doubles or len(tickets) == 1, f"{incident}: {len(tickets)} tickets were made"
        ticket = filed[links[incident].remote]
        texts = [text for text in ticket.texts if not text.startswith("duplicate")]
        assert list(dict.fromkeys(texts)) == keys, f"{incident}: {texts}"
        assert fault.doubles or len(texts) == len(keys), f"{incident}: {texts}"
    counted = world.value("headwater_duplicate_tickets_total", sink="tickets")
    assert counted == len(filed) - len(expected), f"{counted} second tickets were counted"
    assert world.office.impolite == 0, "a receiver's wish to be left alone was not heard"
    _check_others(world, fault, changes)


def _check_others(world: World, fault: Fault, changes: Counter[str]) -> None:
    """What people did was taken in, in order; the other sink has everything, in order and in time."""
    seen: dict[str, list[str]] = {}
    for event in world.fed:
        if event.field == "note" and event.value not in seen.setdefault(event.remote, []):
            seen[event.remote].append(event.value)
    duplicates = {link.remote for link in world.store.links(state="duplicate")}
    for remote, count in changes.items():
        if remote not in duplicates:
            assert seen.get(remote) == [str(n + 1) for n in range(count)], f"{remote}: {seen.get(remote)} of {count}"
    order: dict[str, list[str]] = {}
    due = {str(row["key"]): row for row in _pages(world)}
    for key, at in world.pager.got.items():
        order.setdefault(str(due[key]["incident"]), []).append(key)
        assert at - int(str(due[key]["not_before"])) <= fault.late * 1000, f"{key} came late"
    for incident, keys in order.items():
        assert keys == sorted(keys, key=lambda key: int(key.split(".")[1])), f"{incident}: {keys}"
    assert {key for key, row in due.items() if row["state"] == "confirmed"} == set(world.pager.got)


def _pages(world: World) -> Iterator[dict[str, object]]:
    cursor = ""
    while True:
        page = world.store.outbox(cursor=cursor, limit=200)
        rows = msgspec.convert(page.items, list[dict[str, object]])
        yield from (row for row in rows if row["sink"] == "pager")
        cursor = page.next
        if not cursor:
            return


def _outcome(world: World) -> Outcome:
    filed = world.office.tickets
    keys = {one.key for one in filed.values()}
    probes = sum(
        world.value("headwater_probes_total", sink="tickets", result=result) for result in ("found", "missing")
    )
    closed = world.value("headwater_duplicate_tickets_total", sink="tickets")
    return Outcome(
        world.office.struck + sum(world.deaths.values()), len(keys), len(filed), closed, probes,
        world.now / 60_000,
    )  # fmt: skip


def matrix(
    runs: int, first: int, words: str = "", *, furnish: Furnish | None = None, brief: bool = False
) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many runs failed. ``brief``: few incidents, and few looks at them."""
    lines = [
        "| fault | runs | failed | faults | incidents | tickets made | second ones closed | looks | simulated hours |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    failures = 0
    for wanted in (one for one in MATRIX if words in one.name):
        few = {"incidents": (min(wanted.incidents[0], 6), 6), "poll": 300.0} if brief else {}
        fault = msgspec.structs.replace(wanted, **few)
        total, failed = Outcome(), 0
        for seed in range(first, first + runs):
            try:
                one = run(fault, seed, furnish=furnish, name=f"INC-{first}-{len(lines)}-{seed}" if furnish else "INC")
            except AssertionError as error:
                failed += 1
                print(f"FAILED: {fault.name}, seed {seed}: {str(error).splitlines()[0]}", file=sys.stderr)
            else:
                total = Outcome(*(a + b for a, b in zip(*map(msgspec.structs.astuple, (total, one)), strict=True)))
        failures += failed
        cells = (total.faults, total.incidents, total.tickets, total.closed, total.probes, total.minutes / 60)
        numbers = " | ".join(f"{cell:,.0f}" for cell in cells)
        lines.append(f"| {fault.name} | {runs} | {failed} | {numbers} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines, failures


def processes(runs: int, first: int) -> tuple[list[str], int]:
    """Two real processes, one stopped by SIGSTOP: the table as Markdown lines, and how many runs failed."""
    lines = ["| stopped at | runs | failed | second tickets, all closed |", "|---|---|---|---|"]
    failures = 0
    for point in frozen.POINTS:
        failed, closed = 0, 0.0
        for seed in range(first, first + runs):
            try:
                found = frozen.run(point, random.Random(seed).randint(1, 3))
                frozen.check(point, found)
            except AssertionError as error:
                failed += 1
                print(f"FAILED: two processes, {point}, seed {seed}: {error}", file=sys.stderr)
            else:
                closed += found.counted
        failures += failed
        lines.append(f"| {point} | {runs} | {failed} | {closed:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines, failures


def in_places(runs: int, first: int, words: str) -> tuple[list[str], int]:
    """The same at each real ticketing system that is here."""
    lines, failures = [], 0
    for name, (system, place, present) in REAL.items():
        if not present():
            lines += ["", f"{name}: not here, not tried."]
            continue
        with tempfile.TemporaryDirectory() as folder, system(Path(folder)) as running:
            found, failed = matrix(runs, first, words, furnish=desk_faults.at(place(running)), brief=True)
        lines += ["", f"At a real {name}:", "", *found]
        failures += failed
    return lines, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--real", type=int, default=3, help="runs at each real ticketing system")
    parser.add_argument("--frozen", type=int, default=20, help="runs with two processes, of which one is stopped")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; without it a new one each time")
    parser.add_argument("--only", default="", metavar="WORDS", help="only faults whose name has these words in it")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first = random.randrange(1_000_000) if asked.seed is None else asked.seed
    started = time.monotonic()
    lines, failures = [], 0
    for title, part in (
        ("The stand-in:", lambda: matrix(asked.runs, first, asked.only)),
        ("The ticket sink:", lambda: matrix(asked.runs, first, asked.only, furnish=desk_faults.in_memory)),
        ("Real systems:", lambda: in_places(asked.real, first, asked.only)),
        ("Real processes:", lambda: processes(asked.frozen, first)),
    ):
        found, failed = part()
        lines += [title, "", *found, ""]
        failures += failed
    print("\n".join(lines))
    took = time.monotonic() - started
    print(f"\nSeeds {first} to {first + asked.runs - 1}, {took:.0f} s, {failures} runs failed.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
