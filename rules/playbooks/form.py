"""The form of files in ``playbooks/``: playbooks, duty rosters, vendors, exercises, and how incidents are worked on."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from rules.checks import bad_value
from rules.duty.form import RosterForm, VendorForm
from rules.errors import Flaw
from rules.playbooks.model import COMMAND, HTTP, Decision, Gate, Playbook, Step, Task
from rules.playbooks.policy import Exercise
from rules.values import ONE_OR_MORE, Day, Duration, Form, Id, Lasting, Level, Name, Names, Pause, Text

OWNER = "missing-owner"
"""The check that somebody, and nobody else, is accountable for every task."""
_ARROW = re.compile(r"^\s*(\S+)\s*->\s*(\S+)\s*$")


def _arrow(value: object) -> tuple[str, str]:
    found = _ARROW.match(value) if isinstance(value, str) else None
    if found is None:
        raise Flaw(bad_value.ID, f"not a dependency: {value!r}", "write it like shop -> orders-db")
    return found[1], found[2]


Arrow = Annotated[
    tuple[str, str], PlainValidator(_arrow), WithJsonSchema({"type": "string", "pattern": _ARROW.pattern})
]
Kind = Literal["replication_lag", "backup_age", "consistency", "probe", "change_window", "recovery", "attested"]


class GateForm(Form):
    """A check that must pass before a task may start."""

    id: Id
    check: Kind
    entity: Text = ""
    name: Text = Field("", description="the data check or the probe")
    at_most: Duration = 0
    max_age: Lasting = 15 * 60_000
    authority: Text = Field("", description="the role that may attest, or take responsibility in an emergency")
    text: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            "replication_lag": ("entity", "at_most"),
            "backup_age": ("entity", "at_most"),
            "consistency": ("name",),
            "probe": ("name",),
            "change_window": ("entity",),
            "attested": ("authority", "text"),
        }
        lacking = [field for field in needed.get(self.check, ()) if not getattr(self, field)]
        if lacking:
            raise Flaw("missing-key", f"a gate that checks {self.check} needs {' and '.join(lacking)}")
        return self

    def build(self) -> Gate:
        """The gate."""
        return Gate(**self.model_dump())


class HttpStep(Form):
    """An HTTP call; its address begins with one that ``allow.urls`` names."""

    url: Name
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    expect: Annotated[int, Field(ge=100, le=599)] = 200
    timeout: Lasting = 60_000


class CommandStep(Form):
    """A command that ``allow.commands`` names."""

    command: Name = Field(alias="run")
    arguments: Names = ()
    timeout: Lasting = 60_000


class DecisionForm(Form):
    """Who may settle a question, and its answers."""

    options: Annotated[Names, Field(min_length=2)]
    authority: Name


class OnlyIf(Form):
    """The decision, and the option in which the task is needed."""

    task: Name
    option: Name


class TaskForm(Form):
    """One thing to do. Without ``http`` or ``command`` it is done by a person."""

    id: Id
    title: Name
    accountable: Names | Name = ()
    responsible: Names = ()
    consulted: Names = ()
    informed: Names = ()
    takes: Duration = 0
    after: Names = ()
    gates: Names = ()
    entity: Text = ""
    expects: tuple[Arrow, ...] = ()
    manual: Text = ""
    http: HttpStep | None = None
    command: CommandStep | None = None
    decision: DecisionForm | None = None
    only_if: OnlyIf | None = None

    @model_validator(mode="after")
    def _owned(self) -> Self:
        owners = self.accountable if isinstance(self.accountable, tuple) else (self.accountable,)
        if len(set(owners)) != 1:
            said = f"{len(set(owners))} are: {', '.join(owners)}" if owners else "nobody is"
            raise Flaw(OWNER, f"exactly one is accountable for task {self.id!r}; {said}", "name one under accountable:")
        if self.http is not None and self.command is not None:
            raise Flaw(bad_value.ID, f"task {self.id!r} is an HTTP call or a command, not both")
        return self

    def build(self) -> Task:
        """The task."""
        return Task(
            id=self.id,
            title=self.title,
            accountable=self.accountable if isinstance(self.accountable, str) else self.accountable[0],
            responsible=self.responsible,
            consulted=self.consulted,
            informed=self.informed,
            takes=self.takes,
            after=self.after,
            gates=self.gates,
            entity=self.entity,
            expects=self.expects,
            step=self._step(),
            decision=Decision(self.decision.options, self.decision.authority) if self.decision else None,
            only_if=(self.only_if.task, self.only_if.option) if self.only_if else None,
        )

    def _step(self) -> Step:
        if self.http is not None:
            return Step(kind=HTTP, text=self.manual, **self.http.model_dump())
        if self.command is not None:
            return Step(kind=COMMAND, text=self.manual, **self.command.model_dump())
        return Step(text=self.manual)


class PlaybookForm(Form):
    """The restoration procedure of entities."""

    id: Id
    title: Name
    tasks: tuple[TaskForm, ...] = Field(json_schema_extra={"minItems": 1})
    gates: tuple[GateForm, ...] = ()
    entities: Annotated[Names, ONE_OR_MORE]
    alerts: Names = ()
    owner: Text = ""
    state: Literal["draft", "approved", "retired"] = "approved"
    topology: Text = Field("", description="the version of the topology that it was proven against")
    proven: Day = ""
    reviewed: Day = ""
    reviewed_by: Text = ""
    review_every: Duration = 365 * 86_400_000

    @model_validator(mode="after")
    def _has_tasks(self) -> Self:
        if not self.tasks:  # pydantic's own check of a length also speaks up where a task is wrong
            raise Flaw("missing-key", f"playbook {self.id!r} has no tasks", "add at least one")
        return self

    def build(self, file: str) -> Playbook:
        """The playbook."""
        said = self.model_dump(exclude={"tasks", "gates"})
        tasks, gates = tuple(one.build() for one in self.tasks), tuple(one.build() for one in self.gates)
        return Playbook(tasks=tasks, gates=gates, file=file, **said)


class Allowed(Form):
    """What automated steps may do; nothing where it is left out."""

    commands: Names = ()
    urls: Names = ()


class ReviewForm(Form):
    """Which incidents are reviewed, and how soon."""

    severities: tuple[Level, ...] = ("SEV1", "SEV2")
    within: Lasting = 72 * 3_600_000
    remind: Lasting = 24 * 3_600_000


class ExerciseForm(Form):
    """Something that is rehearsed again and again."""

    id: Id
    kind: Literal["tabletop", "failover", "restore", "drill"]
    title: Name
    entity: Text = ""
    every: Lasting
    roles: Names = ()
    announced: bool = True
    scenario: Text = ""

    def build(self) -> Exercise:
        """The exercise."""
        return Exercise(**self.model_dump())


class PlaybooksFile(Form):
    """One file of the folder ``playbooks``."""

    playbooks: tuple[PlaybookForm, ...] = ()
    rosters: tuple[RosterForm, ...] = ()
    vendors: tuple[VendorForm, ...] = ()
    exercises: tuple[ExerciseForm, ...] = ()
    allow: Allowed = Allowed()
    briefings: dict[Level, Pause] = Field(default={}, description="how often teams are briefed, by severity")
    assessor: Text = Field("", description="the roster that the first assessor is taken from")
    review: ReviewForm | None = None
    drill_sinks: Names = Field((), description="where drills are told; left out: nowhere but in the record")
