"""Windows that a Prometheus gives: what is asked, what recovery makes of it, and of all that such a source can do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import msgspec
import pytest

from engine import own
from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.queries import Query, queries
from engine.recovery.window import WEEK, Occasion
from engine.recovery_views import IndicatorView
from engine.signals import Fetched, Millis
from engine.state import decode, encode
from rules.recovery import RecoveryPolicy
from tests.engine.laws import World
from tests.engine.test_engine_recovery import seen
from tests.engine.test_engine_recovery_declared import CART, rules
from tests.scenarios import world as scenario
from tests.scenarios.drive import Driven
from tests.scenarios.world import MIDNIGHT, clock, shown

MINUTE: Millis = 60_000
SUNDAY: Millis = 1_794_096_000_000
"""8 November 2026."""
DAY: Millis = 86_400_000
Source = Callable[[Millis], float | None]
"""What a Prometheus has for the expression at a moment."""
LATENCY = """recovery:
  zone: {zone}
  indicators:
    - {{id: slow, entity: cart, expr: p99, kind: latency}}
"""


def declared(zone: str = "UTC") -> str:
    return LATENCY.format(zone=zone)


def noisy(level: float, spread: float = 0.02) -> Source:
    def value(at: Millis) -> float:
        return level * (1 + spread * random.Random(at).gauss(0, 1))

    return value


def outage_of(usual: Source, during: Source, later: Source, since: str = "10:30") -> Source:
    def value(at: Millis) -> float | None:
        return usual(at) if at < clock("10:00") else during(at) if at < clock(since) else later(at)

    return value


BACK = outage_of(noisy(100), noisy(400), noisy(100))
WORSE = outage_of(noisy(100), noisy(400), noisy(140))


def given(query: Query, source: Source) -> Fetched:
    """What the shell makes of an answer."""
    step = query.rule.step
    points = [(at, value) for at in range(query.start, query.end + 1, step) if (value := source(at)) is not None]
    return Fetched(
        incident=query.incident,
        indicator=query.rule.id,
        occasion=query.occasion.value,
        start=query.start,
        end=query.end,
        step=step,
        weeks=query.weeks,
        times=tuple(at for at, _ in points),
        values=tuple(value for _, value in points),
        said="" if points else "the expression gives no series",
    )


class Asked:
    """Asks once a minute as the shell does, of a Prometheus that is down at some times."""

    def __init__(self, driven: Driven, policy: RecoveryPolicy, source: Source, down: Iterable[str] = ()) -> None:
        self.driven, self.policy, self.source, self.down = driven, policy, source, tuple(map(clock, down))
        self.known: set[tuple[str, str, int, Millis]] = set()

    def __call__(self, now: Millis) -> None:
        for query in queries(self.driven.incidents(), self.policy, lambda name: name, now):
            key = (query.incident, query.occasion.value, query.weeks, query.start)
            if key in self.known and query.occasion is not Occasion.AFTER:
                continue
            if self.down and self.down[0] <= now < self.down[1]:
                gone = given(query, lambda _: None)
                self.driven.feed(now, (msgspec.structs.replace(gone, said="prom does not answer: timeout"),))
                continue
            self.known.add(key)
            self.driven.feed(now, (given(query, self.source),))


def outage(
    source: Source,
    *,
    until: str = "10:55",
    down: Iterable[str] = (),
    zone: str = "UTC",
    restarts: bool = False,
    quiet: str = "10:31",
) -> World:
    """The cart alerts from 10:02 to 10:31; nothing is pushed."""
    found = rules(declared(zone))
    world = World(CART, found)
    ask = Asked(world.driven, found.recovery, source, down)
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical")
    for now in range(clock("10:03"), clock(until), MINUTE):
        world.driven.pass_time(now)
        if now == clock(quiet):
            world.at(quiet).resolve("cart", "LatencyHigh")
        ask(now)
        if restarts:
            world.driven.restart()
    return world


def slow(view: IncidentView) -> IndicatorView:
    assert view.recovery is not None
    (one,) = view.recovery.indicators
    assert one.id == "slow"
    return one


def test_what_is_asked_for_are_the_past_weeks_the_hour_before_and_the_time_since() -> None:
    world = outage(BACK, until="10:34")
    policy = rules(declared()).recovery
    asked = list(queries(world.driven.incidents(), policy, lambda name: name, clock("10:36")))
    onset = seen(world).onset
    assert [(one.occasion, one.weeks, one.start, one.end) for one in asked] == [
        (Occasion.BEFORE_ONSET, 0, onset - 61 * MINUTE, onset - MINUTE),
        *(
            (Occasion.PAST_WEEK, week, onset - week * WEEK - 60 * MINUTE, onset - week * WEEK + 120 * MINUTE)
            for week in (1, 2, 3, 4)
        ),
        (Occasion.AFTER, 0, clock("10:31"), clock("10:36")),
    ]
    assert list(queries((), policy, lambda name: name, clock("10:36"))) == []


def test_a_later_recovery_is_compared_with_the_hours_around_it() -> None:
    world = outage(outage_of(noisy(100), noisy(400), noisy(100), "13:30"), until="13:34", quiet="13:31")
    asked = queries(world.driven.incidents(), rules(declared()).recovery, lambda name: name, clock("13:36"))
    assert [shown(one.start + one.weeks * WEEK) for one in asked if one.weeks] == 4 * ["12:31:00"]


def test_a_prometheus_shows_that_service_is_back_or_is_not() -> None:
    view = seen(outage(BACK))
    assert (view.closed_as, slow(view).verdict) == ("restored", "restored")
    view = seen(outage(WORSE))
    assert (view.state, slow(view).verdict) == (State.RECOVERING, "residual_degradation")


def test_one_that_is_down_all_the_time_gives_no_baseline_and_the_reason() -> None:
    view = seen(outage(BACK, down=("09:00", "12:00")))
    assert (slow(view).verdict, slow(view).why) == ("no_baseline", ("no_answer",))
    assert slow(view).detail == "prom does not answer: timeout"
    assert view.closed_as == "ended"


def test_one_that_goes_down_after_the_alerts_leaves_it_open() -> None:
    view = seen(outage(BACK, down=("10:32", "12:00")))
    assert (view.state, slow(view).verdict, slow(view).why) == (State.RECOVERING, "inconclusive", ("no_answer",))


def test_what_it_gave_a_while_ago_is_no_answer_for_now() -> None:
    view = seen(outage(BACK, down=("10:35", "12:00")))
    assert (view.state, slow(view).why) == (State.RECOVERING, ("no_answer",))


def test_one_that_comes_back_is_believed() -> None:
    assert seen(outage(BACK, down=("10:03", "10:34"))).closed_as == "restored"


@pytest.mark.parametrize(
    ("source", "verdict", "why"),
    [
        pytest.param(outage_of(noisy(100), noisy(400), noisy(100_000)), "inconclusive", "unit_changed", id="unit"),
        pytest.param(outage_of(noisy(100), noisy(400), lambda _: None), "inconclusive", "no_answer", id="renamed"),
        pytest.param(outage_of(noisy(100), noisy(400), lambda _: 100.0), "inconclusive", "frozen", id="all equal"),
        pytest.param(
            lambda at: 5.0 if at == clock("10:40") else BACK(at) if at < clock("10:31") else None,
            "inconclusive",
            "too_few",
            id="one sample",
        ),
        pytest.param(outage_of(lambda _: 7.0, noisy(400), lambda _: 7.0), "no_baseline", "constant", id="constant"),
    ],
)
def test_bad_input_is_never_a_recovery(source: Source, verdict: str, why: str) -> None:
    view = seen(outage(source))
    assert (slow(view).verdict, slow(view).why) == (verdict, (why,))
    assert view.closed_as != "restored"


def test_a_week_that_held_an_incident_is_told_by_its_likeness_to_the_others() -> None:
    def value(at: Millis) -> float | None:
        return noisy(900)(at) if at < MIDNIGHT - 2 * WEEK and at > MIDNIGHT - 3 * WEEK else BACK(at)

    assert seen(outage(value)).closed_as == "restored"


def test_weeks_without_anything_leave_the_hour_before() -> None:
    def value(at: Millis) -> float | None:
        return BACK(at) if at > MIDNIGHT - 86_400_000 else None

    assert seen(outage(value)).closed_as == "restored"


def test_weeks_are_laid_beside_each_other_by_the_clock_on_the_wall() -> None:
    policy = RecoveryPolicy(zone="Europe/Berlin")
    noon_in_winter = 1_793_703_600_000 + 0  # 2026-11-03 11:00Z, 12:00 in Berlin
    assert noon_in_winter - policy.week_before(noon_in_winter, 1) == WEEK
    assert noon_in_winter - policy.week_before(noon_in_winter, 2) == 2 * WEEK + 3_600_000
    assert policy.offset(noon_in_winter) == 3_600_000


def test_a_past_hour_in_which_the_clock_changed_is_not_used() -> None:
    at = 1_793_500_200_000  # 2026-11-01 02:30Z
    policy = RecoveryPolicy(zone="Europe/Berlin")
    changed = policy.week_before(at, 1)
    assert policy.offset(changed - 3 * 3_600_000) != policy.offset(changed + 3_600_000)


def by_the_wall(zone: str) -> Source:
    """Busier from six to nine there, an hour later by UTC before the clock changed; four times as much in trouble."""
    policy = RecoveryPolicy(zone=zone)

    def value(at: Millis) -> float:
        hour = (at + policy.offset(at)) // 3_600_000 % 24
        level = 300 if 6 <= hour < 10 else 100
        trouble = clock("10:00") <= at < clock("10:30")
        return level * (4 if trouble else 1) * (1 + 0.02 * random.Random(at).gauss(0, 1))

    return value


def test_weeks_before_the_clock_changed_are_compared_at_the_same_hour_on_the_wall(monkeypatch) -> None:
    zone = "America/Santiago"  # 10:00Z is 07:00 there since 6 September 2026, and was 06:00 before
    monkeypatch.setattr(scenario, "MIDNIGHT", SUNDAY - 47 * DAY)  # 22 September
    view = seen(outage(by_the_wall(zone), zone=zone))
    assert (slow(view).verdict, slow(view).weeks, slow(view).unused) == ("restored", 4, ())


def test_a_past_hour_in_which_the_clock_changed_is_left_out_by_the_core(monkeypatch) -> None:
    monkeypatch.setattr(scenario, "MIDNIGHT", SUNDAY)  # in Anchorage the clock was put back at 10:00Z a week before
    view = seen(outage(BACK, zone="America/Anchorage"))
    assert (slow(view).verdict, slow(view).weeks) == ("restored", 3)
    assert [(one.occasion, one.why) for one in slow(view).unused] == [("past_week", "daylight_saving")]


def said(world: World) -> list[object]:
    driven = world.driven
    return [
        [msgspec.json.encode(view) for views in driven.revisions.values() for view in views],
        [(line.at, line.text) for line in driven.timeline],
        [publication.key for publication in driven.outbox],
    ]


@pytest.mark.parametrize("source", [BACK, WORSE], ids=["back", "worse"])
def test_restarts_change_nothing(source: Source) -> None:
    assert said(outage(source)) == said(outage(source, restarts=True))


def test_answers_that_come_again_or_in_another_order_change_nothing() -> None:
    found = rules(declared())
    states = []
    for seed in range(3):
        world = outage(BACK, until="10:33")
        driven = world.driven
        answers = [given(one, BACK) for one in queries(driven.incidents(), found.recovery, lambda n: n, driven.now)]
        random.Random(seed).shuffle(answers)
        for one in (*answers, *answers[:3]):
            driven.feed(driven.now, (one,))
        (incident,) = driven.core.state.incidents.values()
        (ranges,) = incident.ranges.values()
        states.append(msgspec.json.encode([ranges.before, ranges.after, ranges.said, sorted(ranges.weeks.items())]))
    assert len(set(states)) == 1
    again = decode(encode(driven.core.state))
    assert next(iter(again.incidents.values())).ranges == incident.ranges


@pytest.mark.parametrize(
    "change",
    [
        {"incident": "INC-999"},
        {"indicator": "stranger"},
        {"occasion": "tomorrow"},
        {"weeks": 99, "occasion": "past_week"},
        {"step": 0},
        {"values": (float("nan"),) * 300},
        {"times": ()},
    ],
)
def test_what_nobody_asked_for_or_is_none_is_not_kept(change: dict[str, object]) -> None:
    world = outage(lambda _: None, until="10:05")
    (query, *_) = queries(world.driven.incidents(), rules(declared()).recovery, lambda name: name, world.driven.now)
    world.driven.feed(world.driven.now, (msgspec.structs.replace(given(query, BACK), **change),))
    ranges = next(iter(world.driven.core.state.incidents.values())).ranges
    assert all(one.before is None and not one.weeks and one.after is None for one in ranges.values())
    assert set(ranges) <= {"slow"}


def test_an_answer_in_the_input_log_is_read_as_it_was_written() -> None:
    found = Fetched("INC-1", "slow", "after", 0, 60_000, 30_000, 0, (0, 30_000), (1.5, 2.0), "a piece is missing")
    (again,) = own.decode(own.fetched(found).body).signals
    assert isinstance(again, Fetched)
    assert msgspec.structs.asdict(again) == msgspec.structs.asdict(found)
