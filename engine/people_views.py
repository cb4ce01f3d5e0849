"""Whom an incident has called, what people said of it, and how far up it has gone, as revisions show it."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.signals import Millis


class Reach(msgspec.Struct, kw_only=True, frozen=True):
    """A role that is to be reached by ``due``: who fills it (empty: nobody is named), and why."""

    role: str
    names: tuple[str, ...]
    why: str
    due: Millis


class EscalationView(msgspec.Struct, kw_only=True, frozen=True):
    """How far up an incident goes ("" nowhere), whom to reach, soonest first, and the rules behind it.

    ``since`` is since when it has been at this level, ``due`` when the first is to be reached."""

    level: str = ""
    since: Millis | None = None
    due: Millis | None = None
    reach: tuple[Reach, ...] = ()
    fired: tuple[dict[str, Any], ...] = ()
    open: tuple[dict[str, Any], ...] = ()


class Called(msgspec.Struct, kw_only=True, frozen=True):
    """A role that was told of an incident to act on it: who fills it, at which level of escalation, when, and why."""

    role: str
    names: tuple[str, ...]
    level: str
    at: Millis
    why: str


class Member(msgspec.Struct, kw_only=True, frozen=True):
    """A role of the crisis team and who fills it (empty: nobody is named)."""

    role: str
    names: tuple[str, ...]


class Declaration(msgspec.Struct, kw_only=True, frozen=True):
    """The formal declaration of an incident: when, by whom ("": by the rules), why, at which severity, and the crisis
    team that it activated (empty: none), when that was."""

    at: Millis
    by: str
    why: str
    severity: str
    team: tuple[Member, ...] = ()
    team_at: Millis | None = None


class Status(msgspec.Struct, kw_only=True, frozen=True):
    """What a person last said of an incident to its stakeholders."""

    text: str
    by: str
    at: Millis


class Override(msgspec.Struct, kw_only=True, frozen=True):
    """A level set by a person: who, when and why. ``seen`` is the computed level that they had before them."""

    level: str
    by: str
    at: Millis
    why: str
    seen: str
