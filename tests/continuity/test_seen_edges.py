"""Calls that spans showed during an incident and that nobody declared are proposed for the catalogue at its end."""

from __future__ import annotations

from engine.evidence.traces.store import Edge
from tests.continuity.payments import latest, outage, replayed, response


def test_an_edge_that_was_seen_and_not_declared_is_proposed_once():
    world, id = outage()
    seen = latest(world, id).onset + 60_000
    world.driven.core.state.traces.edges["checkout"] = {
        "cloud": Edge(seen, seen, calls=5, failed=4),
        "orders-db": Edge(seen, seen, calls=9),
        "unknown": Edge(seen, seen, calls=9),
    }
    world.at("10:05").command("close", id, reason="done")
    (change,) = response(world, id).catalogue
    assert (change.id, change.kind, change.before, change.after) == (
        "checkout.depends_on.cloud",
        "dependency",
        "",
        "cloud",
    )
    assert "5 calls, 4 of them failed" in change.because
    world.at("10:06").command("accept_change", id, change=change.id)
    (change,) = response(world, id).catalogue
    assert (change.state, bool(change.ended_by)) == ("accepted", True)
    assert replayed(world)
