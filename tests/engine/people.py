"""What the tests about people share: a shop with owners, rules with names, and what was told."""

from __future__ import annotations

from engine.outcomes import Publication
from engine.people_views import Declaration
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain
from topology.model import Entity, Kind

SHOP = chain(
    "checkout -> cart -> db",
    entities=[
        Entity(id="checkout", name="Checkout", kind=Kind.BUSINESS_SERVICE, owner="sales", tier=1),
        Entity(id="cart", owner="team-cart"),
        Entity(id="db", owner="team-data"),
    ],
)
RULES = """
escalation:
  roles: {duty_manager: [Dana], crisis_lead: [Ada]}
  sinks: {crisis_lead: [pager]}
"""


def ruled(text: str = RULES) -> RuleSet:
    """The rules of a file."""
    made, problems = parse_rules({"r.yaml": text})
    assert made is not None, problems
    return made


def outage(text: str = RULES, severity: str = "warning") -> tuple[World, str]:
    """The cart is slow since 10:00; at 10:02 people know. Returns the incident's id as well."""
    world = World(SHOP, ruled(text))
    world.at("10:00").fire("cart", "Slow", severity=severity)
    return world, world.at("10:02").incidents()[0].id


def told(world: World, audience: str = "", action: str = "") -> list[Publication]:
    """What was told so far, of an audience and an action."""
    return [p for p in world.driven.outbox if audience in ("", p.audience) and action in ("", p.action)]


def lines(world: World, kind: str) -> list[str]:
    """The lines of a kind in the timeline."""
    return [line.text for line in world.driven.timeline if line.kind == kind]


def news(world: World, audience: str = "tickets") -> list[str]:
    """All that an audience has read so far, in order."""
    return [f"{p.action}: {line}" for p in told(world, audience) for line in p.body["news"]]


def declared(world: World) -> Declaration:
    """The formal declaration of the first incident."""
    found = world.driven.incidents()[0].declaration
    assert found is not None
    return found
