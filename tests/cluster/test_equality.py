"""One worker with one shard, and many of both whatever goes wrong, decide the same (laws 2, 4 and 5)."""

from __future__ import annotations

import pytest

from tests.cluster.equality import decided, differing
from tests.scenarios.canonical import differences
from tests.scenarios.troubles import make


@pytest.mark.parametrize("seed", [2, 5])
def test_a_zombie_a_crash_and_rebalances_change_nothing_that_is_decided(seed: int) -> None:
    found = differing(make(seed), joins=False)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("seed", [1, 3])
def test_domains_that_become_one_in_the_middle_are_handed_over_and_decided_as_by_one(seed: int) -> None:
    world = make(seed)
    one, _ = decided(world, 1, 1, joins=True)
    many, cluster = decided(world, 8, 3, joins=True)
    found = differences(one, many, lambda number: world.events[number].entity)
    assert not found, "\n".join(found)
    assert cluster.handovers
    owners = [shard.store.resume().counts["received"] for shard in cluster.shards]
    assert sum(count > 0 for count in owners) > 1
    opened = [row.incident for row in cluster.outbox if row.action == "open" and row.audience == "tickets"]
    merged = {row.incident for row in cluster.outbox if row.action == "merge" and row.audience == "tickets"}
    told = {view.id for view in cluster.incidents() if view.told}
    assert set(opened) - merged == told, "one ticket for each trouble"
    assert len(opened) == len(set(opened))


@pytest.mark.real("postgres")
def test_what_real_epochs_fence_is_decided_as_in_memory(postgres_dsn: str) -> None:
    world = make(3)
    one, _ = decided(world, 1, 1, joins=True)
    many, cluster = decided(world, 4, 3, joins=True, dsn=postgres_dsn)
    found = differences(one, many, lambda number: world.events[number].entity)
    assert not found, "\n".join(found)
    assert cluster.handovers
