"""Laws: answers are monotone in information, deadlines keep, and never run backwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.regimes import Calendar, Clock, Given, Interval, Regime, Value, collectively, evaluate, explained, together
from rules.regimes.calendars import resolve
from rules.regimes.loading import shipped
from rules.regimes.model import Fact
from rules.regimes.workdays import day_of, moment, works
from rules.ternary import Ternary

AT = 1_790_000_000_000
REGIMES = [regime for regime in shipped() if regime.facts]
NUMBERS = st.sampled_from([0, 1, 2, 3, 99, 100, 101, 499, 500, 501, 1000, 7200, 7201, 86_400, 86_401, 100_000, 100_001])
PLACES = [
    resolve("UTC"),
    resolve("Europe/Berlin", "DE"),
    resolve("America/New_York", "US"),
    resolve("Asia/Kolkata", "IN"),
]
FIRST, LAST = (round(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2025, 2034))
MOMENTS = st.integers(FIRST, LAST).map(lambda seconds: seconds * 1000)


def wide(fact: Fact, exact: int) -> st.SearchStrategy[Value | None]:
    low = st.one_of(st.none(), st.integers(0, exact))
    high = st.one_of(st.none(), st.integers(exact, exact + 1000))
    return st.one_of(st.none(), st.builds(Interval, low, high))


@st.composite
def two_views(draw: st.DrawFn) -> tuple[Regime, dict[str, Given], dict[str, Given]]:
    """A regime, what is known early, and what is known later: the same or narrower."""
    regime = draw(st.sampled_from(REGIMES))
    early, later = {}, {}
    for fact in regime.facts:
        if fact.percent_of is not None:
            continue
        if fact.kind == "truth":
            value: Value | None = draw(st.sampled_from([True, False, None]))
            before = value if draw(st.booleans()) else None
        else:
            value = draw(NUMBERS)
            before = draw(wide(fact, value))
        early[fact.id], later[fact.id] = Given(before), Given(value)
    return regime, early, later


def answers(regime: Regime, facts: Mapping[str, Given]) -> dict[str, Ternary]:
    result = evaluate(regime, facts, AT)
    named = {f"criterion {criterion.id}": criterion.answer for criterion in result.criteria}
    return named | {f"clock {clock.id}": clock.applies for clock in result.clocks} | {"whole": result.answer}


@settings(max_examples=150, deadline=None)
@given(two_views())
def test_learning_a_fact_only_ever_turns_cannot_exclude_into_yes_or_no(
    views: tuple[Regime, dict[str, Given], dict[str, Given]],
) -> None:
    regime, early, later = views
    before, after = answers(regime, early), answers(regime, later)
    changed = {id for id in before if before[id] is not after[id]}
    assert all(before[id] is Ternary.CANNOT_EXCLUDE for id in changed)


@settings(max_examples=60, deadline=None)
@given(two_views())
def test_whatever_is_open_names_a_fact_that_is_asked_for(
    views: tuple[Regime, dict[str, Given], dict[str, Given]],
) -> None:
    regime, early, _ = views
    result = evaluate(regime, early, AT)
    asked = {missing.fact for missing in result.missing}
    for criterion in result.criteria:
        assert (criterion.answer is Ternary.CANNOT_EXCLUDE) == bool(criterion.unknown)
        assert set(criterion.unknown) <= asked
        assert criterion.because
        assert criterion.source.article or not criterion.source.checked


@settings(max_examples=60, deadline=None)
@given(two_views())
def test_one_incident_that_recurs_alone_is_what_it_is(views: tuple[Regime, dict[str, Given], dict[str, Given]]) -> None:
    regime, _, later = views
    alone = {id: given for id, given in later.items() if given.value is not None}
    once = alone | {fact.id: together(regime, [])[fact.id] for fact in regime.facts if fact.together == "none"}
    assert collectively(regime, [alone], AT) is evaluate(regime, once, AT).answer


def test_recurring_incidents_add_up_as_their_facts_say() -> None:
    [dora] = [regime for regime in shipped() if regime.id == "dora"]
    one = {"critical_function": Given(True), "clients_affected": Given(60_000), "costs_eur": Given(60_000)}
    both = together(dora, [one, one | {"clients_affected": Given(50_000, estimated=True)}])
    assert both["clients_affected"] == Given(Interval(60_000, 110_000), True, "engine")
    assert both["costs_eur"].value == 120_000
    assert both["critical_function"].value is True
    assert both["recurrences_6_months"].value == 0
    assert both["downtime_s"].value == Interval(0, None)


CLOCKS = [(regime.id, clock) for regime in shipped() for clock in regime.clocks]


@pytest.mark.parametrize(("regime", "clock"), CLOCKS, ids=[f"{id}.{clock.id}" for id, clock in CLOCKS])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_deadline_keeps_and_never_gains_time_but_by_the_laws_own_rule(
    regime: str, clock: Clock, data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(PLACES))
    names = sorted({period.mark for period in clock.due} | set(clock.needs))
    order = data.draw(st.permutations(names))
    moments = sorted(data.draw(st.lists(MOMENTS, min_size=len(names), max_size=len(names))))
    marks: dict[str, int] = {}
    for mark, at in zip(order, moments, strict=True):
        before = explained(clock, marks, place)
        marks[mark] = at
        after = explained(clock, marks, place)
        assert before.at is None or after.at is not None
        if before.at is not None and after.at is not None and after.at > before.at:
            assert clock.later
            assert any(clock.later.source.article in reason for reason in after.because)
        assert after.at is None or after.at >= min(marks.values())


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([clock for _, clock in CLOCKS if clock.due]),
    st.sampled_from(PLACES),
    st.lists(MOMENTS, min_size=2, max_size=2),
    st.integers(0, 3 * 86_400_000),
)
def test_a_mark_set_later_never_makes_the_deadline_earlier_before_it_is_moved_to_noon(
    clock: Clock, place: Calendar, moments: list[int], apart: int
) -> None:
    """Moved from Sunday to Monday noon, a deadline lies after one that falls on the early Monday: so the law has it."""
    mark = clock.due[0].mark
    for early, late in ((min(moments), max(moments)), (moments[0], moments[0] + apart)):
        first, second = explained(clock, {mark: early}, place), explained(clock, {mark: late}, place)
        assert first.at is not None
        assert second.at is not None
        assert (first.unmoved or first.at) <= (second.unmoved or second.at)
        assert first.at <= second.at or day_of(place, first.at) == day_of(place, second.at)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), MOMENTS)
def test_a_moved_deadline_is_noon_of_a_working_day_and_never_earlier(place: Calendar, at: int) -> None:
    [dora] = [regime for regime in shipped() if regime.id == "dora"]
    [final] = [clock for clock in dora.clocks if clock.id == "final"]
    result = explained(final, {"intermediate_submitted": at}, place)
    assert result.at is not None
    if result.unmoved is not None:
        assert result.at > result.unmoved
        assert works(place, day_of(place, result.at))
        assert result.at == moment(place, day_of(place, result.at), 12 * 60)
