"""The play of a service that is degraded, broken, half repaired and repaired: what Headwater says and draws in each.

`python -m tests.real.play docs` draws the charts of the documentation from such a run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.api.live import Live, live
from tests.real.stage import Relay, Stage, watching

CATALOGUE = """
entities:
  - {id: cart, kind: business_service}
"""
HEALTHY, DEGRADED, BROKEN, HALF = 100.0, 150.0, 600.0, 125.0
MINUTES = 2
PHASES = ("degraded", "broken", "half-repaired", "repaired")


class Play:
    """The world, and what was said and drawn in each phase."""

    def __init__(self, stage: Stage, world: Live) -> None:
        self.stage, self.world = stage, world
        self.said: dict[str, dict[str, Any]] = {}
        self.drawn: dict[str, str] = {}

    def incident(self) -> dict[str, Any]:
        found = [one for one in self.world.get("/api/v1/incidents")["items"] if not one["merged_into"]]
        assert len(found) <= 1, "it is one trouble"
        return found[0] if found else {}

    def recovery(self) -> dict[str, Any]:
        """What the API answers; empty while there is nothing to say."""
        answer = self.world.client.get(f"/api/v1/incidents/{self.incident()['id']}/recovery")
        if answer.status_code == 409:
            return {}
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def verdict(self, *wanted: str) -> dict[str, Any]:
        found = self.recovery()
        return found if found and found["verdict"] in wanted else {}

    def keep(self, phase: str) -> None:
        incident = self.incident()
        self.said[phase] = {"incident": incident, "recovery": self.recovery()}
        answer = self.world.client.get(f"/api/v1/incidents/{incident['id']}/recovery/1.svg")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/svg+xml"
        self.drawn[phase] = answer.text


@contextmanager
def played(folder: Path) -> Iterator[Play]:
    """The play from its beginning to its end; Headwater still runs."""
    (folder / "catalogue").mkdir()
    stage = Stage()
    with ExitStack() as stack:
        relay = Relay(stage)
        stack.callback(relay.stop)
        world = stack.enter_context(live(folder, clock=stage.clock, catalogue=CATALOGUE))
        relay.to = world.url
        prometheus = watching(folder / "prometheus", relay)
        stack.callback(prometheus.stop)
        found = Play(stage, world)
        _perform(stage, found)
        yield found


def _perform(stage: Stage, play: Play) -> None:
    stage.go(45 * MINUTES)
    stage.level = DEGRADED
    stage.until(lambda: play.incident().get("state") == "declared", "the incident is declared", 10 * MINUTES)
    stage.go(6 * MINUTES)
    play.keep("degraded")
    stage.level, stage.rate = BROKEN, 30.0
    stage.until(lambda: play.incident()["alerts"] == 2, "the critical alert fires as well", 10 * MINUTES)
    stage.go(6 * MINUTES)
    play.keep("broken")
    stage.level, stage.rate = HALF, 50.0
    stage.until(lambda: play.incident()["state"] == "recovering", "the alerts have ended", 10 * MINUTES)
    stage.until(lambda: play.verdict("residual_degradation"), "the degradation that is left is seen", 20 * MINUTES)
    stage.go(2 * MINUTES)
    play.keep("half-repaired")
    stage.level = HEALTHY
    stage.until(lambda: play.incident()["state"] == "resolved", "it is resolved", 30 * MINUTES)
    play.keep("repaired")


def draw(into: Path) -> None:
    """The four charts as files."""
    with tempfile.TemporaryDirectory() as folder, played(Path(folder)) as play:
        for phase, drawn in play.drawn.items():
            (into / f"recovery-{phase}.svg").write_text(f"{drawn}\n", encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
