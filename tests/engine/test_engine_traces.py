"""Spans through the core: what they show of an alert's entity, and what survives a snapshot."""

from __future__ import annotations

from engine.signals import Labels, Span
from engine.state import decode, encode
from tests.scenarios.world import World, chain, clock

MINUTE = 60_000
NOISE = (0.8, 0.9, 1.0, 1.0, 1.1, 1.3)


def called(world: World, since: str, minutes: int, network: float) -> None:
    """Forty calls of the shop to the cart in every minute, the way taking so many milliseconds."""
    for minute in range(minutes):
        arrival = clock(since) + minute * MINUTE
        spans = []
        for call in range(40):
            at, noise = arrival - MINUTE + call * 1250, NOISE[call % 6]
            trace = f"{arrival}-{call}"
            lasts = round(20_000 * noise + network * 1000 * noise)
            spans.append(made("cart", trace, "b", "a", at, round(20_000 * noise), "server"))
            spans.append(made("shop", trace, "a", "", at, lasts, "client"))
        world.driven.feed(arrival, tuple(spans))


def made(service: str, trace: str, span: str, parent: str, at: int, lasts: int, kind: str) -> Span:
    labels = Labels.of({"service": service})
    return Span(labels, trace, span, parent, "GET /", at, at + lasts // 1000, False, kind, at * 1000, lasts)


def test_an_alert_is_told_that_the_way_to_its_entity_has_become_slow() -> None:
    world = World(chain("shop", "cart", "db-1"))
    called(world, "09:40", 20, network=3)
    called(world, "10:01", 3, network=200)
    world.at("10:03").fire("cart", "Slow")
    terms = {term["kind"]: term for term in world.at("10:05").alert("cart", "Slow").terms}
    assert terms["network_time_up"]["group"] == "traces"
    assert terms["network_time_up"]["facts"]["subject"] == "shop → cart"


def test_spans_that_flow_as_usual_speak_against_an_alert() -> None:
    world = World(chain("shop", "cart", "db-1"))
    called(world, "09:40", 25, network=3)
    world.at("10:04").fire("cart", "Slow")
    assert [term["kind"] for term in world.at("10:06").alert("cart", "Slow").terms if term["group"] == "traces"] == [
        "spans_flow"
    ]


def test_a_snapshot_has_the_spans_that_wait_for_their_relatives() -> None:
    world = World(chain("shop", "cart", "db-1"))
    called(world, "09:40", 5, network=3)
    state = world.driven.core.state
    again = decode(encode(state))
    assert again.traces == state.traces
    assert again.traces.assembly.held == 5 * 80
