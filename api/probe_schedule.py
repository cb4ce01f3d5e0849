"""When which probe or data check is due. Pure: time is an argument, nothing is run here.

Probes are spread over their interval by a hash of their id, so that they are not all made at once. A data check is made
when an incident that touches its store recovers, and again every minute until it passes.
"""

from __future__ import annotations

from collections.abc import Iterable

import xxhash

from engine.probing import Wanted
from engine.signals import Millis
from rules.probes import DataCheck, Probe

AGAIN: Millis = 60_000

Check = Probe | DataCheck


class Schedule:
    """The probes and data checks of one version of the rules."""

    def __init__(self, checks: Iterable[Check], now: Millis) -> None:
        self.checks: dict[str, Check] = {one.id: one for one in checks}
        self._last: dict[str, Millis] = {}
        self._since = now
        self._passed_for: dict[str, str] = {}
        self.wanted = Wanted()

    def next(self, id: str) -> Millis | None:
        """When it is due; None: when it is asked for."""
        check = self.checks[id]
        last = self._last.get(id)
        if isinstance(check, Probe):
            every = self.every(check)
            return self._since + _share(id, every) if last is None else last + every
        incident = self.wanted.restored.get(check.entity)
        if incident is None or self._passed_for.get(id) == incident:
            return None
        return self._since if last is None else last + AGAIN

    def every(self, probe: Probe) -> Millis:
        """How often it is made now."""
        often = probe.entity in self.wanted.often
        return min(probe.every, probe.during_incident) if often else probe.every

    def due(self, now: Millis) -> list[Check]:
        """What is due, the longest overdue first."""
        rows = [(at, id) for id in self.checks if (at := self.next(id)) is not None and at <= now]
        return [self.checks[id] for _, id in sorted(rows)]

    def begun(self, id: str, now: Millis) -> None:
        """It is made now."""
        self._last[id] = now

    def ended(self, id: str, *, passed: bool) -> None:
        """It was made: a data check that passed need not be made again for the same incident."""
        check = self.checks.get(id)
        if passed and isinstance(check, DataCheck) and check.entity in self.wanted.restored:
            self._passed_for[id] = self.wanted.restored[check.entity]

    def want(self, wanted: Wanted) -> None:
        """What incidents ask for now. One that recovers anew wants the data to be checked anew."""
        for id, incident in list(self._passed_for.items()):
            check = self.checks.get(id)
            if check is None or wanted.restored.get(check.entity) != incident:
                del self._passed_for[id]
        for id, check in self.checks.items():
            if isinstance(check, DataCheck) and check.entity not in wanted.restored:
                self._last.pop(id, None)
        self.wanted = wanted

    def follow(self, before: Schedule) -> None:
        """Take over what an earlier version of the rules knew of checks that are the same."""
        for id, check in self.checks.items():
            if before.checks.get(id) == check:
                self._last |= {id: before._last[id]} if id in before._last else {}
                self._passed_for |= {id: before._passed_for[id]} if id in before._passed_for else {}
        self.wanted = before.wanted


def _share(id: str, every: Millis) -> Millis:
    """A part of the interval, by the id alone."""
    return xxhash.xxh3_64_intdigest(id.encode()) % every
