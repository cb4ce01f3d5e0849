"""Duty rosters: who is on call, and what is wrong with that before it is needed; from YAML and from calendars."""

from __future__ import annotations

from rules.duty import Roster, Shift, on_call, weaknesses
from rules.duty.calendar import MOST, read_shifts
from rules.playbooks.parse import parse_playbooks

DAY = 86_400_000
HOUR = 3_600_000


def roster(*shifts: tuple[str, int, int], people: int = 1, days: int = 7) -> Roster:
    made = tuple(Shift(person, begin * HOUR, end * HOUR) for person, begin, end in shifts)
    return Roster(id="r", shifts=made, people=people, ahead=days * DAY)


def found(one: Roster, now: int = 0) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
    return [
        (f.kind, f.since // HOUR, None if f.until is None else f.until // HOUR, f.people) for f in weaknesses(one, now)
    ]


def test_a_gap_is_found_before_anybody_needs_somebody():
    one = roster(("ann", 0, 24), ("bob", 30, 200))
    assert found(one) == [("gap", 24, 30, ())]
    assert on_call(one, 25 * HOUR) == ()
    assert on_call(one, 30 * HOUR) == ("bob",)


def test_more_people_than_there_should_be_and_one_person_twice_are_double_bookings():
    assert found(roster(("ann", 0, 24), ("bob", 20, 200))) == [("double_booking", 20, 24, ("ann", "bob"))]
    assert found(roster(("ann", 0, 24), ("bob", 20, 200), people=2))[0][:3] == ("gap", 0, 20)
    assert ("double_booking", 10, 24, ("ann",)) in found(roster(("ann", 0, 24), ("ann", 10, 200)))


def test_a_roster_that_ends_is_told_in_time_and_one_that_has_ended_is_expired():
    one = roster(("ann", 0, 48))
    assert found(one) == [("ends_soon", 48, None, ())]
    assert found(one, 50 * HOUR) == [("expired", 48, None, ())]
    assert found(roster()) == [("empty", 0, None, ())]


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:1
SUMMARY:Ann
DTSTART;TZID=Europe/Berlin:20260323T080000
DTEND;TZID=Europe/Berlin:20260323T200000
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260413T060000Z
EXDATE;TZID=Europe/Berlin:20260406T080000
END:VEVENT
BEGIN:VEVENT
UID:2
ATTENDEE;CN=Bob:mailto:bob@example.org
DTSTART:20260324T080000Z
DURATION:PT12H
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Cyd
STATUS:CANCELLED
DTSTART:20260325T080000Z
DTEND:20260325T200000Z
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_is_a_roster_in_its_own_time_zone_and_with_its_exceptions():
    shifts, problems = read_shifts("duty.ics", CALENDAR)
    assert problems == []
    assert [(one.person, (one.ends_at - one.starts_at) // HOUR) for one in shifts] == [
        ("Ann", 12),
        ("Bob", 12),
        ("Ann", 12),
        ("Ann", 12),
    ]
    first, _, second, _ = shifts  # summer time begins in between: the shift stays at 8 o'clock of Berlin
    assert second.starts_at - first.starts_at == 7 * DAY - HOUR


def test_a_calendar_without_an_end_is_cut_and_bad_ones_say_where():
    endless = CALENDAR.replace(";UNTIL=20260413T060000Z", "")
    assert len(read_shifts("duty.ics", endless)[0]) == MOST
    for text, said in (("nonsense", "no iCalendar file"), (CALENDAR.replace("SUMMARY:Ann\n", ""), "nobody's shift")):
        _, problems = read_shifts("duty.ics", text)
        assert said in problems[0].message
        assert problems[0].line >= 1


def test_a_roster_may_lie_in_a_calendar_beside_its_file_and_a_missing_one_is_a_mistake():
    text = "rosters:\n  - {id: on-call, calendar: duty.ics}\n"
    policy, problems = parse_playbooks({"p/a.yaml": text, "p/duty.ics": CALENDAR})
    assert policy is not None, problems
    assert len(policy.rosters[0].shifts) == 4
    policy, problems = parse_playbooks({"p/a.yaml": text})
    assert policy is None
    assert str(problems[0]) == "p/a.yaml:2: no calendar 'duty.ics' lies beside this file"
