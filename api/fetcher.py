"""Asks the declared Prometheus servers for the windows of declared indicators, and puts the answers into the input log.

One thread, one query after the other. A server that fails is left alone for the rest of the round, and what it was not
asked is told as well: a window without an answer has a reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial

from prometheus_client import CollectorRegistry, Counter

from api.schemas import Check as Ready
from engine import own
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.ports import Record
from engine.queries import Query, queries
from engine.recovery.window import Occasion
from engine.signals import Fetched, Millis
from ingest.probes.found import harmless
from ingest.prometheus_query import NoAnswer, QueryFailed, RangeClient, Ranged
from ingest.turning import Turning
from rules.ruleset import RuleSet
from topology.model import Topology

log = logging.getLogger(__name__)

LOOK = 5.0
"""Seconds between two looks at the incidents."""
AGAIN: Millis = 60_000
"""After so long the time since the alerts ended is asked for again, and what failed."""
ENDING = 10.0
_Key = tuple[str, str, str, Millis]


class Fetcher:
    """``clients`` by the names of the servers, the first of which is asked where a rule names none."""

    def __init__(
        self,
        clients: Mapping[str, RangeClient],
        rules: Callable[[], RuleSet],
        topology: Callable[[], Topology],
        open_incidents: Callable[[], Iterable[IncidentView]],
        submit: Callable[[Record], Future[None]],
        clock: Callable[[], Millis],
        registry: CollectorRegistry,
    ) -> None:
        self._clients, self._rules, self._topology = clients, rules, topology
        self._incidents, self._submit, self._clock = open_incidents, submit, clock
        self._loop = Turning("fetcher", self._run)
        self._asked: dict[_Key, Millis | None] = {}
        self._failed = Counter("headwater_query_failures", "Queries for windows that failed.", registry=registry)
        self._made = Counter("headwater_queries", "Queries for windows.", registry=registry)

    @property
    def loops(self) -> list[Turning]:
        """Its thread; without servers there is nothing to do, and none."""
        return [self._loop] if self._clients else []

    def start(self) -> None:
        """Begin the thread."""
        for loop in self.loops:
            loop.start()

    def stop(self) -> None:
        """Ask for nothing more; what is under way ends by its own time limit."""
        self._loop.end()
        self._loop.join(ENDING)

    def ready(self) -> Ready:
        """What readiness looks at. A server that fails keeps no sender out."""
        alive = all(loop.alive for loop in self.loops)
        text = f"{len(self._clients)} servers, {len(self._asked)} windows asked for"
        return Ready("queries", alive, text if alive else "its thread has ended")

    def _run(self) -> None:
        while not self._loop.ended:
            self._loop.turn()
            try:
                self.step()
            except Exception:
                log.exception("windows could not be asked for; trying again")
            self._loop.pause(LOOK)

    def step(self) -> None:
        """One round: ask for all that is due."""
        now = self._clock()
        wanted = queries(self._incidents(), self._rules().recovery, self._topology().resolve, now)
        due = {_key(one): one for one in wanted}
        self._asked = {key: at for key, at in self._asked.items() if key in due}
        down: dict[str, str] = {}
        for key, query in due.items():
            if self._loop.ended:
                return
            again = self._asked.get(key, 0)
            if again is None or again > now:
                continue
            self._loop.turn()
            answer, failed = self._answer(query, down)
            again_at = now + AGAIN if failed or query.occasion is Occasion.AFTER else None
            self._asked[key] = again_at
            try:
                self._submit(own.fetched(answer)).add_done_callback(partial(self._stored, key))
            except StoreUnavailable:
                self._asked[key] = now + AGAIN

    def _stored(self, key: _Key, durable: Future[None]) -> None:
        """What could not be stored is asked for again."""
        if durable.cancelled() or durable.exception() is not None:
            self._asked[key] = 0

    def _answer(self, query: Query, down: dict[str, str]) -> tuple[Fetched, bool]:
        """What the server gives, and whether to try again. ``down``: servers that have failed in this round."""
        rule = query.rule
        name = rule.prometheus or next(iter(self._clients))
        client = self._clients.get(name)
        if client is None:
            return _said(query, f"the settings have no prometheus {name!r}"), True
        if name in down:
            return _said(query, down[name]), True
        self._made.inc()
        try:
            found = client.range(rule.expr, query.start, query.end, rule.step)
        except (QueryFailed, ValueError) as error:
            self._failed.inc()
            said = harmless(str(error))
            if isinstance(error, NoAnswer):
                down[name] = said
            return _said(query, said), True
        return _given(query, found)


def _key(query: Query) -> _Key:
    """The time since the alerts ended grows, and is one thing; what is of the past is told by its start."""
    begin = 0 if query.occasion is Occasion.AFTER else query.start
    return query.incident, query.rule.id, f"{query.occasion}{query.weeks or ''}", begin


def _given(query: Query, found: Ranged) -> tuple[Fetched, bool]:
    if len(found.series) > 1:
        return _said(query, f"the expression gives {len(found.series)} series: aggregate them into one"), True
    if not found.series:
        return _said(query, "; ".join(found.partial) or "the expression gives no series"), bool(found.partial)
    (one,) = found.series
    text = harmless("; ".join(found.partial))
    return _said(query, text, tuple(one.times.tolist()), tuple(one.values.tolist())), bool(found.partial)


def _said(query: Query, text: str, times: tuple[Millis, ...] = (), values: tuple[float, ...] = ()) -> Fetched:
    return Fetched(
        incident=query.incident,
        indicator=query.rule.id,
        occasion=query.occasion.value,
        start=query.start,
        end=query.end,
        step=query.rule.step,
        weeks=query.weeks,
        times=times,
        values=values,
        said=text,
    )
