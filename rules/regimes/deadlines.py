"""When a duty is due, from the marks that people set, with the reasons.

Laws: a deadline that exists stays (further marks never take it away); setting a mark later never makes it earlier
(moved off a weekend to noon, it may lie after one that falls on the morning of that same day);
a mark that is added never makes it later, except where the law itself says so (`Clock.later`, a latest mark counted
again) and the reasons name that rule. What has no deadline in law has none here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rules.regimes.model import Calendar, Clock, Millis, Period, Regime
from rules.regimes.workdays import (
    add_business_days,
    add_days,
    add_months,
    after_year_end,
    day_of,
    moment,
    next_working_day,
    works,
)

HOUR: Millis = 3_600_000
WORDS = {
    "hours": "hours",
    "days": "calendar days",
    "business_days": "business days",
    "months": "months",
    "year_end_days": "days after the end of the calendar year",
}


class Due(msgspec.Struct, frozen=True):
    """``at`` is None while no mark it runs from is set, or where the law names no time (``promptly``).

    ``provisional``: the duty has not arisen yet (``waits_for`` names the marks), the deadline says what it would be.
    ``unmoved`` is the deadline before it was moved off a weekend or holiday.
    """

    at: Millis | None
    provisional: bool = False
    because: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    unmoved: Millis | None = None
    promptly: str = ""


def due(clock: Clock, marks: Mapping[str, Millis], calendar: Calendar) -> Millis | None:
    """The moment a duty is due, or None (see `explained`)."""
    return explained(clock, marks, calendar).at


def explained(clock: Clock, marks: Mapping[str, Millis], calendar: Calendar) -> Due:
    """The deadline of a clock with its reasons.

    Each limit is moved off weekends and holidays by itself before the earliest is taken: a limit that falls on a
    working day stays the limit.
    """
    waits_for = tuple(mark for mark in clock.needs if mark not in marks)
    late = clock.later if clock.later and _is_late(clock, marks, calendar) else None
    periods = (late.due,) if late else tuple(period for period in clock.due if period.mark in marks)
    if not periods:
        waiting = waits_for or tuple(dict.fromkeys(period.mark for period in clock.due))
        return Due(None, bool(waiting), (), waiting, None, clock.promptly)
    terms = [(_after(period, marks, calendar, clock.close), period) for period in periods]
    limits = [(_moved(clock, at, calendar), at, period) for at, period in terms]
    choose = min if clock.pick == "earliest" else max
    at, unmoved, period = choose(limits, key=lambda limit: limit[:2])
    if late:
        because = [f"{late.source.article}: {_said(period)}, as it came after {_said(late.limit)}"]
    else:
        because = [f"{clock.source.article}: {_said(period)}"]
        because += [f"{clock.pick} of {len(clock.due)}"] if len(clock.due) > 1 else []
    because += _why_moved(clock, at, unmoved, calendar)
    return Due(at, bool(waits_for), tuple(because), waits_for, unmoved if at != unmoved else None, clock.promptly)


def _why_moved(clock: Clock, at: Millis, unmoved: Millis, calendar: Calendar) -> list[str]:
    because = []
    if at != unmoved and clock.shift:
        because.append(f"{clock.shift.source.article}: moved off {_day(unmoved, calendar)} to the next working day")
    if calendar.holidays and not calendar.years[0] <= day_of(calendar, at).year <= calendar.years[1]:
        because.append(f"holidays are known for {calendar.years[0]} to {calendar.years[1]} only")
    return because


def explained_all(regime: Regime, marks: Mapping[str, Millis]) -> dict[str, Due]:
    """Every clock of a regime by id, in the regime's own calendar."""
    return {clock.id: explained(clock, marks, regime.calendar) for clock in regime.clocks}


def _is_late(clock: Clock, marks: Mapping[str, Millis], calendar: Calendar) -> bool:
    later = clock.later
    if later is None or later.mark not in marks or later.limit.mark not in marks:
        return False
    return marks[later.mark] > _after(later.limit, marks, calendar, clock.close)


def _after(period: Period, marks: Mapping[str, Millis], calendar: Calendar, close: int) -> Millis:
    start = marks[period.mark]
    if period.unit == "hours":
        return start + period.amount * HOUR
    if period.unit == "days":
        return add_days(calendar, start, period.amount)
    if period.unit == "months":
        return add_months(calendar, start, period.amount)
    if period.unit == "business_days":
        return add_business_days(calendar, start, period.amount, close)
    return after_year_end(calendar, start, period.amount)


def _moved(clock: Clock, at: Millis, calendar: Calendar) -> Millis:
    day = day_of(calendar, at)
    if clock.shift is None or works(calendar, day):
        return at
    return moment(calendar, next_working_day(calendar, day), clock.shift.minute)


def _day(at: Millis, calendar: Calendar) -> str:
    day = day_of(calendar, at)
    return f"{'a weekend' if day.weekday() in calendar.weekend else 'a holiday'} ({day.isoformat()})"


def _said(period: Period) -> str:
    words = WORDS[period.unit]
    return f"{period.amount} {words.removesuffix('s') if period.amount == 1 else words} from {period.mark}"
