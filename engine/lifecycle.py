"""The life cycle of an incident, as data. The diagram in docs/lifecycle.md is rendered from `TRANSITIONS`.

A transition may have guards (`Guards`): named checks that must agree before it is made. Recovery proof, registers and
gates plug in there; every refusal names its guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from engine.errors import IllegalTransition


class State(StrEnum):
    """Where an incident stands."""

    SUSPECTED = "suspected"
    DECLARED = "declared"
    RESTORING = "restoring"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    MERGED = "merged"
    DISMISSED = "dismissed"


class Trigger(StrEnum):
    """What may move it."""

    DECLARE = "declare"
    RESTORE = "restore"
    QUIET = "quiet"
    RETURN = "return"
    RESUME = "resume"
    RECOVERED = "recovered"
    CLOSE = "close"
    REVIEW = "review"
    REOPEN = "reopen"
    MERGE = "merge"
    DISMISS = "dismiss"


S, T = State, Trigger
TRANSITIONS: Mapping[State, Mapping[Trigger, State]] = MappingProxyType(
    {
        S.SUSPECTED: {
            T.DECLARE: S.DECLARED,
            T.RECOVERED: S.RESOLVED,
            T.MERGE: S.MERGED,
            T.DISMISS: S.DISMISSED,
            T.CLOSE: S.RESOLVED,
        },
        S.DECLARED: {
            T.RESTORE: S.RESTORING,
            T.QUIET: S.RECOVERING,
            T.MERGE: S.MERGED,
            T.DISMISS: S.DISMISSED,
            T.CLOSE: S.RESOLVED,
        },
        S.RESTORING: {T.QUIET: S.RECOVERING, T.MERGE: S.MERGED, T.DISMISS: S.DISMISSED, T.CLOSE: S.RESOLVED},
        S.RECOVERING: {
            T.RETURN: S.DECLARED,
            T.RESUME: S.RESTORING,
            T.RECOVERED: S.RESOLVED,
            T.MERGE: S.MERGED,
            T.DISMISS: S.DISMISSED,
            T.CLOSE: S.RESOLVED,
        },
        S.RESOLVED: {T.REOPEN: S.RESTORING, T.REVIEW: S.REVIEWED, T.MERGE: S.MERGED},
        S.REVIEWED: {},
        S.MERGED: {},
        S.DISMISSED: {T.REOPEN: S.RESTORING},
    }
)

OPEN = frozenset({S.SUSPECTED, S.DECLARED, S.RESTORING, S.RECOVERING})
"""States in which an incident takes new alerts and counts as open."""

Subject = TypeVar("Subject")
Guard = Callable[[Subject], str]
"""Says why the transition must wait, or returns an empty string."""


class Guards(Generic[Subject]):
    """Guards by (state, trigger), asked in the order in which they were added."""

    def __init__(self) -> None:
        self._guards: dict[tuple[State, Trigger], list[Guard[Subject]]] = {}

    def add(self, state: State, trigger: Trigger, guard: Guard[Subject]) -> None:
        """Ask this guard before that transition."""
        self._guards.setdefault((state, trigger), []).append(guard)

    def refusals(self, state: State, trigger: Trigger, subject: Subject) -> tuple[str, ...]:
        """Why the transition must wait; empty when nothing stands against it."""
        said = (guard(subject) for guard in self._guards.get((state, trigger), ()))
        return tuple(reason for reason in said if reason)


def after(state: State, trigger: Trigger) -> State:
    """The state after a trigger; `IllegalTransition` where the table has none."""
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        allowed = ", ".join(sorted(TRANSITIONS[state])) or "nothing"
        raise IllegalTransition(f"{state} does not take {trigger}; it takes {allowed}") from None


def mermaid() -> str:
    """The table as a Mermaid state diagram.

    >>> mermaid().splitlines()[0]
    'stateDiagram-v2'
    """
    lines = ["stateDiagram-v2", f"    [*] --> {S.SUSPECTED}"]
    for state, moves in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {trigger}" for trigger, target in moves.items()]
        if not moves:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
