"""A world in which everything happens: alerts in any order, telemetry, commands, silences, versions, own downtime.

The same seed gives the same inputs. `record` runs them once (commands aim at incidents that are there by then) and
returns them, so that another run can be compared with the first.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

from engine.continuity.desk import CONTINUITY_COMMANDS
from engine.policy import ACTIONS
from engine.signals import (
    Activation,
    AlertEvent,
    Change,
    Command,
    Downtime,
    Heartbeat,
    Labels,
    LogRecord,
    Millis,
    Samples,
    Signal,
    Span,
)
from rules.gates import Exclusion, Inhibition, Threshold, Window
from rules.matchers import Matcher
from rules.ruleset import Content, RuleSet
from tests.continuity.payments import policy
from tests.engine.laws import Lawful
from tests.scenarios.drive import Arrival
from tests.scenarios.world import MIDNIGHT, chain
from topology.model import Entity, Topology

PLACES = ("shop", "cart", "pay", "db", "mq", "host", "lone", "stranger", "prom")
NAMES = ("Down", "Slow", "NoRequests", "Watchdog")
SMALL = (
    chain("shop -> cart -> db -> host", "shop -> pay -> db", "pay -> mq -> host", entities=[Entity(id="lone", tier=0)]),
    chain("shop -> cart -> db", "pay -> mq", "aaa -> db", entities=[Entity(id="box", aliases=("host",))]),
)


def gates(now: Millis) -> RuleSet:
    """Rules with a gate of every kind."""
    slow, down = (Matcher("alertname", "=", name) for name in ("Slow", "Down"))
    inhibition = Inhibition("inhibit", (down,), (slow,), ("zone",))
    return RuleSet(
        Content(
            maintenance=(Window("work", entities=("mq",), starts_at=now, ends_at=now + 600_000),),
            scope=(Exclusion("out", (Matcher("zone", "=", "lab"),)),),
            thresholds=(Threshold("long", (slow,), wait=60_000, above=10, clear_below=5, clear_for=60_000),),
            inhibitions=(inhibition,),
            modes=(("out", "shadow"),),
        )
    )


class Chaos:
    """One seed's inputs, made while they happen."""

    def __init__(self, seed: int, driven: Lawful) -> None:
        self.rng = random.Random(f"chaos {seed}")
        self.driven = driven
        for topology in SMALL:
            driven.library.add_topology(topology)
        self.topologies = [topology.version for topology in SMALL]
        rules = (RuleSet.default().with_continuity(policy(PLACES[0])), gates(MIDNIGHT))
        self.rules = [driven.library.add_rules(one) for one in rules]

    def signals(self, now: Millis) -> tuple[Signal, ...]:
        """What comes next."""
        makers = (self._alert, self._telemetry, self._command, self._beat, self._version, self._down)
        kind = self.rng.choices(makers, (70, 10, 12, 4, 3, 1))[0]
        return tuple(kind(now) for _ in range(1 if kind is self._down else self.rng.choice((1, 1, 2, 5))))

    def _alert(self, now: Millis) -> Signal:
        rng = self.rng
        labels = {"alertname": rng.choice(NAMES), "service": rng.choice(PLACES), "zone": rng.choice(("", "lab", "eu"))}
        start = rng.choice((None, now, now - rng.randrange(120_000), now - 3_600_000, now + 10**9, 0, -5))
        firing = rng.random() < 0.65
        ends = rng.choice((None, now + rng.randrange(600_000), now - rng.randrange(600_000)))
        notes = b'{"severity":"%s"}' % rng.choice((b"critical", b"warning", b"info", b"error"))
        value = rng.choice((None, 1.0, 7.0, 20.0))
        return AlertEvent(Labels.of(labels), firing, start, ends, notes, "", value, resent=rng.random() < 0.5)

    def _telemetry(self, now: Millis) -> Signal:
        rng = self.rng
        labels = Labels.of({"service": rng.choice(PLACES), "__name__": rng.choice(("cpu", "errors"))})
        times = tuple(now - 60_000 * n - rng.randrange(1000) for n in reversed(range(rng.choice((1, 12)))))
        at = rng.choice((None, now, now - 100_000))
        return rng.choice(
            (
                Samples(labels, times, tuple(rng.choice((1.0, 1.1, 50.0)) for _ in times), rng.random() < 0.1),
                LogRecord(labels, at, rng.choice(("info", "error")), "message"),
                Span(labels, "t", "s", "", "op", now - 5, now, rng.random() < 0.5),
                Change(labels, at, "deploy", "4.2"),
            )
        )

    def _command(self, now: Millis) -> Signal:
        rng = self.rng
        known = [*self.driven.revisions, "INC-0", "out", "quiet"]
        target = rng.choice(known)
        until = datetime.fromtimestamp((now + rng.randrange(1, 900_000)) / 1000, UTC).isoformat()
        numbers = rng.sample(sorted(self.driven.alerts) or [1], 1)
        facts = {
            "into": rng.choice(known),
            "alerts": " ".join(str(number) for number in numbers),
            "level": rng.choice(("SEV1", "SEV9")),
            "until": until,
            "entities": rng.choice(PLACES),
            "mode": rng.choice(("shadow", "enforce", "on")),
            "text": "a note",
            "assignee": "ada",
        } | self._of_continuity()
        chosen = {name: value for name, value in facts.items() if rng.random() < 0.9}
        usual = [name for name, action in ACTIONS.items() if action.command and name not in CONTINUITY_COMMANDS]
        action = rng.choice(rng.choice((usual, usual, list(CONTINUITY_COMMANDS))))
        return Command("ada", action, target, rng.choice(("because", "because", "")), chosen)

    def _of_continuity(self) -> dict[str, str]:
        rng = self.rng
        steps = ("look", "choose", "failover", "serve")
        return {
            "playbook": "orders-db-lost",
            "despite": "all of it",
            "task": rng.choice(steps),
            "gate": rng.choice(("lag", "window")),
            "option": rng.choice(("failover", "repair")),
            "kind": "route",
            "measure": "measure-1",
            "person": "bo",
            "system": "db",
            "minutes": "2",
            "grant": rng.choice(("grant-1", "grant-2")),
            "vendor": "cloud-support",
            "call": "call-1",
            "to": "ada",
            "technical": "ada",
            "business": "bo",
            "findings": "none",
            "owner": "bo",
        }

    def _beat(self, now: Millis) -> Signal:
        return Heartbeat(self.rng.choice(("prom", "db", "feed")), 60_000, self.rng.choice((None, now, now - 30_000)))

    def _version(self, now: Millis) -> Signal:
        kind, versions = self.rng.choice((("topology", self.topologies), ("rules", self.rules)))
        return Activation(kind, self.rng.choice(versions))

    def _down(self, now: Millis) -> Signal:
        return Downtime(now, now + self.rng.randrange(20_000, 900_000))


def record(seed: int, length: int) -> tuple[Lawful, list[Arrival]]:
    """A world of ``length`` inputs, as it went, and the inputs."""
    driven = Lawful(SMALL[0], start=MIDNIGHT)
    chaos = Chaos(seed, driven)
    inputs: list[Arrival] = []
    for _ in range(length):
        now = driven.now + chaos.rng.choice((0, 50, 1_000, 20_000, 20_000, 240_000))
        signals = chaos.signals(now)
        if inputs and isinstance(gap := inputs[-1][1][0], Downtime):
            now = max(now, gap.until)
        inputs.append((now, signals))
        driven.feed(now, signals)
    driven.pass_time(driven.now + 7_200_000)
    return driven, inputs


def again(inputs: list[Arrival], library: Lawful, restarts: frozenset[int], ticks: random.Random | None) -> Lawful:
    """The same inputs into a new core, which carries on from a snapshot after the inputs numbered in ``restarts``."""
    driven = Lawful(Topology.build(SMALL[0].entities.values(), SMALL[0].content.dependencies), start=MIDNIGHT)
    driven.library = library.library
    driven.restart()
    for number, (now, signals) in enumerate(inputs):
        if ticks is not None and now > driven.now + 1:
            driven.pass_time(now - 1, lambda: ticks.randrange(1, 30_000))
        driven.feed(now, signals)
        if number in restarts:
            driven.restart()
    driven.pass_time(driven.now + 7_200_000)
    return driven
