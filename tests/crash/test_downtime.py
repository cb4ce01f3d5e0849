"""Ten minutes in which the engine is not there change nothing of what it thinks of its world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import own
from rules.ruleset import RuleSet
from tests.crash.catalogue import START, TOPOLOGY
from tests.crash.driver import Child, finish, undisturbed
from tests.crash.feeds import STEP, Line, last, toy_feed
from tests.crash.remains import Remains, assert_published_once_and_in_order, published
from tests.crash.troubled import JSON, V2, v2

MINUTE = 60_000
GONE, BACK = START + 8 * MINUTE, START + 18 * MINUTE
STORY = {  # (entity, alert) -> when it fires, in minutes, and whether its end is said or it just falls silent
    ("pay-db", "DiskFull"): (1, 21, True),
    ("pay-api", "Errors"): (1, 21, True),
    ("pay-web", "Slow"): (2, 21, True),
    ("edge-queue", "Backlog"): (2, 25, False),
    ("mail-cache", "Misses"): (3, 5, True),
    ("stranger", "Unheard"): (4, 22, False),
    ("search-db", "DiskFull"): (10, 20, True),
    ("search-web", "Slow"): (11, 20, True),
    ("report-cache", "Misses"): (12, 15, True),
    ("stock-db", "DiskFull"): (22, 30, True),
    ("stock-web", "Slow"): (23, 30, False),
}  # fmt: skip
CAUSES = {
    "pay-db", "edge-queue", "mail-cache", "stranger", "search-db", "report-cache", "stock-db",
    "pay-queue",  # whose heartbeat ends with the feed
}  # fmt: skip


def feed() -> list[Line]:
    """What firing alerts and a heartbeat say every minute, of troubles before, across and after the gap."""
    versions = (("topology", TOPOLOGY.version), ("rules", RuleSet.default().version))
    lines = [(START, own.FORMAT, own.activation(kind, version).body.decode()) for kind, version in versions]
    for minute in range(1, 40):
        at = START + minute * MINUTE
        beat = {"kind": "heartbeat", "source": "pay-queue", "every": 60.0}
        lines.append((at, JSON, msgspec.json.encode([beat]).decode()))
        for (entity, name), (begins, ends, said) in STORY.items():
            start = START + begins * MINUTE
            if begins <= minute < ends:
                lines.append((at, V2, msgspec.json.encode([v2(entity, name, "critical", start)]).decode()))
            elif minute == ends and said:
                lines.append((at, V2, msgspec.json.encode([v2(entity, name, "critical", start, ends=at)]).decode()))
    return [Line(n, *line) for n, line in enumerate(lines)]


def disturbed(folder: Path, core: str, feed: list[Line], *, kill: bool) -> Remains:
    """Killed, or stopped, before the gap; what came in meanwhile is waiting when it comes back."""
    folder.mkdir()
    child = Child(folder, core, feed[0].arrival)
    before = [line for line in feed if line.arrival < GONE]
    for line in before:
        child.feed(line)
    assert child.hear_until(before[-1].offset)
    if kill:
        child.kill()
    else:
        child.stop()
    child = Child(folder, core, BACK)
    for line in feed[len(before) :]:
        child.feed(line._replace(arrival=max(line.arrival, BACK)))
    assert child.hear_until(feed[-1].offset)
    return finish(folder, child, last(feed))


def ledger(left: Remains) -> dict[tuple[int | None, str], list[tuple[object, object]]]:
    """(offset, index) of an alert event -> its dispositions and their reasons, oldest first; of an event that came in
    during the gap, and so in one burst with others, only the current one.
    """
    late = {line.offset for line in feed() if GONE <= line.arrival < BACK}
    found = {}
    for event, lines in left.why.items():
        position, _, index = event.partition("-")
        offset = left.places[int(position)]
        history = [(line["disposition"], line["reason"]) for line in lines]
        found[offset, index] = history[-1:] if offset in late else history
    return found


def canonical(left: Remains) -> Iterator[dict[str, Any]]:
    """What law 4 keeps: of each incident its alert events, cause, impact, severity, verdicts and counts."""
    for name, revisions in left.incidents.items():
        view = revisions[-1]
        members = [alert for alert in left.alerts if alert["incident"] == name]
        numbers = {alert["no"] for alert in members}
        events = [event for event, lines in left.why.items() if lines[-1]["alert"] in numbers]
        places = sorted((left.places[int(event.partition("-")[0])], event.partition("-")[2]) for event in events)
        kept = ("state", "domain", "onset", "cause", "impact", "severity", "entities", "alerts", "events", "firing")
        verdicts = sorted((alert["fingerprint"], alert["verdict"]) for alert in members)
        yield {"members": places, "verdicts": verdicts} | {key: view[key] for key in kept}


def test_a_kill_and_ten_minutes_of_absence_change_no_incident_and_no_disposition(tmp_path: Path) -> None:
    left = disturbed(tmp_path / "killed", "real", feed(), kill=True)
    expected = undisturbed(tmp_path / "undisturbed", "real", feed())
    assert len(left.places) == len(expected.places) + 1, "the absence is in the input log"
    assert ledger(left) == ledger(expected)
    assert sorted(canonical(left), key=str) == sorted(canonical(expected), key=str)
    assert left.totals == expected.totals
    assert {view["cause"] for view in canonical(left)} == CAUSES
    assert "reopened" not in {line["kind"] for lines in left.timeline.values() for line in lines}
    for run in ("killed", "undisturbed"):
        assert_published_once_and_in_order(published(tmp_path / run))


@pytest.mark.parametrize("core", ["toy", "real"])
def test_absence_after_a_kill_is_the_same_as_after_a_graceful_stop(tmp_path: Path, core: str) -> None:
    lines = (
        feed() if core == "real" else [line._replace(arrival=START + 20 * STEP * line.offset) for line in toy_feed(60)]
    )
    left = disturbed(tmp_path / "killed", core, lines, kill=True)
    expected = disturbed(tmp_path / "stopped", core, lines, kill=False)
    assert left == expected
