"""What a playbook says: tasks with owners, durations and what must come before them, gates, decisions, steps.

Durations are milliseconds, dates ISO 8601.
"""

from __future__ import annotations

import msgspec

MANUAL, HTTP, COMMAND = "manual", "http", "command"
DRAFT, APPROVED, RETIRED = "draft", "approved", "retired"
CHANGE_WINDOW, RECOVERY, ATTESTED = "change_window", "recovery", "attested"
LAG, BACKUP, CONSISTENCY, PROBE = "replication_lag", "backup_age", "consistency", "probe"
KINDS = (LAG, BACKUP, CONSISTENCY, PROBE, CHANGE_WINDOW, RECOVERY, ATTESTED)
"""What a gate may check."""
QUARTER = 15 * 60_000


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A check that must pass before a task may start.

    ``replication_lag`` and ``backup_age`` of ``entity`` are at most ``at_most``; the data check or probe ``name`` has
    passed within ``max_age``; now is in a ``change_window`` of ``entity``, or somebody with ``authority`` takes
    responsibility for the emergency; the ``recovery`` verdict is restored; somebody with ``authority`` has ``attested``
    what ``text`` asks.
    """

    id: str
    check: str
    entity: str = ""
    name: str = ""
    at_most: int = 0
    max_age: int = QUARTER
    authority: str = ""
    text: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is done: by a person (``manual``, ``text``), by an HTTP call, or by a command of the allow list."""

    kind: str = MANUAL
    text: str = ""
    method: str = "POST"
    url: str = ""
    expect: int = 200
    command: str = ""
    arguments: tuple[str, ...] = ()
    timeout: int = 60_000


class Decision(msgspec.Struct, frozen=True):
    """A question with ``options`` that only somebody with ``authority`` (a role) may settle."""

    options: tuple[str, ...]
    authority: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. ``accountable`` is one role or person, ``takes`` how long it is expected to take.

    ``after`` are the tasks before it. ``only_if`` (task, option): it is needed only if that decision falls so.
    ``expects`` are dependencies (consumer, provider) that it takes for granted.
    """

    id: str
    title: str
    accountable: str
    responsible: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    takes: int = 0
    after: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    entity: str = ""
    expects: tuple[tuple[str, str], ...] = ()
    step: Step = Step()
    decision: Decision | None = None
    only_if: tuple[str, str] | None = None

    @property
    def before(self) -> tuple[str, ...]:
        """All tasks that come before it, the decision that it hangs on among them."""
        hangs = (self.only_if[0],) if self.only_if else ()
        return tuple(dict.fromkeys((*self.after, *hangs)))


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a playbook's file in a repository: the ``commit`` that brought it, at ``at`` (milliseconds), those
    who wrote it, and those of others who approved it."""

    commit: str
    path: str
    at: int
    authors: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()


class Playbook(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure for ``entities`` in trouble, with alerts of these names if ``alerts`` names any.

    ``topology`` is the version that it was last proven against, on ``proven``; ``reviewed`` by ``reviewed_by`` it is
    fresh for ``review_every``. ``state`` is draft, approved or retired. ``origin``: it is from a repository.
    """

    id: str
    title: str
    tasks: tuple[Task, ...]
    gates: tuple[Gate, ...] = ()
    entities: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    owner: str = ""
    state: str = APPROVED
    topology: str = ""
    proven: str = ""
    reviewed: str = ""
    reviewed_by: str = ""
    review_every: int = 365 * 86_400_000
    file: str = ""
    origin: Origin | None = None

    def task(self, id: str) -> Task | None:
        """The task of an id."""
        return next((one for one in self.tasks if one.id == id), None)

    def gate(self, id: str) -> Gate | None:
        """The gate of an id."""
        return next((one for one in self.gates if one.id == id), None)
