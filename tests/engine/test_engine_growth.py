"""More of the same is only counted, and that gives byte for byte what settling anew gives."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from engine import growth, settle
from engine.context import Context
from engine.settled import Settled
from engine.signals import AlertEvent, Command, Labels, Millis, Samples, Signal
from engine.state import Domain
from tests.scenarios.drive import Driven
from topology.model import Dependency, Entity, Semantics, Topology

START: Millis = 1_790_000_000_000
MINUTE: Millis = 60_000
QUIET = 45 * MINUTE
SEEDS = (*range(5), 160, 178)
NAMES = ("High", "QueueEmpty", "Dead")


def flooded(seed: int) -> Driven:
    """A flood of alerts, many of one entity: new ones, repeats, ends, now and then a command, a sample or a restart."""
    rng = random.Random(f"flood {seed}")
    rough = rng.choice((0.02, 0.05, 0.2, 1.0))
    topology = _topology(rng)
    driven = Driven(topology, start=START - 1000)
    known: list[tuple[Labels, Millis, bytes]] = []
    now = START
    for step in range(rng.randint(40, 70)):
        now += rng.choice((5, 40, 40, 300, 900, 2_500, 20_000 if rng.random() < rough else 10))
        names = sorted(topology.entities)
        batch: list[Signal] = [_alert(rng, rough, names, known, now) for _ in range(rng.randint(1, 14))]
        if rng.random() < 0.04 * rough and driven.revisions:
            target = rng.choice(sorted(driven.revisions))
            action = rng.choice(("acknowledge", "note", "set_severity", "close"))
            batch.append(Command("ann", action, target, "because", {"text": "x", "level": "SEV1"}))
        if seed % 5 == 4 and step % 30 == 20:
            labels = Labels.of({"__name__": "latency", "service": "s-0-0"})
            batch.append(Samples(labels, tuple(range(now - MINUTE, now, 10_000)), (1.0, 2.0, 1.0, 2.0, 1.0, 50.0)))
        driven.feed(now, tuple(batch))
        if seed % 3 == 1 and step % 17 == 5:
            driven.restart()
        if rng.random() < 0.3:
            now += rng.randrange(1500)
            driven.pass_time(now)
    driven.pass_time(now + QUIET)
    return driven


def _topology(rng: random.Random) -> Topology:
    entities, dependencies = [], []
    objectives = rng.choice(((None,), (None, 600)))
    for db in range(rng.randint(1, 3)):
        entities.append(Entity(id=f"db-{db}", tier=rng.choice((None, 1, 2)), rto=rng.choice(objectives)))
        for place in range(rng.randint(2, 6)):
            entities.append(Entity(id=f"s-{db}-{place}", tier=rng.choice((None, 2)), users=rng.choice((None, 100))))
            kind = rng.choice((Semantics.HARD, Semantics.HARD, Semantics.HARD, Semantics.SOFT))
            dependencies.append(Dependency(consumer=f"s-{db}-{place}", provider=f"db-{db}", semantics=kind))
        if db and rng.random() < 0.3:
            dependencies.append(Dependency(consumer=f"s-{db}-0", provider=f"s-{db - 1}-0"))
    return Topology.build(entities, dependencies)


def _alert(
    rng: random.Random, rough: float, entities: list[str], known: list[tuple[Labels, Millis, bytes]], now: Millis
) -> Signal:
    which = rng.random() / rough
    if known and which < 0.2:
        labels, start, notes = rng.choice(known)
        return AlertEvent(labels, True, start, now + MINUTE * rng.randint(1, 6), notes, resent=True)
    if known and which < 0.23:
        labels, start, notes = known.pop(rng.randrange(len(known)))
        return AlertEvent(labels, False, start, now, notes)
    entity = "stranger" if which < 0.25 else rng.choice(entities)
    values = {"alertname": rng.choice(NAMES), "service": entity, "pod": f"p{rng.randrange(400)}"}
    if rng.random() < 0.2:
        values["metric"] = "cpu"
    notes = b'{"severity":"%s"}' % rng.choices((b"warning", b"critical", b"error", b"info"), (10, rough, 1, rough))[0]
    start = now - rng.choice((0, 0, 100, 5_000, 100_000 if rng.random() < rough else 0))
    ends = None if rng.random() < 0.2 else now + rng.choice((2_000 if rng.random() < rough else MINUTE, 5 * MINUTE))
    known.append((Labels.of(values), start, notes))
    return AlertEvent(known[-1][0], True, start, ends, notes, resent=rng.random() < 0.8)


def _all_of(driven: Driven) -> tuple[object, ...]:
    decided = [(d.domain, d.position, d.at, d.payload) for d in driven.decisions]
    return decided, driven.outbox, driven.revisions, driven.timeline, driven.alerts, driven.core.snapshot()


@pytest.mark.parametrize(
    "seeds", [pytest.param(SEEDS, id="7"), pytest.param(range(400), id="400", marks=pytest.mark.slow)]
)
def test_counting_more_of_the_same_gives_what_settling_anew_gives(
    seeds: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Settled | None] = []

    def watched(context: Context, domain: Domain, now: Millis) -> Settled | None:
        found.append(growth.grown(context, domain, now))
        return found[-1]

    for seed in seeds:
        monkeypatch.setattr(settle, "grown", watched)
        counted = _all_of(flooded(seed))
        monkeypatch.setattr(settle, "grown", lambda context, domain, now: None)
        assert _all_of(flooded(seed)) == counted, f"seed {seed}"
    assert sum(one is not None for one in found) > 5 * len(seeds), "little was counted: the comparison says nothing"
