"""Laws of regulatory clocks: they never vanish and never run backwards; restarts and ticks change nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock_views import ClockView
from engine.outcomes import IncidentView
from engine.signals import AlertEvent, Command, Labels, Signal
from tests.engine.laws import Lawful
from tests.engine.regimes import rules
from tests.engine.severities import entity
from tests.scenarios.world import MIDNIGHT, chain
from topology.model import Kind, Topology

HOUR = 3_600_000
RULES = rules("""
obligations: [{id: dora-major, name: Major ICT-related incident, regime: dora}]
regimes:
  dora:
    entity_type: payment_institution
    calendar: {zone: Europe/Berlin, country: DE}
    facts: {clients_total: 1200000, nis2_entity: 'false', weekends_denied: 'false'}
  nis2: {entity_type: essential, calendar: {zone: Europe/Berlin, country: DE}}
  gdpr: {entity_type: controller, calendar: {zone: Europe/Berlin, country: DE}}
""")
SERVICE = Kind.BUSINESS_SERVICE
WHOLE = chain(
    "pay -> cards",
    "shop -> stock",
    entities=[
        entity("pay", SERVICE, users=120_000, critical=True, regions=("DE", "FR"), obligations=("dora-major",)),
        entity("shop", SERVICE, users=50, critical=False),
    ],
)
TOPOLOGY = Topology.build(
    [msgspec.structs.replace(one, domain="all") for one in WHOLE.content.entities], WHOLE.content.dependencies
)
MARKS = {
    "dora": ("aware", "classified_major", "initial_submitted", "intermediate_submitted", "final_submitted"),
    "nis2": ("aware", "warned", "notified"),
    "gdpr": ("aware", "notified"),
}
FACTS = (
    ("dora", "critical_function"),
    ("dora", "in_the_media"),
    ("dora", "malicious_access"),
    ("nis2", "severe_disruption"),
    ("gdpr", "personal_data_breach"),
    ("gdpr", "risk_unlikely"),
)
REGAINED = frozenset({("dora", "initial"), ("dora", "final")})
"""Clocks of which a rule of the law itself gives more time: late classification, an updated intermediate report."""

Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("fire", "fire", "resolve", "mark", "mark", "mark", "fact", "merge", "wait", "dismiss")),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from((1_000, 120_000, HOUR, 7 * HOUR, 30 * HOUR)),
    ),
    min_size=4,
    max_size=18,
)


def inputs(steps: list[Step]) -> list[tuple[int, Signal]]:
    """What arrives when; commands aim at the incidents that an engine without restarts has by then."""
    driven, arrivals = Lawful(TOPOLOGY, RULES, start=MIDNIGHT), []
    for kind, a, b, wait in steps:
        now = driven.now + wait
        driven.pass_time(now)
        signal = _signal(kind, a, b, now, sorted(driven.revisions))
        if signal is not None:
            arrivals.append((now, signal))
            driven.feed(now, (signal,))
    return arrivals


def _signal(kind: str, a: int, b: int, now: int, known: list[str]) -> Signal | None:
    if kind in ("fire", "resolve"):
        labels = Labels.of({"alertname": "Down", "service": ("cards", "stock", "pay", "shop")[a % 4]})
        return AlertEvent(labels, kind == "fire", annotations=b'{"severity":"critical"}')
    if not known or kind == "wait":
        return None
    target = known[a % len(known)]
    regime = sorted(MARKS)[b % 3]
    if kind == "mark":
        at = datetime.fromtimestamp((now - a * HOUR // 4) / 1000, UTC).isoformat()
        facts = {"regime": regime, "mark": MARKS[regime][(a + b) % len(MARKS[regime])], "at": at}
    elif kind == "fact":
        of, fact = FACTS[b % len(FACTS)]
        facts = {"regime": of, "fact": fact, "value": ("true", "false", "unknown")[a % 3]}
    elif kind == "dismiss":
        facts = {"regime": regime, "clock": ("initial", "final", "notification")[a % 3]}
    else:
        facts = {"into": known[b % len(known)]}
    action = {"fact": "give_fact", "dismiss": "dismiss_clock"}.get(kind, kind)
    return Command("ada", action, target, "because", facts)


def run(arrivals: list[tuple[int, Signal]], rng: Random | None = None) -> Lawful:
    """The engine after these inputs and 40 days; with ``rng`` it is restarted and looked at in between."""
    driven = Lawful(TOPOLOGY, RULES, start=MIDNIGHT)
    for now, signal in arrivals:
        driven.pass_time(now, (lambda: rng.randrange(1, HOUR)) if rng else None)
        driven.feed(now, (signal,))
        if rng and rng.random() < 0.4:
            driven.restart()
    driven.pass_time(driven.now + 40 * 24 * HOUR)
    return driven


def keyed(view: IncidentView) -> dict[tuple[str, str], ClockView]:
    """Clocks by regime and id."""
    return {(one.regime, one.clock): one for one in view.clocks}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_clock_never_vanishes_and_never_runs_backwards(steps: list[Step]) -> None:
    driven = run(inputs(steps))
    for revisions in driven.revisions.values():
        before: dict[tuple[str, str], ClockView] = {}
        for view in revisions:
            now = keyed(view)
            assert before.keys() <= now.keys(), "a clock vanished"
            for key, old in before.items():
                new = now[key]
                assert len(new.history) >= len(old.history)
                if old.due is not None:
                    assert new.due is not None, "a deadline vanished"
                    assert new.due <= old.due or key in REGAINED, f"{key} got more time"
                    assert new.due == old.due or old.due in {one.due for one in new.history}
                assert old.state != "dismissed" or new.state == "dismissed" or view.id in merged_into(driven)
            before = now
        last = revisions[-1]
        if last.merged_into:
            heir = driven.revisions[last.merged_into][-1]
            assert keyed(last).keys() <= keyed(heir).keys(), "a merge lost a clock"


def merged_into(driven: Lawful) -> set[str]:
    """Incidents that others became part of."""
    return {views[-1].merged_into for views in driven.revisions.values()}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 1000))
def test_restarts_and_ticks_change_no_clock(steps: list[Step], seed: int) -> None:
    arrivals = inputs(steps)
    once, again = run(arrivals), run(arrivals, Random(seed))
    assert again.decisions == once.decisions
    assert again.revisions == once.revisions
    assert again.outbox == once.outbox


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_deadline_is_somebodys_and_stays_at_hand_until_somebody_ends_it(steps: list[Step]) -> None:
    driven = run(inputs(steps))
    for id, revisions in driven.revisions.items():
        view = revisions[-1]
        for clock in view.clocks:
            marks = next(one for one in view.regimes if one.regime == clock.regime).marks
            pressed = {mark.id: mark for mark in marks if mark.at is not None}
            assert clock.due is None or pressed, "a deadline without a person"
            assert clock.state != "fulfilled" or pressed[clock.stops].by == "ada"
            if clock.due is not None and clock.state in ("running", "overdue") and not view.merged_into:
                assert id in driven.core.state.incidents, "nobody can end it any more"
