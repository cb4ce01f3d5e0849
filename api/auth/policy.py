"""Who may do what: the one policy function behind the API, the console and the command line. Pure.

An action is a name in `engine.policy.ACTIONS`, with the least rank that it needs. A role is a rank, or a few actions,
or both; what is in neither is refused. A credential's scopes narrow that further and never widen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from api.access_settings import Role
from api.auth.principal import Principal
from engine.policy import ACTIONS
from engine.policy import Role as Rank

RANKS: Mapping[Role, Rank] = MappingProxyType(
    {
        Role.VIEWER: Rank.VIEWER,
        Role.RESPONDER: Rank.RESPONDER,
        Role.OPERATOR: Rank.OPERATOR,
        Role.ADMIN: Rank.ADMIN,
        Role.AUDITOR: Rank.VIEWER,
    }
)
"""A rank may do what the ranks below it may."""

MORE: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.AUDITOR: frozenset({"trail", "export", "export_bundle", "governance"}),
        Role.INGEST: frozenset({"ingest", "enter"}),
    }
)
"""What a role may do besides."""

UNSCOPED = frozenset({"enter", "command"})
"""What no scope has to name: being told who one is, and giving commands, each of which is looked at by itself."""


def allowed(principal: Principal, action: str) -> bool:
    """Whether the principal may perform the action; an unknown action is nobody's."""
    if action not in ACTIONS:
        return False
    if principal.scopes is not None and action not in principal.scopes and action not in UNSCOPED:
        return False
    return any(grants(role, action) for role in principal.roles)


@lru_cache(1024)
def grants(role: Role, action: str) -> bool:
    """Whether a role alone allows an action."""
    known = ACTIONS.get(action)
    if known is None:
        return False
    rank = RANKS.get(role)
    return action in MORE.get(role, ()) or (rank is not None and rank >= known.role)


def roles_for(action: str) -> list[str]:
    """The roles that allow an action, as they are declared."""
    return [role.value for role in Role if grants(role, action)]
