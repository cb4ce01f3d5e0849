"""A payment company under DORA and others, for scenarios of regimes and clocks."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.clock_views import ClockView, FactView, MarkView, RegimeView
from engine.outcomes import IncidentView
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.severities import entity, lines, only
from tests.scenarios.world import chain, clock
from topology.model import Kind

SERVICE = Kind.BUSINESS_SERVICE
PAY = chain(
    "pay -> cards -> ledger",
    "shop -> cards",
    "wiki -> pages",
    entities=[
        entity("pay", SERVICE, users=120_000, critical=True, regions=("DE", "FR"), tier=2, obligations=("dora-major",)),
        entity("shop", SERVICE, users=50, critical=False, regions=("DE",), tier=3),
        entity("wiki", SERVICE, users=5, critical=False, tier=4),
        entity("cards", critical=False),
        entity("ledger", Kind.DATABASE, rpo=60, replication=5),
        entity("pages"),
    ],
)
DORA = """
severity: {users_total: 10000000}
obligations: [{id: dora-major, name: Major ICT-related incident, regime: dora}]
regimes:
  dora:
    entity_type: payment_institution
    calendar: {zone: Europe/Berlin, country: DE, subdivision: HE}
    facts: {clients_total: 1200000, nis2_entity: 'false', weekends_denied: 'false'}
"""


def rules(text: str = DORA) -> RuleSet:
    """Rules of these words."""
    made, problems = parse_rules({"r.yaml": text})
    assert made is not None, problems
    return made


def one_clock(view: IncidentView, id: str, regime: str = "dora") -> ClockView:
    """A clock that must be shown."""
    return next(one for one in view.clocks if (one.regime, one.clock) == (regime, id))


def regime(view: IncidentView, id: str = "dora") -> RegimeView:
    """A regime that the incident must be judged by."""
    return next(one for one in view.regimes if one.regime == id)


def fact(view: IncidentView, id: str, of: str = "dora") -> FactView:
    """A fact that must be known."""
    return next(one for one in regime(view, of).facts if one.id == id)


def mark(view: IncidentView, id: str, of: str = "dora") -> MarkView:
    """A mark of a regime."""
    return next(one for one in regime(view, of).marks if one.id == id)


def iso(text: str) -> str:
    """A time of the scenario's day, as commands take it."""
    return datetime.fromtimestamp(clock(text) / 1000, UTC).isoformat()


def on(at: int | None) -> str:
    """A moment as people read it."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def name(world: World) -> str:
    """The one incident's id."""
    return only(world).id


def outage(text: str = DORA, start: str = "10:00", service: str = "cards") -> World:
    """A service is down since ``start``; a minute later."""
    world = World(PAY, rules(text))
    world.at(start).fire(service, "Down", severity="critical")
    world.driven.pass_time(clock(start) + 60_000)
    return world


def do(world: World, time: str, action: str, /, *, reason: str = "as we know", **facts: str) -> IncidentView:
    """A person asks for something of the one incident, and is obeyed."""
    refused = len(lines(world, "refused"))
    world.at(time).command(action, name(world), reason=reason, **facts)
    assert len(lines(world, "refused")) == refused, lines(world, "refused")[-1].text
    return only(world)


def deadline(view: IncidentView, id: str, of: str = "dora") -> tuple[str, str]:
    """State and due time of a clock."""
    found = one_clock(view, id, of)
    return found.state, on(found.due)
