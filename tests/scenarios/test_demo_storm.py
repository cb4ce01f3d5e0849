"""Ten thousand alerts because of one switch: one ticket, whose history reads like a good incident log."""

from __future__ import annotations

import json
from collections import Counter

from api.commands import demo_storm
from ingest.decoders import plain_json
from rules.parse import parse_rules
from tests.scenarios.drive import Driven
from tests.scenarios.world import MIDNIGHT
from topology import loading


def _world() -> Driven:
    files = demo_storm.files()
    topology, problems = loading.load({"plant.yaml": files["catalogue/plant.yaml"].encode()})
    rules, flaws = parse_rules({"storm.yaml": files["rules/storm.yaml"]})
    assert topology is not None, problems
    assert rules is not None, flaws
    return Driven(topology, rules, start=MIDNIGHT)


def _send(driven: Driven, *, firing: bool) -> None:
    events = list(demo_storm.alerts(driven.now / 1000, firing=firing))
    for start in range(0, len(events), demo_storm.CHUNK):
        driven.pass_time(driven.now + 100)
        body = json.dumps(events[start : start + demo_storm.CHUNK]).encode()
        driven.feed(driven.now, plain_json.decode(body).signals)


def test_ten_thousand_alerts_end_in_one_ticket_whose_history_reads_like_an_incident_log() -> None:
    driven = _world()
    _send(driven, firing=True)
    driven.pass_time(driven.now + 60_000)
    _send(driven, firing=False)
    driven.pass_time(driven.now + 60_000)
    assert driven.core.counts["received"] == 2 * demo_storm.ALERTS
    tickets = [p for p in driven.outbox if p.audience == "tickets"]
    assert Counter(p.action for p in tickets)["open"] == 1
    assert len({p.incident for p in tickets}) == 1
    assert tickets[0].ticket("desk") == {"queue": "Network", "priority": "1", "assignee": "network"}
    history = [line for p in tickets for line in p.body["news"]]
    for line in (
        "Declared: SEV1",
        "Severity SEV1: matrix-most (share 1000)",
        "Online shop is down",
        "Crisis team for SEV1 activated: crisis lead (Ada Byron), duty manager (Dana Duty), owners of cause (network)",
        "All its alerts have ended; watching whether it stays so",
        "It stayed quiet for the recovery time; that service is back is not proven: nothing of it is measured",
    ):
        assert line in history
    assert any(line.startswith("Cause: switch-7 (it explains ") for line in history)
    assert any(line.startswith("It began in an alert storm of ") for line in history)
    assert history[-1].endswith("its cause was switch-7; 10,000 alerts in all")
    assert len(history) == len(set(history)) <= 20, "nothing is told twice"
    assert len(driven.outbox) <= 20
