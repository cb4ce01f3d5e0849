"""All of publishing: the dispatcher, the reconciler and the poller over the same sinks and breakers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.delivery import DispatchSettings
from engine.publish.dispatcher import Dispatcher
from engine.publish.loop import Loop
from engine.publish.poller import Poller, PollSettings, Submit
from engine.publish.reconciler import Reconciler, ReconcileSettings
from engine.sending import Outbox, Sink


class PublisherSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Those of the three."""

    dispatch: DispatchSettings = DispatchSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    poll: PollSettings = PollSettings()


class Publisher:
    """Runs them between `start` and `stop`. ``submit`` puts what flows back into the input log."""

    def __init__(
        self,
        outbox: Outbox,
        sinks: Sequence[Sink],
        submit: Submit,
        clock: Clock,
        metrics: EngineMetrics,
        settings: PublisherSettings,
    ) -> None:
        self._dispatcher = Dispatcher(outbox, sinks, clock, metrics, settings=settings.dispatch)
        breakers = self._dispatcher.breakers
        self._reconciler = Reconciler(outbox, sinks, clock, metrics, breakers, settings=settings.reconcile)
        self._poller = Poller(outbox, sinks, submit, clock, metrics, breakers, settings=settings.poll)
        self.wake, self.redrive, self.hinted = self._dispatcher.wake, self._dispatcher.redrive, self._poller.hinted

    @property
    def loops(self) -> list[Loop]:
        """All threads."""
        return [loop for part in (self._dispatcher, self._reconciler, self._poller) for loop in part.loops]

    def start(self) -> None:
        """Begin all threads."""
        for part in (self._dispatcher, self._reconciler, self._poller):
            part.start()

    def stop(self) -> None:
        """End them; calls in flight get a few seconds."""
        for part in (self._poller, self._reconciler, self._dispatcher):
            part.stop()
