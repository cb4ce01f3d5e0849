"""Several sources behind one feed: whoever has something is heard at once."""

from __future__ import annotations

import threading
import time

from engine.feed import SLICE, Feed
from engine.ports import Record
from engine.signals import Command
from engine.submissions import Submissions
from ingest.inbox import HttpInbox


class Deaf:
    """A source that cannot wake anybody, as a broker's client: it blocks for as long as it is allowed to."""

    name = "broker"

    def __init__(self) -> None:
        self.records: list[Record] = []

    def resume(self, positions):
        """Nothing."""

    def poll(self, limit, timeout):
        time.sleep(timeout)
        taken, self.records = self.records[:limit], self.records[limit:]
        return taken

    def committed(self, records):
        """Nothing."""

    def failed(self, records, error):
        """Nothing."""

    def close(self):
        """Nothing."""


def record(body: bytes = b"[]") -> Record:
    return Record("http", "json", body)


def waited(feed: Feed, act) -> tuple[list[Record], float]:
    """What an idle feed delivers once ``act`` is called, and how many seconds later."""
    began: list[float] = []

    def later() -> None:
        time.sleep(0.1)
        began.append(time.monotonic())
        act()

    thread = threading.Thread(target=later)
    thread.start()
    taken = feed.poll(10, 1000, 5.0)
    took = time.monotonic()
    thread.join()
    return [delivery.record for delivery in taken], took - began[0]


def test_an_idle_feed_wakes_for_a_request_beside_a_source_that_cannot_wake():
    inbox = HttpInbox()
    taken, delay = waited(Feed([Deaf(), inbox]), lambda: inbox.offer(record(b"[1]"), lambda error: None))
    assert [one.body for one in taken] == [b"[1]"]
    assert delay < SLICE


def test_an_idle_feed_still_looks_at_a_source_that_cannot_wake():
    deaf = Deaf()
    taken, _ = waited(Feed([HttpInbox(), deaf]), lambda: deaf.records.append(record(b"[2]")))
    assert [one.body for one in taken] == [b"[2]"]


def test_a_command_wakes_an_idle_feed():
    submissions = Submissions()
    command = Command("ada", "acknowledge", "INC-1")
    taken, delay = waited(Feed([submissions, HttpInbox()]), lambda: submissions.command(command))
    assert len(taken) == 1
    assert delay < SLICE


def test_what_was_offered_before_the_wait_began_is_not_missed():
    inbox = HttpInbox()
    feed = Feed([inbox, Submissions()])
    inbox.offer(record(), lambda error: None)
    began = time.monotonic()
    assert len(feed.poll(10, 1000, 5.0)) == 1
    assert time.monotonic() - began < 1.0


def test_closing_ends_the_wait():
    inbox = HttpInbox()
    feed = Feed([inbox, Submissions()])
    threading.Timer(0.1, inbox.close).start()
    began = time.monotonic()
    assert feed.poll(10, 1000, 0.5) == []
    assert time.monotonic() - began < 1.0


def test_requests_under_way_are_taken_together():
    inbox = HttpInbox()
    for _ in range(8):
        inbox.offer(record(), lambda error: None)
    first = inbox.poll(64, 0)
    inbox.committed(first)
    inbox.offer(record(), lambda error: None)
    others = [threading.Timer(0.0002, inbox.offer, (record(), lambda error: None)) for _ in range(3)]
    for other in others:
        other.start()
    began = time.monotonic()
    second = list(inbox.poll(64, 0))
    assert time.monotonic() - began < 0.5
    for other in others:
        other.join()
    assert len(second) + len(inbox.poll(64, 0)) == 4
