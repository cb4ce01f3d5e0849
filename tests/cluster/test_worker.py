"""What a worker does when the broker or the store is away, and when its shards are others' by now."""

from __future__ import annotations

import pytest

from engine import worker
from engine.errors import Fenced, StoreCorrupt, StoreUnavailable
from engine.ports import Commit, Resume
from engine.shards import Shard, shard_of
from engine.signals import AlertEvent, Labels
from engine.storage.owned import MemoryShard, OwnedMemory
from tests.cluster.cluster import Cluster, listen
from topology.model import Entity, Topology

START = 1_790_000_000_000


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(4, "worker", START)
    listen(monkeypatch, made)
    made.join()
    made.bus.rebalance()
    made.activate(topology("one"))
    return made


def topology(domain: str) -> Topology:
    return Topology.build([Entity(id="db", domain=domain)])


def alert(name: str = "Down") -> AlertEvent:
    return AlertEvent(Labels.of({"alertname": name, "service": "db", "severity": "critical"}), starts_at=START)


def test_what_is_revoked_goes_on_elsewhere_without_replaying_anything(cluster: Cluster) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 60_000)
    first = cluster.workers[0]
    cluster.join()
    first.stop()
    cluster.workers.remove(first)
    cluster.bus.rebalance()
    cluster.take([alert("Slow")])
    cluster.pass_time(START + 120_000)
    (incident,) = cluster.incidents()
    assert incident.alerts == 2
    snapshot = cluster.shards[shard_of("one", 4)].store.resume().snapshot
    assert snapshot is not None


def test_a_handover_waits_for_a_broker_that_is_away(cluster: Cluster) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    other = next(name for name in ("two", "three", "four") if shard_of(name, 4) != shard_of("one", 4))
    cluster.activate(topology(other))
    sent = sum(map(len, cluster.bus.partitions))
    cluster.bus.away = True
    cluster.pass_time(START + 2_000)
    assert cluster.handovers
    assert sum(map(len, cluster.bus.partitions)) == sent
    cluster.bus.away = False
    cluster.pass_time(START + 3_000)
    assert [core.state.alerts.keys() for core in cluster.cores() if core.state.alerts]
    assert all(not shard.store.handovers() for shard in cluster.shards)
    assert cluster.shards[shard_of(other, 4)].store.resume().positions["shard", shard_of("one", 4)] == 1


@pytest.mark.parametrize("asked", ["handovers", "handed"])
def test_a_store_that_is_lost_between_a_commit_and_its_handover_does_not_end_the_worker(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    other = next(name for name in ("two", "three", "four") if shard_of(name, 4) != shard_of("one", 4))
    before = getattr(OwnedMemory, asked)
    lost: list[tuple[int, ...]] = []

    def lose(self: OwnedMemory, *given: int) -> object:
        if not lost:
            lost.append(given)
            raise StoreUnavailable("the line was cut")
        return before(self, *given)

    monkeypatch.setattr(OwnedMemory, asked, lose)
    cluster.activate(topology(other))
    cluster.pass_time(START + 2_000)
    cluster.pass_time(START + 600_000)
    assert lost
    (incident,) = cluster.incidents()
    assert incident.alerts == 1
    assert cluster.counts()["received"] == 1


def test_what_a_commit_hands_over_is_sent_though_its_answer_was_lost(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    cluster.activate(topology(next(one for one in ("two", "three") if shard_of(one, 4) != shard_of("one", 4))))
    commit = OwnedMemory.commit
    unanswered: list[Commit] = []

    def unheard(self: OwnedMemory, one: Commit) -> None:
        commit(self, one)
        if one.handovers and not unanswered:
            unanswered.append(one)
            raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(OwnedMemory, "commit", unheard)
    cluster.pass_time(START + 60_000)
    assert unanswered
    assert all(not shard.store.handovers() for shard in cluster.shards)
    assert [len(core.state.alerts) for core in cluster.cores() if core.state.alerts] == [1]


@pytest.mark.parametrize("call", ["handovers", "handed"])
def test_a_handover_waits_for_a_store_that_is_away(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    cluster.activate(topology(next(one for one in ("two", "three") if shard_of(one, 4) != shard_of("one", 4))))

    def away(self: OwnedMemory, *_: int) -> None:
        raise StoreUnavailable("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(OwnedMemory, call, away)
        for _ in range(3):
            cluster.workers[0].step(0)
        assert cluster.handovers
    cluster.pass_time(START + 3_000)
    assert all(not shard.store.handovers() for shard in cluster.shards)
    assert [len(core.state.alerts) for core in cluster.cores() if core.state.alerts] == [1]


def test_a_store_that_is_away_is_tried_again_and_nothing_is_lost(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.pass_time(START)

    def away(self: OwnedMemory, commit: Commit) -> None:
        raise StoreUnavailable("the database restarts")

    with monkeypatch.context() as patch:
        patch.setattr(OwnedMemory, "commit", away)
        cluster.take([alert()])
        for _ in range(5):
            cluster.workers[0].step(0)
        assert not cluster.ledger
    cluster.now += 60_000
    for _ in range(5):
        cluster.workers[0].step(0)
    cluster.pass_time(START + 120_000)
    assert cluster.counts()["received"] == 1


def test_an_earlier_owner_is_fenced_in_everything_that_it_writes(cluster: Cluster) -> None:
    earlier, later = OwnedMemory(cluster.shards[0]), OwnedMemory(cluster.shards[0])
    assert earlier.acquire() + 1 == later.acquire()
    for write in (
        lambda: earlier.commit(Commit()),
        lambda: earlier.alive(1),
        lambda: earlier.prune(1, 1),
        lambda: earlier.handed(1),
    ):
        with pytest.raises(Fenced):
            write()
    later.commit(Commit())


def test_a_zombie_drops_its_shards_at_once(cluster: Cluster) -> None:
    cluster.take([alert()])
    zombie = cluster.workers[0]
    cluster.join()
    cluster.freeze(zombie)
    cluster.pass_time(START + 60_000)
    zombie.step(0)
    assert not zombie.owned
    assert cluster.counts()["received"] == 1


def test_a_shard_that_somebody_took_who_was_late_is_taken_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CONTESTED", 0.0)
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    for shard in cluster.shards:
        OwnedMemory(shard).acquire()
    cluster.take([alert("Slow")])
    cluster.pass_time(START + 60_000)
    for _ in range(3):
        cluster.workers[0].step(0)
    cluster.pass_time(START + 120_000)
    assert cluster.counts()["received"] == 2
    assert not cluster.workers[0].troubles


def test_a_worker_that_the_group_does_not_answer_takes_nothing_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CONTESTED", 0.0)
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    (first,) = cluster.workers
    for shard in cluster.shards:
        OwnedMemory(shard).acquire()
    cluster.member(first).cut = True
    cluster.now += 60_000
    for _ in range(3):
        first.step(0)
    lost = set(range(4)) - first.owned.keys()
    assert lost == set(first.troubles), "what it wrote to was others'"
    assert lost
    epochs = [shard.epoch for shard in cluster.shards]
    first.step(0)
    assert [shard.epoch for shard in cluster.shards] == epochs
    cluster.member(first).cut = False
    first.step(0)
    assert not first.troubles


def test_a_shard_that_was_lost_before_it_is_revoked_does_not_end_the_worker(cluster: Cluster) -> None:
    cluster.take([alert()])
    cluster.pass_time(START + 1_000)
    (first,) = cluster.workers
    for shard in cluster.shards:
        OwnedMemory(shard).acquire()
    cluster.now += 60_000
    first.revoked(range(4))
    assert not first.owned


def test_a_shard_that_cannot_be_opened_does_not_keep_the_others_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = shard_of("unmapped", 4)
    assert broken != shard_of("one", 4)
    corrupt = MemoryShard(Shard(broken, 4))
    cluster.shards[broken] = corrupt

    def resume() -> Resume:
        raise StoreCorrupt("a hole in the log")

    monkeypatch.setattr(corrupt.store, "resume", resume)
    cluster.crash(cluster.workers[0])
    cluster.join()
    cluster.bus.rebalance()
    cluster.take([alert()])
    for _ in range(5):
        cluster.workers[0].step(0)
    assert len(cluster.ledger) == 1
    assert list(cluster.workers[0].troubles) == [broken]
