"""What is watched in a simulation: two small shops, one of tier 0, their troubles, and what is sent because of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from engine.signals import Millis
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from topology.model import Dependency, Entity, Kind, Topology

START: Millis = 1_700_000_000_000
SHOPS = ("edge", "mail")
PARTS = ("db", "api", "web")


def _topology() -> Topology:
    """``web`` leans on ``api``, which leans on ``db``."""
    kinds = {"db": Kind.DATABASE}
    entities = [
        Entity(id=f"{shop}-{part}", kind=kinds.get(part, Kind.SERVICE), tier=0 if shop == "edge" else 2, users=100)
        for shop in SHOPS
        for part in PARTS
    ]
    dependencies = [
        Dependency(consumer=f"{shop}-{consumer}", provider=f"{shop}-{provider}")
        for shop in SHOPS
        for consumer, provider in (("web", "api"), ("api", "db"))
    ]
    return Topology.build(entities, dependencies)


TOPOLOGY = _topology()
RULES = RuleSet(
    Content(
        correlation=Correlation(
            group_wait=4_000, group_interval=10_000, resolve_timeout=30_000, lateness=10_000, log_lateness=10_000,
            window=30_000, linger=60_000, recover_after=10_000,
        )
    )
)  # fmt: skip


class Request(NamedTuple):
    """Something a monitoring system sends at ``at``, again and again until it hears yes."""

    at: Millis
    format: str
    body: bytes


def rfc3339(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def requests(dice: random.Random, lasting: Millis) -> list[Request]:
    """Troubles that spread, are repeated and end; heartbeats, samples, a change. No two bodies are equal."""
    found: list[Request] = []

    def send(at: Millis, format: str, content: Any) -> None:
        found.append(Request(at, format, msgspec.json.encode(content)))

    for number in range(dice.randint(1, 3)):
        shop, at = dice.choice(SHOPS), START + dice.randrange(lasting)
        length = dice.randrange(10_000, 90_000)
        for distance, part in enumerate(PARTS[: dice.randint(1, 3)]):
            labels = {"alertname": f"Bad{number}", "service": f"{shop}-{part}", "severity": "critical"}
            begin = at + 1_500 * distance
            times = [*range(begin, begin + length, 15_000), begin + length]
            for time in times:
                over = {"endsAt": rfc3339(time)} if time == times[-1] else {}
                note = {"summary": f"bad since {time - begin} ms"}
                alert = {"labels": labels, "startsAt": rfc3339(begin), "annotations": note, **over}
                send(time, "alertmanager-v2", [alert])
    for time in range(START, START + lasting, 30_000):
        send(time, "json", {"kind": "heartbeat", "source": "cron", "every": 45, "t": time / 1000})
    for _ in range(4):
        time = START + dice.randrange(lasting)
        sample = {"kind": "metric", "t": time / 1000, "service": f"{dice.choice(SHOPS)}-db", "metric": "latency"}
        send(time, "json", {**sample, "value": dice.randrange(1000)})
    time = START + dice.randrange(lasting)
    send(time, "json", {"kind": "change", "t": time / 1000, "service": "edge-api", "change": "deploy"})
    return sorted(found)
