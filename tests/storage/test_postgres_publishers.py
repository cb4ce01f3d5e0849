"""Several publishers claim from one PostgreSQL: no row twice at a time, and the order within an incident holds."""

from __future__ import annotations

import threading
from collections import defaultdict

import pytest

from engine.ports import Commit
from engine.sending import Receipt
from engine.storage.postgres import PostgresStore
from tests.storage.made import NOON, SINKS, publication

pytestmark = pytest.mark.real("postgres")

ACTIONS = ("open", "escalate", "declare", "resolve")


@pytest.fixture
def stores(postgres_dsn):
    made = [PostgresStore(postgres_dsn, SINKS, shard=number) for number in range(4)]
    made[0].acquire()
    yield made
    for store in made:
        store.close()


def test_publishers_share_the_work_and_nothing_goes_out_twice_or_too_early(stores):
    incidents = [f"INC-{n}" for n in range(30)]
    for action in ACTIONS:
        stores[0].commit(Commit(outbox=[publication(f"{one}/{action}", one, action) for one in incidents]))
    sent: dict[str, list[str]] = defaultdict(list)
    by: set[int] = set()
    under_way: set[str] = set()
    faults: list[str] = []
    left, guard = threading.Semaphore(0), threading.Lock()
    total = len(incidents) * len(ACTIONS)
    done = threading.Event()

    def work(number: int) -> None:
        store = stores[number]
        while not done.is_set():
            for row in store.claim("tickets", NOON, 60_000, 4):
                incident = row.publication.incident
                with guard:
                    if incident in under_way:
                        faults.append(f"{row.publication.key}: another one of {incident} is under way")
                    under_way.add(incident)
                assert store.sent(row, NOON)
                with guard:
                    sent[incident].append(row.publication.action)
                    under_way.discard(incident)
                    by.add(number)
                assert store.confirmed(row, NOON, Receipt("T"))
                left.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    finished = all(left.acquire(timeout=60) for _ in range(total))
    done.set()
    for thread in threads:
        thread.join()
    assert finished
    assert faults == []
    assert sent == {incident: list(ACTIONS) for incident in incidents}
    assert len(by) > 1


def test_an_incident_whose_queue_another_publisher_holds_is_passed_over(stores):
    first, second = stores[:2]
    first.commit(Commit(outbox=[publication("1/open", "INC-1"), publication("1/resolve", "INC-1", "resolve")]))
    first.commit(Commit(outbox=[publication("2/open", "INC-2")]))
    with first.together():
        (mine,) = first.claim("tickets", NOON, 1000, 1)
        assert mine.publication.key == "1/open"
        assert [row.publication.key for row in second.claim("tickets", NOON, 1000, 9)] == ["2/open"]
    assert second.claim("tickets", NOON, 1000, 9) == []
    (theirs,) = second.claim("tickets", NOON + 1000, 1000, 1)
    assert theirs.epoch > mine.epoch
    assert not first.sent(mine, NOON + 1000)
