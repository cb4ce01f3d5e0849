"""Commands as buttons: what each is about, what it asks for, and which role it needs. The engine has the last word."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from api.console.permits import Permitted
from engine.policy import ACTIONS

_NO_ID = re.compile("[^A-Za-z0-9-]")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a person fills in: ``kind`` is text, area, number or choice (of ``options``: value, what is shown)."""

    name: str
    label: str
    kind: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    hint: str = ""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route of the API that does more than the command, at ``path``. ``shows``: fields of its answer that are read
    in the dialog, each with its name there; ``saves``: the answer is a file; ``reason``: one may be given; ``plain``:
    it takes no facts."""

    path: str
    shows: tuple[tuple[str, str], ...] = ()
    saves: bool = False
    reason: bool = True
    plain: bool = False


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One button with its dialog. ``hidden`` are facts that are sent as they are, the version of what is changed among
    them: whoever comes second is told. ``needs`` is the role, where the person may not; ``route`` is None where the
    command itself is all."""

    id: str
    action: str
    target: str
    label: str
    title: str
    summary: str
    hidden: tuple[tuple[str, str], ...] = ()
    asks: tuple[Ask, ...] = ()
    reason: bool = False
    needs: str = ""
    grave: bool = False
    route: Route | None = None


class Desk(msgspec.Struct, frozen=True):
    """Makes deeds for who asks, about ``target``."""

    target: str
    may: Permitted

    def deed(
        self,
        action: str,
        label: str,
        title: str,
        *asks: Ask,
        key: str = "",
        hidden: Mapping[str, object] | None = None,
        grave: bool = False,
        route: Route | None = None,
    ) -> Deed:
        """``key`` tells several buttons of one action apart."""
        known = ACTIONS[action]
        return Deed(
            id=f"do-{action}-{_plain_id(key)}" if key else f"do-{action}",
            action=action,
            target=self.target,
            label=label,
            title=title,
            summary=known.summary,
            hidden=tuple((name, str(value)) for name, value in (hidden or {}).items()),
            asks=asks,
            reason=known.reason,
            needs="" if self.may(action) else known.role.name.lower(),
            grave=grave,
            route=route,
        )


def _plain_id(key: str) -> str:
    """As an id of an element; keys that differ have ids that differ, whatever a stranger wrote."""
    shown = _NO_ID.sub("-", key)
    return shown if shown == key else f"{shown[:40]}-{hashlib.blake2b(key.encode(), digest_size=6).hexdigest()}"
