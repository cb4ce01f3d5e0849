"""A world in trouble: all that monitoring systems and people send an engine while things break and heal.

Troubles spread from a root to what leans on it; their alerts are repeated, end, flap, fall silent or come back;
heartbeats go on, but for one; people act on whatever the engine, which runs along here without its shell, has open.
"""

from __future__ import annotations

import heapq
import random
from datetime import UTC, datetime
from itertools import groupby

import msgspec

from engine import own
from engine.lifecycle import OPEN
from engine.signals import Command
from ingest.decoders import decode as decode_theirs
from tests.crash.catalogue import CRITICAL, DOMAINS, NEEDS, PARTS, START, TOPOLOGY, impatient
from tests.crash.feeds import Line
from tests.scenarios.drive import Driven

V2, JSON = "alertmanager-v2", "json"
REPEAT = 8_000  # ms between two notifications of an alert that fires
STEP = 4_000
BEAT = 12_000


def rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def leaning_on(root: str) -> list[str]:
    """What the parts' troubles reach, nearest first."""
    reached = [root]
    for one in reached:
        reached += [consumer for consumer, provider in NEEDS if provider == one and consumer not in reached]
    return reached


def v2(
    entity: str, name: str, severity: str, start: int, *, ends: int | None = None, text: str = ""
) -> dict[str, object]:
    """An alert as Prometheus sends it; ``ends`` in the future is its expiry, in the past its end."""
    labels = {"alertname": name, "service": entity, "severity": severity}
    alert: dict[str, object] = {"labels": labels, "annotations": {"summary": text}, "startsAt": rfc3339(start)}
    return alert if ends is None else alert | {"endsAt": rfc3339(ends)}


class World:
    """Things to be sent, by time; `lines` sends them."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.engine = Driven(TOPOLOGY, impatient(), start=START)
        self.now = START
        self._sent = 0
        self._waiting: list[tuple[int, int, str, object]] = []
        self._number = 0
        self._silent_until = 0
        versions = (("topology", TOPOLOGY.version), ("rules", impatient().version))
        self._lines = [
            Line(n, START, own.FORMAT, own.activation(kind, version).body.decode())
            for n, (kind, version) in enumerate(versions)
        ]
        self._prologue()

    def lines(self, count: int) -> list[Line]:
        """The first so many records; the first two bring the topology and the rules into force. More can be asked for
        later, the world goes on where it was.
        """
        while len(self._lines) < count:
            self.now += STEP
            self._happen()
            for format, body in [*self._due(), *self._people()]:
                self._lines.append(Line(len(self._lines), self.now, format, body))
                decoded = own.decode(body.encode()) if format == own.FORMAT else decode_theirs(format, body.encode())
                self.engine.feed(self.now, decoded.signals)
        return self._lines[:count]

    def _send(self, at: int, format: str, thing: object) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (at, self._number, format, thing))

    def _due(self) -> list[tuple[str, str]]:
        due = []
        while self._waiting and self._waiting[0][0] <= self.now:
            due.append(heapq.heappop(self._waiting))
        by_format = groupby(sorted(due, key=lambda one: (one[2], one[1])), key=lambda one: one[2])
        return [(format, msgspec.json.encode([one[3] for one in things]).decode()) for format, things in by_format]

    def _prologue(self) -> None:
        """What must happen in every feed, however short; at random the rest."""
        self._two_and_their_root("search-")
        self._return("mail-")
        self._cascade("edge-")
        self._flap("stock-")

    def _happen(self) -> None:
        dice, now = self.dice, self.now
        if dice.random() < 0.25:
            kinds = (self._cascade, self._cascade, self._two_and_their_root, self._flap, self._return, self._odd)
            dice.choice(kinds)(f"{dice.choice(DOMAINS)}-")
        if (now - START) % BEAT == 0:
            self._send(now, JSON, {"kind": "heartbeat", "source": "steady", "every": BEAT / 1000})
            if now >= self._silent_until:
                self._send(now, JSON, {"kind": "heartbeat", "source": "mail-queue", "every": BEAT / 1000})
                self._silent_until = now + 6 * BEAT if dice.random() < 0.1 else 0
        entity = f"{dice.choice(DOMAINS)}-{dice.choice(PARTS)}"
        value = 100 + dice.randint(-5, 5) + 400 * (dice.random() < 0.1)
        self._send(
            now, JSON, {"kind": "metric", "t": now / 1000, "service": entity, "metric": "latency", "value": value}
        )
        if dice.random() < 0.1:
            self._send(now, JSON, {"kind": "change", "t": now / 1000, "service": entity, "change": "deploy"})
            self._send(
                now, JSON, {"kind": "log", "t": now / 1000, "service": entity, "level": "error", "message": "it broke"}
            )

    def _spell(self, entity: str, name: str, severity: str, start: int, length: int, *, ends: bool = True) -> None:
        """Fires, is repeated (now and then with news), and ends by word or by silence."""
        expires = self.dice.random() < 0.5
        for at in range(start, start + length, REPEAT):
            text = "worse" if self.dice.random() < 0.1 else "bad"
            alert = v2(entity, name, severity, start, ends=at + 3 * REPEAT if expires else None, text=text)
            self._send(at, V2, alert)
        if ends:
            self._send(start + length, V2, v2(entity, name, severity, start, ends=start + length, text="bad"))

    def _cascade(self, domain: str) -> None:
        """A root, then what leans on it."""
        at, length = self.now, self.dice.randrange(4_000, 60_000, 2_000)
        ends = self.dice.random() < 0.7
        for distance, part in enumerate(leaning_on(self.dice.choice(PARTS))):
            severity = "critical" if distance == 0 else self.dice.choice(("warning", "info"))
            self._spell(f"{domain}{part}", f"{part}Bad", severity, at + 1_000 * distance, length, ends=ends)

    def _two_and_their_root(self, domain: str) -> None:
        """Two troubles that turn out to be one."""
        self._spell(f"{domain}queue", "Backlog", "warning", self.now, 40_000)
        self._spell(f"{domain}cache", "Misses", "warning", self.now + 1_000, 40_000)
        self._spell(f"{domain}web", "Slow", "critical", self.now + 9_000, 30_000)
        self._spell(f"{domain}db", "DiskFull", "critical", self.now + 13_000, 30_000)
        self._spell(f"{domain}api", "Errors", "critical", self.now + 14_000, 30_000)

    def _flap(self, domain: str) -> None:
        """On and off for minutes, in our own format."""
        alert = {"kind": "alert", "service": f"{domain}api", "name": "Flaps", "severity": "critical"}
        for at in range(self.now, self.now + 480_000, 60_000):
            self._send(at, JSON, alert | {"t": at / 1000, "status": "firing"})
            self._send(at + 8_000, JSON, alert | {"t": (at + 8_000) / 1000, "status": "resolved"})

    def _return(self, domain: str) -> None:
        """Healed, and ill again after its incident was closed."""
        self._spell(f"{domain}queue", "Returns", "critical", self.now, 12_000)
        self._spell(f"{domain}queue", "Returns", "critical", self.now + 52_000, 12_000)

    def _odd(self, domain: str) -> None:
        """What nobody knows, what cannot be read, and what repeats by the hour."""
        self._spell(f"stranger-{self.dice.randint(1, 9)}", "Unheard", "critical", self.now, 10_000)
        self._send(self.now, V2, {"labels": 5})
        self._send(self.now, V2, v2(CRITICAL + "-web", "Watchdog", "none", START))

    def _people(self) -> list[tuple[str, str]]:
        """Somebody acts on an incident that is open, or silences what annoys."""
        open_now = sorted(name for name, one in self.engine.core.state.incidents.items() if one.state in OPEN)
        if self.dice.random() > 0.15 or not open_now:
            return []
        target, other = self.dice.choice(open_now), self.dice.choice(open_now)
        until = {"until": rfc3339(self.now + 30_000), "matchers": f"alertname={self.dice.choice(PARTS)}Bad"}
        action, facts = self.dice.choice(
            [
                ("acknowledge", {}), ("note", {"text": "on it"}), ("assign", {"assignee": "ann"}), ("declare", {}),
                ("restore", {}), ("override_severity", {"level": "SEV2"}), ("merge", {"into": other}), ("close", {}),
                ("false_alarm", {}), ("silence", until), ("silence", until), ("unheard-of", {}),
            ]
        )  # fmt: skip
        target = f"quiet-{self._number}" if action == "silence" else target
        return [(own.FORMAT, own.command(Command("ann", action, target, "because", facts)).body.decode())]
