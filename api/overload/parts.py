"""The inbox with its lanes, the disk that bounds it, and what is told of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.doorway import Doorway
from api.overload.ballast import Ballast
from api.overload.disk import Disk, Reserve, ballast_size, usage
from api.overload.schemas import DiskLoad, LaneLoad, Load
from api.overload.urgent import UrgentAlerts
from api.overload_settings import Overload
from api.schemas import Check
from api.settings import Settings
from engine.metrics import EngineMetrics
from engine.ports import Clock, Source
from engine.submissions import Submissions
from ingest.inbox import HttpInbox
from ingest.overload.classify import Classifier
from ingest.overload.held import Held
from ingest.overload.policy import MODES, READ_ONLY, Lane, Limits, Room, Space, modes, refusal
from rules.ruleset import RuleSet
from topology.model import Topology


def admitting(
    settings: Settings,
    compact: Callable[[], None],
    submissions: Submissions,
    clock: Clock,
    metrics: EngineMetrics,
    stack: ExitStack,
) -> tuple[Admission, Doorway]:
    """The inbox with the disk that bounds it, and the way to wait for what is put into it."""
    asked = settings.overload
    ballast = Ballast(settings.data / "ballast", 0 if settings.store else ballast_size(asked.ballast, settings.data))
    found = Admission(asked, settings.data, ballast, clock, compact, metrics.registry)
    stack.callback(found.disk.stop)
    metrics.watch_source("http", lambda: found.inbox.depth()[0], lambda: found.inbox.depth()[2])
    return found, Doorway(found.inbox, submissions, settings.limits.wait)


class Admission(Collector):
    """``writable`` says whether the store can be written; set once the service is there, as what alerts are judged by.

    Registers its metrics.
    """

    def __init__(
        self, asked: Overload, folder: Path, reserve: Reserve, clock: Clock, compact: Callable[[], None],
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        limits = Limits(
            ages=(asked.alerts, asked.alerts, asked.telemetry, asked.backfill), records=asked.records,
            bytes=asked.bytes,
        )  # fmt: skip
        self.inbox = HttpInbox(limits=limits, classify=Classifier(clock, round(asked.old * 1000)))
        room = Room(low_share=asked.disk_low, low_bytes=asked.disk_low_bytes)
        self._folder = folder
        self.disk = Disk(lambda: usage(self._folder), reserve, room, self._room, compact)
        self.writable: Callable[[], bool] = lambda: True
        registry.register(self)

    def judge_by(
        self, topology: Callable[[], Topology], rules: Callable[[], RuleSet], writable: Callable[[], bool]
    ) -> None:
        """What makes an alert urgent, and whether the store can be written."""
        self.inbox.urgent = UrgentAlerts(topology, rules)
        self.writable = writable

    def hold(self, source: Source) -> Source:
        """The source, not read while the disk is full."""
        return Held(source, lambda: self.inbox.space is Space.FULL)

    def _room(self, space: Space) -> None:
        self.inbox.space = space

    def degraded(self) -> list[str]:
        """The modes in force, the mildest first."""
        found = list(modes(self.inbox.load(), self.inbox.limits))
        return found if self.writable() else [*found, READ_ONLY]

    def load(self) -> Load:
        """For the API."""
        inbox, disk = self.inbox, self.disk
        load, waiting, shed = inbox.load(), inbox.waiting(), dict(inbox.shed)
        lanes = [
            LaneLoad(
                lane=lane.word, waiting=waiting[lane], oldest=round(load.ages[lane], 3),
                refused=refusal(lane, load, inbox.limits) or "",
                shed={why.value: count for (of, why), count in sorted(shed.items()) if of is lane},
            )
            for lane in Lane
        ]  # fmt: skip
        found = DiskLoad(state=disk.state, total=disk.usage.total, free=disk.usage.free, ballast=disk.ballast)
        return Load(degraded=self.degraded(), lanes=lanes, bytes=load.bytes, disk=found)

    def checks(self) -> list[Check]:
        """For readiness: not ready when alerts are refused; what is shed before that is told beside it."""
        load, limits = self.inbox.load(), self.inbox.limits
        waiting = f"{load.records} waiting, the oldest for {max(load.ages):.1f} s"
        shed = [lane.word for lane in Lane if refusal(lane, load, limits) is not None]
        if shed:
            waiting += f"; refused: {', '.join(shed)}"
        free = f"{self.disk.usage.free // (1024 * 1024)} MiB free"
        return [
            Check("queue", load.space is Space.FULL or refusal(Lane.ALERTS, load, limits) is None, waiting),
            Check("disk", load.space is not Space.FULL, free if load.space is Space.AMPLE else f"{load.space}: {free}"),
        ]

    def collect(self) -> Iterator[Metric]:
        """For each scrape."""
        load, waiting, shed = self.inbox.load(), self.inbox.waiting(), dict(self.inbox.shed)
        in_force = self.degraded()
        mode = GaugeMetricFamily("headwater_degraded", "1 for each degraded mode in force.", labels=["mode"])
        for one in MODES:
            mode.add_metric([one], float(one in in_force))
        records = GaugeMetricFamily("headwater_lane_records", "Inputs that wait to be stored.", labels=["lane"])
        ages = GaugeMetricFamily("headwater_lane_age_seconds", "Age of the oldest of them.", labels=["lane"])
        for lane in Lane:
            records.add_metric([lane.word], waiting[lane])
            ages.add_metric([lane.word], load.ages[lane])
        refused = CounterMetricFamily(
            "headwater_shed_requests", "Requests refused, none of which got a 2xx.", labels=["lane", "reason"]
        )
        for (lane, why), count in shed.items():
            refused.add_metric([lane.word, why.value], count)
        free = GaugeMetricFamily("headwater_disk_free_bytes", "Free bytes where the data lies.")
        free.add_metric([], self.disk.usage.free)
        ballast = GaugeMetricFamily("headwater_disk_ballast", "1 while the ballast is held.")
        ballast.add_metric([], float(self.disk.ballast))
        yield from (mode, records, ages, refused, free, ballast)
