"""Which shard a signal goes to, and that an envelope brings it there unchanged."""

from __future__ import annotations

import math
from array import array

import pytest

from engine import envelope
from engine.ports import Decoded, Origin, Record, Reject
from engine.routes import EVERYWHERE, Routes
from engine.shards import BITS, shard_of
from engine.signals import (
    Activation,
    AlertEvent,
    Answer,
    Change,
    Command,
    Fetched,
    Handover,
    Heartbeat,
    Labels,
    LogRecord,
    Samples,
    SampleTable,
    Signal,
    Span,
    TicketEvent,
)
from engine.splitting import split
from rules.ruleset import RuleSet
from topology.model import UNMAPPED, Dependency, Entity, Topology

SHARDS = 8
TOPOLOGY = Topology.build(
    [Entity(id=name) for name in ("shop", "db", "mail", "apart")], [Dependency(consumer="shop", provider="db")]
)
ROUTES = Routes(RuleSet.default(), TOPOLOGY, SHARDS)


def labels(**values: str) -> Labels:
    return Labels.of(values)


def of(service: str) -> AlertEvent:
    return AlertEvent(labels(alertname="Down", service=service))


def test_what_hangs_together_goes_to_one_shard_and_what_is_unknown_to_another() -> None:
    assert TOPOLOGY.domain("shop") == TOPOLOGY.domain("db")
    assert ROUTES.of(of("shop")) == ROUTES.of(of("db")) == shard_of(TOPOLOGY.domain("db"), SHARDS)
    assert ROUTES.of(of("mail")) == shard_of("mail", SHARDS)
    assert ROUTES.of(of("nobody-knows")) == shard_of(UNMAPPED, SHARDS)
    spoken = LogRecord(labels(service="db"), None, "error", "no")
    assert ROUTES.of(spoken) == ROUTES.of(Span(labels(service="db"), "t", "s", "", "get", 0, 1)) == ROUTES.of(of("db"))


def test_people_and_tickets_reach_the_shard_in_which_an_incident_began() -> None:
    incident = f"INC-{(3 << BITS) + 17}"
    assert ROUTES.of(Command("ana", "acknowledge", incident)) == 3
    assert ROUTES.of(TicketEvent("desk", "T-1", incident, "state", "closed", "k")) == 3
    assert ROUTES.of(Fetched(incident, "i", "after", 0, 1, 1)) == 3
    assert ROUTES.of(Command("ana", "judge_alert", str((5 << BITS) + 1))) == 5
    assert ROUTES.of(Command("ana", "judge_alert", f"{(5 << BITS) + 1}-7")) == 5
    assert ROUTES.of(Command("ana", "acknowledge", f"INC-{99 << BITS}")) == 0, "no such shard"


@pytest.mark.parametrize(
    "signal", [Command("ana", "silence", "s"), Activation("rules", "v", 1), Heartbeat("prometheus", 60_000)]
)
def test_what_concerns_all_goes_everywhere(signal: Signal) -> None:
    assert ROUTES.of(signal) == EVERYWHERE
    assert sorted(ROUTES.split([signal])) == list(range(SHARDS))


def test_an_alert_that_is_a_heartbeat_is_counted_once_and_heard_by_all() -> None:
    found = ROUTES.split([AlertEvent(labels(alertname="Watchdog", cluster="eu"))])
    kinds = [type(signals[0]) for _, signals in sorted(found.items())]
    assert kinds.count(AlertEvent) == 1
    assert kinds.count(Heartbeat) == SHARDS - 1


def test_a_table_is_divided_by_rows_and_nothing_is_lost() -> None:
    names = ("shop", "mail", "apart", "db")
    table = SampleTable(
        tuple(labels(__name__="cpu", service=name) for name in names),
        array("q", [0, 1, 2, 3, 0, 1]), array("q", [1, 2, 3, 4, 5, 6]), array("d", [1, 2, 3, math.nan, 5, 6]),
    )  # fmt: skip
    rows = set()
    for shard, part in ROUTES.parts(table).items():
        for series, at, value in zip(part.series, part.times, part.values, strict=True):
            name = part.labels[series].as_dict()["service"]
            assert ROUTES.of(of(name)) == shard
            rows.add((name, at, str(value)))
    assert rows == {
        (names[s], at, str(value)) for s, at, value in zip(table.series, table.times, table.values, strict=True)
    }


EVERY_KIND: tuple[Signal, ...] = (
    AlertEvent(labels(a="b"), starts_at=5, annotations=b'{"x":"y"}', value=1.5, key="k", resent=True),
    Samples(labels(a="b"), (1, 2), (1.0, 2.0), stale=True),
    LogRecord(labels(a="b"), None, "error", "x"),
    Span(labels(a="b"), "t", "s", "p", "op", 1, 2, failed=True, kind="client", start_us=1, duration_us=2),
    Change(labels(a="b"), 3, "deploy", "d", "k"),
    Heartbeat("s", None, None, {"cluster": "eu"}),
    Command("a", "note", "INC-1", "r", {"text": "t"}),
    TicketEvent("desk", "T", "INC-1", "note", "v", "k", "me", 4),
    Answer("p", "e", "http", 1, "yes", 2, 3.5, "s", "d"),
    Fetched("INC-1", "i", "after", 1, 2, 3, 4, (5,), (6.0,), "s"),
    Activation("rules", "v", 7),
    Handover(3, 9, True, b"body"),
    AlertEvent(labels(a="c")),
)


def test_every_kind_of_signal_comes_out_of_an_envelope_as_it_went_in_and_in_its_order() -> None:
    reject = Reject("/0", "bad", b"raw")
    assert envelope.decode(envelope.encode(EVERY_KIND, [reject])) == Decoded(EVERY_KIND, (reject,))
    table = SampleTable((labels(a="b"),), array("q", [0]), array("q", [1]), array("d", [2.0]))
    assert envelope.decode(envelope.encode([table])).signals == (table,)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"{}", envelope.encode(EVERY_KIND)[:-3], b"\x92\x91\x92\x63\x90\x90"])
def test_what_is_no_envelope_is_one_reject(body: bytes) -> None:
    found = envelope.decode(body)
    assert found.signals == ()
    assert [one.raw for one in found.rejects] == [body]


def test_an_input_becomes_one_envelope_for_each_shard_with_where_it_came_from() -> None:
    record = Record("kafka:alerts", "json", b"body", 2, 40)
    sent = split(record, Decoded((of("shop"), of("mail"), of("db")), (Reject("/3", "bad"),)), ROUTES)
    assert {one.origin for one in sent} == {Origin("kafka:alerts", 2, 40, "json")}
    signals = [signal for one in sent for signal in envelope.decode(one.body).signals]
    assert len(signals) == 3
    rejects = [(one.shard, reject) for one in sent for reject in envelope.decode(one.body).rejects]
    assert rejects == [(shard_of(UNMAPPED, SHARDS), Reject("/3", "bad", b"body"))]
