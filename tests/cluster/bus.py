"""A topic with partitions and one consumer group, in memory and deterministic: rebalances, redeliveries, zombies."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from engine.envelope import FORMAT
from engine.errors import StoreUnavailable
from engine.ports import Record
from engine.splitting import Sent
from engine.worker import TOPIC, Worker


class Bus:
    """Keeps what was sent, by partition; its members share the partitions."""

    def __init__(self, partitions: int, rng: random.Random) -> None:
        self.partitions: list[list[Sent]] = [[] for _ in range(partitions)]
        self.members: list[SimulatedMember] = []
        self.rng = rng
        self.away = False

    def send(self, sent: Sequence[Sent]) -> None:
        if self.away:
            raise StoreUnavailable("the broker is away")
        for one in sent:
            self.partitions[one.shard].append(one)

    def rebalance(self) -> None:
        """Deal the partitions out anew: revoked in good order by those who hear of it, then assigned."""
        shares: dict[int, set[int]] = {id(member): set() for member in self.members}
        for partition in range(len(self.partitions)):
            if self.members:
                shares[id(self.rng.choice(self.members))].add(partition)
        for member in self.members:
            gone = member.assigned.keys() - shares[id(member)]
            member.worker.revoked(sorted(gone))
            member.assigned = {p: at for p, at in member.assigned.items() if p not in gone}
        for member in self.members:
            come = shares[id(member)] - member.assigned.keys()
            member.assigned |= dict.fromkeys(come, 0)
            member.worker.assigned(sorted(come))


class SimulatedMember:
    """Implements `engine.worker.Member`."""

    def __init__(self, bus: Bus, worker: Worker) -> None:
        self.bus, self.worker = bus, worker
        self.assigned: dict[int, int] = {}
        self.held: list[Record] | None = None
        self.cut = False
        worker.join(self)

    def poll(self, timeout: float) -> Sequence[Record]:
        if self.cut:
            return []
        if self.held is not None:  # frozen before it was dealt with
            held, self.held = self.held, []
            return held
        found = []
        for partition, at in self.assigned.items():
            upto = at + self.bus.rng.randint(1, 40)
            for offset, one in enumerate(self.bus.partitions[partition][at:upto], at):
                found.append(Record(TOPIC, FORMAT, one.body, partition, offset, origin=one.origin))
                self.assigned[partition] = offset + 1
        return found

    def hold(self, shard: int) -> None:
        """Nothing is lost by delivering it: nobody takes it."""

    def in_touch(self) -> bool:
        return not self.cut and self in self.bus.members

    def seek(self, shard: int, offset: int) -> None:
        if shard in self.assigned:
            self.assigned[shard] = offset

    def freeze(self) -> None:
        """It stops in the middle: it has polled, and hears of nothing any more."""
        self.held = list(self.poll(0))
        self.bus.members.remove(self)

    def committed(self, offsets: Mapping[int, int]) -> None:
        """Only for lag."""

    def close(self) -> None:
        if self in self.bus.members:
            self.bus.members.remove(self)
