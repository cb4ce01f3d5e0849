"""How well the engine separates simultaneous troubles: number of incidents, adjusted Rand index, causes.

    python -m tests.scenarios.scoring [--seeds 200] [--first 0] [--no-noise] [--verbose]

prints a table of the seeds that went wrong, and why.

What counts: an incident counts when people heard of it (told or declared, and not merged away). Noise events are left
out of the Rand index: they belong to no trouble, and whether one that falls on a struggling entity is shown with that
entity's incident is a matter of taste; but noise that is told as an incident of its own makes the number wrong. An
event in the overlap of several cones counts as belonging to whichever of its troubles it was put with.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from tests.scenarios.drive import Driven
from tests.scenarios.rand_index import adjusted_rand_index
from tests.scenarios.troubles import LATENESS, START, TroubleWorld, make

QUIET = LATENESS + 1_800_000
"""How long after the last arrival everything has come to rest."""


@dataclass(frozen=True)
class Score:
    """One seed. ``named``: for each trouble with an incident of its own, the cause that this incident names."""

    world: TroubleWorld
    told: int
    rand: float
    named: dict[int, str | None]
    faults: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether as many incidents were told as there were troubles."""
        return self.told == len(self.world.troubles)


def run(world: TroubleWorld) -> tuple[Driven, list[str]]:
    """Play a world, one record per event; returns the engine at rest and each event's incident."""
    driven = Driven(world.topology, start=START - 1000)
    places = [f"{driven.feed(event.arrival, (event.signal,))}-0" for event in world.events]
    driven.pass_time(driven.now + QUIET)
    return driven, [driven.incident_of(place) for place in places]


def score(world: TroubleWorld) -> Score:
    """Play a world and compare with the truth."""
    driven, found = run(world)
    majority = _majority(world, found)
    truth, placed = [], []
    for number, (event, incident) in enumerate(zip(world.events, found, strict=True)):
        if event.allowed:
            most = majority.get(incident)
            truth.append(most if most in event.allowed else min(event.allowed))
            placed.append(incident or f"none-{number}")
    rand = adjusted_rand_index(truth, placed) if truth else 1.0
    told = driven.told()
    causes = {view.id: view.cause for view in driven.incidents()}
    named = {n: causes[incident] for incident, n in majority.items() if n is not None and incident}
    faults = [*_faults(world, driven, found), *_causes(world, named)]
    return Score(world, len(told), rand, named, tuple(faults))


def _majority(world: TroubleWorld, found: list[str]) -> dict[str, int | None]:
    """Incident -> the trouble most of its unambiguous events belong to."""
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for event, incident in zip(world.events, found, strict=True):
        if incident and len(event.allowed) == 1:
            votes[incident][min(event.allowed)] += 1
    return {incident: min(count, key=lambda n: (-count[n], n)) for incident, count in votes.items()}


def _faults(world: TroubleWorld, driven: Driven, found: list[str]) -> list[str]:
    """What went wrong, in words: lumped, torn, untold troubles, and false incidents."""
    told = {view.id: view for view in driven.told()}
    members: dict[str, Counter[int]] = defaultdict(Counter)
    spread: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event, incident in zip(world.events, found, strict=True):
        if len(event.allowed) == 1:
            members[incident][min(event.allowed)] += 1
            spread[min(event.allowed)][incident].add(event.entity)
    faults = []
    for incident, view in told.items():
        name = f"{incident} (cause {view.cause}, {view.alerts} alerts on {', '.join(view.entities[:6])})"
        if len(members[incident]) > 1:
            faults.append(
                f"lumped: {name} holds " + " and ".join(_trouble(world, n) for n in sorted(members[incident]))
            )
        elif not members[incident]:
            faults.append(f"false: {name} holds none but noise and shared events")
    for number in range(len(world.troubles)):
        parts = {i: on for i, on in spread[number].items() if i in told}
        if not parts:
            where = ", ".join(_named(incident, told) for incident in sorted(spread[number]))
            faults.append(f"untold: {_trouble(world, number)} has no incident that was told; its events are in {where}")
        if len(spread[number]) > 1:
            where = "; ".join(f"{_named(i, told)}: {', '.join(sorted(on))}" for i, on in sorted(spread[number].items()))
            faults.append(f"torn: {_trouble(world, number)} over {where}")
    return faults


def _named(incident: str, told: Collection[str]) -> str:
    if not incident:
        return "none"
    return incident if incident in told else f"{incident} (untold)"


def _causes(world: TroubleWorld, named: dict[int, str | None]) -> list[str]:
    return [
        f"cause: {_trouble(world, number)} is put down to {cause or 'nobody (abstained)'}"
        for number, cause in sorted(named.items())
        if cause != world.troubles[number].root
    ]


def _trouble(world: TroubleWorld, number: int) -> str:
    trouble = world.troubles[number]
    silent = " silent," if trouble.root in world.silent else ""
    return f"trouble {number} ({trouble.root},{silent} t+{(trouble.at - START) // 1000}s, {len(trouble.down)} down)"


def summary(scores: list[Score]) -> str:
    """The figures of many seeds in one line."""
    troubles = sum(len(s.world.troubles) for s in scores)
    exact = sum(s.exact for s in scores)
    return (
        f"{len(scores)} seeds, {troubles} troubles: number of incidents exact in {exact / len(scores):.1%}, "
        f"adjusted Rand index mean {statistics.fmean(s.rand for s in scores):.4f} "
        f"(worst {min(s.rand for s in scores):.3f}); {_hits(scores, silent=False)}; {_hits(scores, silent=True)}"
    )


def _hits(scores: list[Score], silent: bool) -> str:
    answers = [
        "right" if cause == root else "abstained" if cause is None else "wrong"
        for one in scores
        for number, cause in one.named.items()
        if ((root := one.world.troubles[number].root) in one.world.silent) is silent
    ]
    counts = Counter(answers)
    said = ", ".join(f"{counts[answer]} {answer}" for answer in ("right", "abstained", "wrong"))
    return f"cause of {'silent' if silent else 'alerting'} roots {said}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--no-noise", action="store_true", help="the same troubles without noise alerts")
    parser.add_argument(
        "--verbose", action="store_true", help="every seed with a fault: also torn events, wrong causes"
    )
    asked = parser.parse_args()
    scores, by_kind = [], defaultdict(list)
    out = sys.stdout.write
    for seed in range(asked.first, asked.first + asked.seeds):
        one = score(make(seed, noise=not asked.no_noise))
        scores.append(one)
        by_kind[one.world.kind].append(one)
        if not one.exact or one.rand < 0.95 or (asked.verbose and one.faults):
            out(
                f"seed {seed:3} {one.world.kind:15} {len(one.world.topology.entities)} entities, "
                f"{len(one.world.events)} events: told {one.told} of {len(one.world.troubles)}, rand {one.rand:.3f}\n"
            )
            out("".join(f"      {fault}\n" for fault in one.faults))
    for kind, part in sorted(by_kind.items()):
        out(f"{kind:15} {summary(part)}\n")
    out(f"{'all':15} {summary(scores)}\n")


if __name__ == "__main__":
    main()
