"""Which actions a person is offered: what the incident's state allows, each with whether their role permits it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.lifecycle import OPEN, TRANSITIONS, State, Trigger
from engine.outcomes import IncidentView
from engine.policy import ACTIONS

Permitted = Callable[[str], bool]
"""Whether the person may perform the action."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: ``kind`` is text, area, level, incident, alerts, or hidden (then ``value`` is sent)."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One action as a button: what it asks for, and ``needs``, the role, where the person may not."""

    action: str
    label: str
    summary: str
    fields: tuple[Field, ...] = ()
    reason: bool = False
    needs: str = ""
    key: str = ""
    grave: bool = False


_FIELDS: dict[str, tuple[Field, ...]] = {
    "note": (Field(name="text", label="Note", kind="area"),),
    "update": (Field(name="text", label="What stakeholders are told", kind="area"),),
    "assign": (Field(name="assignee", label="Person or team"),),
    "override_severity": (Field(name="level", label="Severity", kind="level"),),
    "merge": (Field(name="into", label="Into which incident", kind="incident"),),
    "split": (Field(name="alerts", label="Alerts that move", kind="alerts"),),
}
_OFFERED: tuple[tuple[str, str, Trigger | None, str], ...] = (
    ("acknowledge", "Acknowledge", None, "a"),
    ("declare", "Declare", Trigger.DECLARE, "d"),
    ("assign", "Assign", None, "s"),
    ("restore", "Restoration began", Trigger.RESTORE, "r"),
    ("note", "Note", None, "n"),
    ("update", "Tell stakeholders", None, ""),
    ("override_severity", "Set severity", None, ""),
    ("withdraw_override", "Computed severity again", None, ""),
    ("merge", "Merge", Trigger.MERGE, ""),
    ("split", "Split", None, ""),
    ("false_alarm", "False alarm", Trigger.DISMISS, ""),
    ("close", "Close", Trigger.CLOSE, ""),
    ("reopen", "Reopen", Trigger.REOPEN, ""),
    ("review", "Reviewed", Trigger.REVIEW, ""),
)
_GRAVE = frozenset({"false_alarm", "close", "merge"})
_ALWAYS = frozenset({"note"})


def offers(view: IncidentView, permitted: Permitted) -> list[Offer]:
    """In the order in which they are mostly wanted."""
    return [
        _offer(action, label, key, permitted)
        for action, label, trigger, key in _OFFERED
        if _allowed(view, action, trigger)
    ]


def _allowed(view: IncidentView, action: str, trigger: Trigger | None) -> bool:
    state = State(view.state)
    if trigger is not None:
        return trigger in TRANSITIONS[state]
    if state not in OPEN:
        return action in _ALWAYS
    special = {
        "acknowledge": not view.acknowledged_by,
        "update": view.told,
        "withdraw_override": view.severity.override is not None,
        "split": view.alerts > 1,
    }
    return special.get(action, True)


def _offer(action: str, label: str, key: str, permitted: Permitted) -> Offer:
    known = ACTIONS[action]
    return Offer(
        action=action, label=label, summary=known.summary, fields=_FIELDS.get(action, ()), reason=known.reason,
        needs="" if permitted(action) else known.role.name.lower(), key=key, grave=action in _GRAVE,
    )  # fmt: skip
