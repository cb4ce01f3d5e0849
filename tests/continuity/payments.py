"""What the tests about continuity share: a shop with a database, its playbook, who is on duty, and a vendor."""

from __future__ import annotations

import msgspec

from engine.core import Core
from engine.outcomes import IncidentView, TimelineEntry
from engine.response_views import Execution, GateView, Response, TaskView
from engine.signals import Answer, Labels, Samples
from rules.parse import parse_rules
from rules.playbooks.parse import parse_playbooks
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet
from tests.scenarios.world import Moment, World, chain
from topology.continuity import Continuity, Contract
from topology.model import Entity, Kind

SHOP = chain(
    "checkout -> orders-db",
    entities=[
        Entity(id="checkout", name="Checkout", kind=Kind.BUSINESS_SERVICE, owner="sales", tier=1, rto=3600),
        Entity(id="orders-db", kind=Kind.DATABASE, owner="team-data", rpo=60),
        Entity(id="cloud", continuity=Continuity(contract=Contract(reference="C-7", response=900))),
    ],
)
RULES = """
escalation:
  roles: {duty_manager: [Dana], crisis_lead: [Ada], dba: [Bo]}
  teams: {SEV1: [crisis_lead], SEV2: [crisis_lead]}
probes:
  - {id: shop-front, entity: checkout, kind: tcp, target: "127.0.0.1:9"}
data_checks:
  - {id: orders-same, entity: orders-db, kind: rows, database: o, query: select 1, least: 1}
exposure:
  - {id: lag, match: {__name__: pg_lag}, gives: lag_seconds}
gates:
  maintenance:
    - {id: nightly, entities: [checkout], from: 2026-09-22T22:00:00Z, until: 2026-09-22T23:00:00Z}
"""
PLAYBOOKS = """
assessor: on-call
briefings: {SEV1: 15m, SEV2: 30m}
review: {severities: [SEV1, SEV2], within: 72h, remind: 24h}
allow: {commands: [promote-replica]}
rosters:
  - id: on-call
    contacts: {Cy: "+49 30 1"}
    shifts:
      - {person: Cy, from: 2026-09-22T08:00:00Z, until: 2026-09-22T20:00:00Z}
vendors:
  - {id: cloud-support, entity: cloud, contacts: [{name: Desk, reach: "+1 555"}]}
exercises:
  - {id: db-tabletop, kind: tabletop, title: Loss of orders-db, entity: orders-db, every: 90d, roles: [lead, scribe]}
playbooks:
  - id: orders-db-lost
    title: The orders database is lost
    owner: team-data
    entities: [orders-db]
    reviewed: 2026-09-01
    reviewed_by: Dana
    proven: 2026-09-10
    gates:
      - {id: lag, check: replication_lag, entity: orders-db, at_most: 30s}
      - {id: same, check: consistency, name: orders-same}
      - {id: window, check: change_window, entity: orders-db, authority: crisis_lead}
      - {id: front, check: probe, name: shop-front}
    tasks:
      - {id: look, title: Look at the database, accountable: dba, takes: 5m, entity: orders-db}
      - {id: choose, title: Fail over or repair, accountable: crisis_lead, takes: 5m, after: [look],
         decision: {options: [failover, repair], authority: crisis_lead}}
      - {id: failover, title: Promote the replica, accountable: dba, takes: 10m, gates: [lag, same, window],
         only_if: {task: choose, option: failover}, command: {run: promote-replica}}
      - {id: repair, title: Repair in place, accountable: dba, takes: 40m, only_if: {task: choose, option: repair}}
      - {id: serve, title: Let customers in, accountable: duty_manager, takes: 5m, after: [failover, repair],
         gates: [front], expects: ["checkout -> orders-db"]}
"""


def policy(entity: str = "orders-db") -> ContinuityPolicy:
    """What the file declares, for another entity."""
    found, problems = parse_playbooks({"playbooks/p.yaml": PLAYBOOKS.replace("orders-db]", f"{entity}]")})
    assert found is not None, problems
    return found


def declared(playbooks: str = PLAYBOOKS, rules: str = RULES) -> RuleSet:
    """The rules of both files."""
    made, problems = parse_rules({"r.yaml": rules})
    assert made is not None, problems
    found, problems = parse_playbooks({"playbooks/p.yaml": playbooks})
    assert found is not None, problems
    return made.with_continuity(found)


def outage(playbooks: str = PLAYBOOKS, severity: str = "critical") -> tuple[World, str]:
    """The orders database is down since 10:00; at 10:02 people know. Returns the incident's id as well."""
    world = World(SHOP, declared(playbooks))
    world.at("10:00").fire("orders-db", "DbDown", severity=severity)
    id = world.at("10:02").incidents()[0].id
    world.at("10:02").command("override_severity", id, reason="all customers", level="SEV2")
    return world, id


def response(world: World, id: str) -> Response:
    """How the incident is being worked on, as its latest revision says."""
    return latest(world, id).response


def latest(world: World, id: str) -> IncidentView:
    """The latest revision."""
    return world.driven.revisions[id][-1]


def running(world: World, id: str) -> Execution:
    """The playbook under way."""
    found = response(world, id).execution
    assert found is not None
    return found


def gate_of(world: World, id: str, gate: str) -> GateView:
    """A gate of the playbook under way."""
    found = running(world, id).gate(gate)
    assert found is not None
    return found


def task_of(world: World, id: str, task: str) -> TaskView:
    """A task of the playbook under way."""
    found = running(world, id).task(task)
    assert found is not None
    return found


def refusal(world: World) -> TimelineEntry:
    """The latest refusal."""
    return [line for line in world.driven.timeline if line.kind == "refused"][-1]


def states(world: World, id: str) -> dict[str, str]:
    """Where every task stands."""
    return {one.id: one.state for one in running(world, id).tasks}


def lag(moment: Moment, seconds: float) -> None:
    """The replication lag of the database is measured."""
    labels = Labels.of({"__name__": "pg_lag", "service": "orders-db", "replica": "r1"})
    moment.world.driven.feed(moment.now, (Samples(labels, (moment.now,), (seconds,)),))


def answered(moment: Moment, probe: str, entity: str, passed: str) -> None:
    """A probe or data check has answered."""
    kind = "rows" if probe == "orders-same" else "tcp"
    moment.world.driven.feed(moment.now, (Answer(probe, entity, kind, moment.now, passed, 12),))


def replayed(world: World) -> bool:
    """Does the state survive a snapshot as it is?"""
    before = world.driven.core.state
    again = Core.restore(world.driven.core.snapshot(), world.driven.library).state
    return msgspec.json.encode([i.response for i in before.incidents.values()]) == msgspec.json.encode(
        [i.response for i in again.incidents.values()]
    )


def lines(world: World, kind: str) -> list[str]:
    """The lines of a kind in the timeline."""
    return [line.text for line in world.driven.timeline if line.kind == kind]
