"""The form of a regime in a file: what ships in `rules/packs/regimes` and what an operator adds are written alike.

Scalars arrive as text (`rules.document`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from rules.checks import bad_calendar, bad_condition, bad_period, bad_zone
from rules.obligations import Obligation
from rules.regimes.calendars import resolve
from rules.regimes.model import (
    AtLeast,
    Calendar,
    Classification,
    Clock,
    Condition,
    Criterion,
    Definition,
    Fact,
    Giver,
    Holds,
    Later,
    Mark,
    Met,
    Not,
    Period,
    Regime,
    Shift,
    Source,
)

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
RegimeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,59}$")]
Text = Annotated[str, Field(max_length=2000)]
When = Annotated[Any, PlainValidator(bad_condition.condition), WithJsonSchema(bad_condition.SCHEMA)]
Deadline = Annotated[
    Any,
    PlainValidator(bad_period.period),
    WithJsonSchema({"type": "string", "pattern": bad_period.PATTERN, "examples": ["aware + 24h", "sent + 1mo"]}),
]
Minute = Annotated[
    int,
    BeforeValidator(bad_period.minute),
    WithJsonSchema({"type": "string", "pattern": bad_period.MINUTE, "examples": ["12:00"]}),
]
Zone = Annotated[str, PlainValidator(bad_zone.zone_name), WithJsonSchema({"type": "string"})]
Value = Annotated[Text, WithJsonSchema({"type": ["string", "number", "boolean"]})]
Pair = Annotated[tuple[Word, Word], WithJsonSchema({"type": "array", "items": {"type": "string"}})]
ZONE = "UTC"


class Form(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Act(Form):
    """A text of law that sources name by a short word."""

    act: Text
    against: Annotated[Text, Field(description="the text it was read in, and when")] = ""


class SourceForm(Form):
    """Article and quoted text of a figure."""

    act: Word | None = None
    article: Text = ""
    quote: Text = ""
    checked: bool = False

    def build(self, acts: dict[str, Act]) -> Source:
        """The source; an act that is not declared stays the word it is."""
        if self.act is None or self.act not in acts:
            return Source(self.act or "", self.article, self.quote, self.checked)
        act = acts[self.act]
        return Source(act.act, self.article, self.quote, self.checked, act.against)


class FactForm(Form):
    """An input."""

    id: Word
    question: Text
    kind: Literal["number", "truth"] = "truth"
    unit: Text = ""
    given: Giver = "person"
    percent_of: Annotated[tuple[Word, Word], WithJsonSchema({"type": "array", "items": {"type": "string"}})] | None = (
        None
    )
    together: Literal["sum", "union", "max", "any", "none"] | None = None

    def build(self) -> Fact:
        """The fact; truths of recurring incidents add up to any, numbers to the largest, unless told otherwise."""
        default: Literal["any", "max"] = "any" if self.kind == "truth" else "max"
        return Fact(self.id, self.question, self.kind, self.unit, self.given, self.percent_of, self.together or default)


class CriterionForm(Form):
    """A test."""

    id: Word
    name: Text
    source: SourceForm = SourceForm()
    when: When
    entity_types: tuple[Word, ...] = ()


class ClassificationForm(Form):
    """When an incident is reportable."""

    name: Text
    source: SourceForm = SourceForm()
    when: When
    mark: Annotated[Word, Field(description="the mark by which a person says so")] | None = None


class MarkForm(Form):
    """A moment that a person sets."""

    id: Word
    question: Text
    counts: Literal["first", "latest"] = "first"


class LaterForm(Form):
    """The law's exception for a mark that comes late."""

    mark: Word
    limit: Deadline
    due: Deadline
    source: SourceForm = SourceForm()


class ShiftForm(Form):
    """Weekends and holidays."""

    until: Minute
    source: SourceForm = SourceForm()
    unless: When | None = None


class ClockForm(Form):
    """A duty with its deadline."""

    id: Word
    name: Text
    source: SourceForm = SourceForm()
    notify: Text
    stops: Word
    due: tuple[Deadline, ...] = ()
    pick: Literal["earliest", "latest"] = "earliest"
    needs: tuple[Word, ...] = ()
    promptly: Text = ""
    when: When | None = None
    classified: bool = True
    later: LaterForm | None = None
    weekends: ShiftForm | None = None
    close: Minute = 24 * 60


class DefinitionForm(Form):
    """A term."""

    term: Text
    text: Text
    source: SourceForm = SourceForm()


class CalendarForm(Form):
    """Where working days are counted."""

    zone: Zone = ZONE
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    subdivision: Annotated[str, Field(max_length=20)] | None = None
    days: Annotated[tuple[date, ...], Field(description="further days off")] = ()
    without: Annotated[tuple[date, ...], Field(description="holidays that are working days here")] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        bad_calendar.place(self.country or "", self.subdivision or "")
        return self

    def build(self) -> Calendar:
        """The calendar, with its holidays as dates."""
        return resolve(self.zone, self.country or "", self.subdivision or "", self.days, self.without)


class RegimeForm(Form):
    """One version of a regime."""

    id: RegimeId
    name: Text
    jurisdiction: Text
    since: date
    until: date | None = None
    enabled: bool = True
    authority: Text = ""
    note: Text = ""
    acts: dict[Word, Act] = {}
    entity_types: tuple[Word, ...] = ()
    facts: tuple[FactForm, ...] = ()
    criteria: tuple[CriterionForm, ...] = ()
    classification: ClassificationForm | None = None
    marks: tuple[MarkForm, ...] = ()
    clocks: tuple[ClockForm, ...] = ()
    definitions: tuple[DefinitionForm, ...] = ()
    calendar: CalendarForm = CalendarForm()

    def build(self) -> Regime:
        """The regime."""
        names = {criterion.id for criterion in self.criteria}
        whole = self.classification
        return Regime(
            id=self.id,
            name=self.name,
            jurisdiction=self.jurisdiction,
            since=self.since,
            until=self.until,
            enabled=self.enabled,
            authority=self.authority,
            note=self.note,
            entity_types=self.entity_types,
            facts=tuple(fact.build() for fact in self.facts),
            criteria=tuple(self._criterion(criterion, names) for criterion in self.criteria),
            classification=self._classification(whole, names) if whole else None,
            marks=tuple(Mark(mark.id, mark.question, mark.counts) for mark in self.marks),
            clocks=tuple(self._clock(clock, names) for clock in self.clocks),
            definitions=tuple(Definition(d.term, d.text, self._source(d.source)) for d in self.definitions),
            calendar=self.calendar.build(),
        )

    def _classification(self, whole: ClassificationForm, names: set[str]) -> Classification:
        when = resolved(whole.when, names)
        return Classification(whole.name, self._source(whole.source), when, whole.mark or "")

    def _source(self, source: SourceForm) -> Source:
        return source.build(self.acts)

    def _criterion(self, form: CriterionForm, names: set[str]) -> Criterion:
        return Criterion(form.id, form.name, self._source(form.source), resolved(form.when, names), form.entity_types)

    def _clock(self, form: ClockForm, names: set[str]) -> Clock:
        due: tuple[Period, ...] = form.due
        later = form.later
        return Clock(
            id=form.id,
            name=form.name,
            source=self._source(form.source),
            notify=form.notify,
            stops=form.stops,
            due=due,
            pick=form.pick,
            needs=form.needs,
            promptly=form.promptly,
            when=resolved(form.when, names) if form.when else None,
            classified=form.classified,
            later=Later(later.mark, later.limit, later.due, self._source(later.source)) if later else None,
            shift=self._shift(form.weekends, names) if form.weekends else None,
            close=form.close,
        )

    def _shift(self, form: ShiftForm, names: set[str]) -> Shift:
        unless = resolved(form.unless, names) if form.unless else None
        return Shift(form.until, self._source(form.source), unless)


class ObligationForm(Form):
    """A duty that catalogue entities name by id."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
    name: Text = ""
    regime: Text = ""
    note: Text = ""

    def build(self) -> Obligation:
        """The obligation."""
        return Obligation(self.id, self.name, self.regime, self.note)


class RegimeSettings(Form):
    """What an operator says of a regime that ships."""

    enabled: bool | None = None
    unchecked: Annotated[bool, Field(description="also clocks whose figures were not checked")] = False
    entity_type: Annotated[
        tuple[Word, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = ()
    calendar: CalendarForm | None = None
    facts: Annotated[dict[Word, Value], Field(description="facts of every incident: a number, true or false")] = {}


def resolved(condition: Condition, criteria: set[str]) -> Condition:
    """The condition with bare names that are criteria turned from truths into criteria."""
    match condition:
        case Holds(name) if name in criteria:
            return Met(name)
        case AtLeast(n, of):
            return AtLeast(n, tuple(resolved(part, criteria) for part in of))
        case Not(of):
            return Not(resolved(of, criteria))
        case _:
            return condition
