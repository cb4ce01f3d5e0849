"""A regulatory regime as data: facts asked for, criteria, a classification, clocks; each figure quotes its article.

Nothing here decides: `rules.regimes.evaluation` answers criteria and `rules.regimes.deadlines` computes deadlines.
What they say is advice to people: a named person presses *classified*, *aware* and *submitted*.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

Millis = int
Number = int | float
Operator = Literal[">", ">=", "<", "<="]
Unit = Literal["hours", "days", "business_days", "months", "year_end_days"]
Giver = Literal["engine", "person", "operator"]


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a figure comes from. ``checked`` only if its text was read; ``against`` says which text, and where."""

    act: str = ""
    article: str = ""
    quote: str = ""
    checked: bool = False
    against: str = ""


class Interval(msgspec.Struct, frozen=True):
    """A number known to lie in [low, high]; None leaves that side open."""

    low: Number | None = None
    high: Number | None = None


Value = bool | int | float | Interval
"""A truth, a number, or bounds of a number; None or absence is unknown."""


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one fact. ``by`` names who says so: engine, operator, or a person."""

    value: Value | None = None
    estimated: bool = False
    by: str = ""
    note: str = ""


Facts = Mapping[str, Given]
"""Fact id -> what is known of it. Facts that are absent are unknown."""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """An input. ``unit`` is s for durations, percent, eur, usd, or what is counted; empty for a truth.

    ``percent_of`` = (part, whole): the value unless one is given. ``given`` says who usually knows. ``together`` says
    how the values of recurring incidents add up: all of them (sum), what may overlap (union: between the largest and
    the sum), the largest (max), any that is true (any), or not at all (none: it speaks of recurrence itself).
    """

    id: str
    question: str
    kind: Literal["number", "truth"] = "number"
    unit: str = ""
    given: Giver = "person"
    percent_of: tuple[str, str] | None = None
    together: Literal["sum", "union", "max", "any", "none"] = "max"


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """A number against a threshold; > is strict."""

    fact: str
    op: Operator
    than: Number


class Holds(msgspec.Struct, frozen=True, tag="holds"):
    """A truth."""

    fact: str


class Met(msgspec.Struct, frozen=True, tag="met"):
    """Another criterion of the regime."""

    criterion: str


class Entity(msgspec.Struct, frozen=True, tag="entity"):
    """The operator is one of these types of entity."""

    types: tuple[str, ...]


class AtLeast(msgspec.Struct, frozen=True, tag="at_least"):
    """At least ``n`` hold: 1 is any, all of them is all."""

    n: int
    of: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The opposite."""

    of: Condition


Condition = Compare | Holds | Met | Entity | AtLeast | Not


class Criterion(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test of the law. ``entity_types`` limits it to some types of entity; empty: all."""

    id: str
    name: str
    source: Source
    when: Condition
    entity_types: tuple[str, ...] = ()


class Classification(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the regime calls a reportable incident, as a condition over its criteria. ``mark`` is the one by which a
    person says that an incident is one; empty where the law asks for none."""

    name: str
    source: Source
    when: Condition
    mark: str = ""


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A moment that a named person sets (or confirms): aware, classified, submitted …

    ``counts`` says which of several moments is meant; an earlier one set later is a correction and recorded as such.
    """

    id: str
    question: str
    counts: Literal["first", "latest"] = "first"


class Period(msgspec.Struct, frozen=True):
    """A mark plus a time. ``months`` keep the day of the month, or take the last one; ``year_end_days`` count from
    the end of the mark's calendar year; ``business_days`` skip weekends and holidays and end at the clock's close."""

    mark: str
    amount: int
    unit: Unit


class Later(msgspec.Struct, frozen=True):
    """The law's own exception: a mark set more than ``limit`` after another makes the deadline ``due`` instead."""

    mark: str
    limit: Period
    due: Period
    source: Source


class Shift(msgspec.Struct, frozen=True):
    """A deadline on a weekend or holiday moves to ``minute`` (of the day) of the next working day.

    Not where ``unless`` holds or cannot be excluded; it may ask only for the operator's own facts and types.
    """

    minute: int
    source: Source
    unless: Condition | None = None


class Clock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A duty with a deadline. The deadline is the earliest (or latest) of ``due``; without any, the law names no time
    and ``promptly`` quotes it ("without undue delay").

    ``needs`` are marks without which the duty has not arisen: until then a deadline is provisional. ``stops`` is the
    mark that fulfils the duty. ``when`` is a precondition (None: the classification's answer alone counts).
    ``close`` is the minute of the day at which a business day ends.
    """

    id: str
    name: str
    source: Source
    notify: str
    stops: str
    due: tuple[Period, ...] = ()
    pick: Literal["earliest", "latest"] = "earliest"
    needs: tuple[str, ...] = ()
    promptly: str = ""
    when: Condition | None = None
    classified: bool = True
    later: Later | None = None
    shift: Shift | None = None
    close: int = 24 * 60


class Definition(msgspec.Struct, frozen=True):
    """A term of the regime, for people."""

    term: str
    text: str
    source: Source


class Calendar(msgspec.Struct, frozen=True):
    """Working days of a place, as explicit dates: decisions do not depend on a library's version.

    ``weekend``: 0 Monday … 6 Sunday. Holidays are listed for ``years`` (first, last); outside only weekends count.
    """

    zone: str = "UTC"
    weekend: tuple[int, ...] = (5, 6)
    holidays: tuple[date, ...] = ()
    years: tuple[int, int] = (0, 0)
    name: str = ""


class Regime(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One version of a regime, in force from ``since`` to before ``until`` (days in its calendar's zone).

    ``entity_types`` are the types it knows, ``entity`` those that the operator is, ``operator`` the facts the
    operator declared once for all incidents, ``calendar`` the working days that its clocks count.
    """

    id: str
    name: str
    jurisdiction: str
    since: date
    until: date | None = None
    enabled: bool = False
    authority: str = ""
    note: str = ""
    entity_types: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    classification: Classification | None = None
    marks: tuple[Mark, ...] = ()
    clocks: tuple[Clock, ...] = ()
    definitions: tuple[Definition, ...] = ()
    entity: tuple[str, ...] = ()
    operator: dict[str, Given] = {}
    calendar: Calendar = Calendar()
