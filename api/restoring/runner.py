"""Carries out automated steps that the core has begun, and puts what came of them into the input log.

A step is handed over once, after its beginning is durable. If this process dies before the outcome is durable, nobody
runs it again: the core lets it become unclear, visibly, and a person decides.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.restoring.hands import Hands, Outcome
from engine import own
from engine.errors import StoreUnavailable
from engine.ports import Record
from engine.response_views import FAILED_RUN
from engine.signals import Command
from ingest import process
from rules.playbooks import Step
from rules.playbooks.policy import ContinuityPolicy

log = logging.getLogger(__name__)

ITSELF = "headwater"
AGAIN = 1.0
"""Seconds between two tries to store an outcome."""
ENDING = 10.0


class Busy(Exception):
    """As many steps are under way as the settings allow."""


class Runner:
    """``submit`` puts a record into the input log. Thread-safe."""

    def __init__(
        self, hands: Hands, submit: Callable[[Record], Future[None]], registry: CollectorRegistry, threads: int = 4
    ) -> None:
        self.hands, self._submit, self._most = hands, submit, threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="step")
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._under_way: set[str] = set()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._runs = Counter(
            "headwater_steps", "Automated steps of playbooks that were carried out.", ("outcome",), registry=registry
        )
        Gauge(
            "headwater_steps_under_way", "Automated steps that are being carried out.", registry=registry
        ).set_function(lambda: float(len(self._under_way)))

    def reserve(self, run: str) -> None:
        """Keep a place for a step. Raises `Busy`."""
        with self._lock:
            if self._stop.is_set() or len(self._under_way) >= self._most:
                raise Busy(f"{self._most} steps are under way, as many as the settings allow at once")
            self._under_way.add(run)

    def release(self, run: str) -> None:
        """Give a place back."""
        with self._lock:
            self._under_way.discard(run)

    def begin(self, step: Step, policy: ContinuityPolicy, incident: str, about: Mapping[str, str]) -> None:
        """Carry out a step whose beginning is durable, and for which there is a place."""
        self._pool.submit(self._work, step, policy, incident, about)

    def stop(self) -> None:
        """Kill what is under way, and store that it was."""
        self._stop.set()
        with self._lock:
            children = list(self._children.values())
        for child in children:
            process.end(child)
        threading.Thread(target=self._pool.shutdown, daemon=True).start()
        waited = threading.Event()
        for _ in range(int(ENDING * 20)):
            if not self._under_way or waited.wait(0.05):
                return

    def _work(self, step: Step, policy: ContinuityPolicy, incident: str, about: Mapping[str, str]) -> None:
        run = about["run"]
        try:
            found = self.hands.carry_out(step, policy, about, lambda child: self._note(run, child))
            if self._stop.is_set() and found.outcome == FAILED_RUN:
                found = Outcome(
                    outcome=FAILED_RUN, detail="killed: Headwater was stopped meanwhile", output=found.output
                )
            self._runs.labels(found.outcome).inc()
            self._tell(incident, run, found)
        except Exception:
            log.exception("the outcome of run %s is not stored: it will be unclear", run)
        finally:
            with self._lock:
                self._children.pop(run, None)
            self.release(run)

    def _note(self, run: str, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._children[run] = child
        if self._stop.is_set():
            process.end(child)

    def _tell(self, incident: str, run: str, found: Outcome) -> None:
        facts = {
            "run": run,
            "outcome": found.outcome,
            "detail": found.detail,
            "output": found.output,
            "sha256": found.sha256,
            "took": str(found.took),
        }
        if found.code is not None:
            facts["code"] = str(found.code)
        record = own.command(Command(ITSELF, "step_ended", incident, "", facts))
        while True:
            try:
                self._submit(record).result(ENDING)
                return
            except (StoreUnavailable, TimeoutError) as error:
                if self._stop.wait(AGAIN):
                    log.error("the outcome of run %s is not stored: %s", run, error)
                    return
