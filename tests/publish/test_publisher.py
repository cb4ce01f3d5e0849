"""All of publishing with its threads: what is queued goes out, what people do comes in, and it ends when told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.sinks.declared import World
from api.sinks.table import Sinks
from api.sinks.webhook import Webhook
from engine.metrics import EngineMetrics
from engine.ports import Commit, Record
from engine.publish.delivery import DispatchSettings
from engine.publish.poller import PollSettings
from engine.publish.publisher import Publisher, PublisherSettings
from engine.publish.reconciler import ReconcileSettings
from engine.publish.shadow import Shadow
from engine.publish.webhook import Webhook as Sender
from engine.storage.sqlite.store import SqliteStore
from tests.publish.outage import AUDIENCES, said
from tests.publish.standin import Office
from tests.publish.standin_http import served, wire
from tests.publish.standin_sink import Desk

PATIENCE = 20.0


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def test_publications_go_out_changes_come_in_and_second_tickets_go(tmp_path: Path) -> None:
    started = time.monotonic()
    office = Office(lambda: round((time.monotonic() - started) * 1000), lag=0)
    twice = ["double"]
    office.script = lambda method, path: twice.pop() if (method, path) == ("POST", "/tickets") and twice else ""
    store = SqliteStore(tmp_path / "db", {"tickets": AUDIENCES["tickets"]})
    fed: list[Record] = []

    def submit(record: Record) -> Future[None]:
        fed.append(record)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    settings = PublisherSettings(
        dispatch=DispatchSettings(idle_seconds=0.02), reconcile=ReconcileSettings(every=0.2),
        poll=PollSettings(every=3600.0),
    )  # fmt: skip
    with served(office) as url:
        publisher = Publisher(
            store, [Desk(wire(url))], submit, office.clock, EngineMetrics(CollectorRegistry()), settings
        )  # fmt: skip
        publisher.start()
        store.commit(Commit(outbox=said("INC-1", 0, "open", "SEV3", 0)))
        publisher.wake()
        until(lambda: store.links(state="open"), "no ticket was made")
        until(lambda: store.links(state="duplicate"), "the second ticket was not found")
        (link,) = store.links(state="open")
        office.person(link.remote, "note", "on it")
        assert publisher.hinted("tickets", b'{"ticket": "%s"}' % link.remote.encode())
        until(lambda: store.links(state="open")[0].seen == "1", "nobody looked")
        publisher.stop()
    assert len(fed) == 1
    assert not [one.name for one in threading.enumerate() if one.name.endswith(("-tickets", "-leases"))]
    store.close()


@pytest.mark.parametrize(("mode", "kind"), [("live", Sender), ("shadow", Shadow)])
def test_a_receiver_in_shadow_is_not_opened(tmp_path: Path, mode: str, kind: type) -> None:
    declared = Webhook(name="hook", url="https://hooks.example.com/x", mode=mode)  # type: ignore[arg-type]
    with ExitStack() as stack:
        (sink,) = Sinks(log=False, webhooks=(declared,)).open(World(lambda: 0, tmp_path, stack))
        assert type(sink) is kind
        assert (sink.name, sink.audiences) == ("hook", frozenset({"engineers"}))
