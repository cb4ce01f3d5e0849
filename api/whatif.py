"""What-if answers: the topology's, joined with the rules by the same functions that judge incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from api.reach import group_state, reached, versions_of
from api.schemas import GroupState
from api.whatif_schemas import Assumed, Changed, MomentOf, Waiting, WhatIf
from engine.context import Context
from engine.correlate.graph import Node
from engine.harm import facts_of, harm_of, obligations_of, shown
from engine.library import Library
from engine.lifecycle import State
from engine.outcomes import HarmView, SeverityView
from engine.restoration import foresee
from engine.severity import judge
from engine.state import CoreState, Incident
from engine.words import HEALTH
from rules.ruleset import RuleSet
from topology.assumptions import Assumptions, resolved
from topology.impact import Impact
from topology.model import Topology
from topology.objectives import Objective
from topology.scenario import Told
from topology.timeline import Course
from topology.whatif import NOTHING, Answer, Now, World, difference, first

UP = 1000


class Judged(NamedTuple):
    """What the engine would say of an incident with this impact."""

    severity: SeverityView
    harm: HarmView
    obligations: tuple[str, ...]
    objectives: tuple[Objective, ...]


def ask(
    topology: Topology,
    rules: RuleSet,
    assumed: Assumptions,
    moments: Sequence[int],
    now: Now | None = None,
    most: int | None = None,
) -> WhatIf:
    """The answer at each moment (milliseconds after the onset), with ``most`` entities of each kind listed.

    ``now`` is what is the matter anyway; None: the question is about a world in which all is well. The names in
    ``assumed`` must be known to the topology.
    """
    answer = Answer(topology, resolved(topology, assumed), now or NOTHING)
    return WhatIf(
        versions=versions_of(topology, rules),
        now=now is not None,
        assumed=[Assumed(entity, why) for entity, why in sorted(answer.reasons.items())][:most],
        waiting=[Waiting(entity, wait.delay / 1000, wait.waits_for) for entity, wait in sorted(answer.waits.items())][
            :most
        ],
        moments=[_moment(answer, rules, at, most) for at in moments],
    )


def told(answer: Answer, rules: RuleSet, at: int) -> Told:
    """What a scenario may expect beyond health."""
    judged = judge_world(answer, rules, at)
    users = judged.harm.users
    bounds = None if users.high is None else (users.low, users.high)
    return Told(judged.severity.level, bounds)


def judge_world(answer: Answer, rules: RuleSet, at: int) -> Judged:
    """The severity and harm of an assumed world at a moment, as of one incident that began with its first trouble.

    Every entity that is in trouble itself is taken to alert, with the word that its health stands for; times are on the
    question's clock.
    """
    index = answer.index
    rows = [(hit, index.entities.get(hit.entity)) for hit in answer.after.at(at).values()]
    context = Context(CoreState(), Library())
    context.topology, context.rules = answer.base, rules
    nodes = _nodes(answer, at)
    onset = min((node.start for node in nodes), default=at)
    nothing = SeverityView(level="", user_impact="", data_loss="", regulatory="", fired=())
    incident = Incident("what-if", "what-if", State.SUSPECTED, onset, onset, onset, nothing, firing=len(nodes))
    incident.obligations = obligations_of(rows)
    hits = {impact.entity: impact for impact, _ in rows}
    courses = {entity: _course(answer.after, entity) for entity in hits}
    foresee(context, incident, [node.entity for node in nodes], hits, courses, at)
    harm = harm_of(context, incident, rows, at)
    hit = any(impact.low < UP for impact, _ in rows)
    judge(context, incident, facts_of(harm, incident, nodes, hit), at)
    return Judged(incident.severity, shown(harm), incident.obligations, incident.objectives)


def _course(world: World, entity: str) -> Course:
    steps = world.steps(entity)
    hit, down = first(steps, UP - 1), first(steps, 0)
    return Course(entity=entity, degraded_at=hit, down_at=down, surely_degraded_at=hit, surely_down_at=down)


def _nodes(answer: Answer, at: int) -> list[Node]:
    found = [_node(answer, fault.entity, fault.after, _word(fault.health)) for fault in answer.troubled(at).values()]
    slow = (entity for entity, wait in answer.waits.items() if not wait.waits_for)
    found += [_node(answer, entity, 0, "warning") for entity in slow]
    return sorted(found, key=lambda node: (node.start, node.entity))


def _node(answer: Answer, entity: str, start: int, word: str) -> Node:
    security = answer.index.entities[entity].security
    return Node(entity, start, None, 1.0, [], firing=1, word=word, firing_word=word, security=security)


def _word(health: int) -> str:
    """The mildest severity word of an alert that makes an entity this unwell."""
    words = [word for word in ("warning", "error") if HEALTH[word] <= health]
    return words[0] if words else "critical"


def _moment(answer: Answer, rules: RuleSet, at: int, most: int | None) -> MomentOf:
    hits = answer.after.at(at)
    changed = list(difference(answer.before.at(at), hits))
    judged = judge_world(answer, rules, at)
    return MomentOf(
        at=at / 1000,
        total=len(hits),
        items=reached(answer.after, hits, at, answer.reasons, most),
        margins=list(_margins(answer, hits, at))[:most],
        worse_together=answer.aggravated(at)[:most],
        changed=[Changed(*one) for one in changed[:most]],
        changed_total=len(changed),
        severity=judged.severity,
        harm=judged.harm,
        obligations=judged.obligations,
        objectives=judged.objectives,
    )


def _margins(answer: Answer, hits: Mapping[str, Impact], at: int) -> Iterable[GroupState]:
    for entity, hit in hits.items():
        if hit.at_risk:
            yield from (group_state(one) for one in answer.after.sums(entity, at) if one.margin_lost)
