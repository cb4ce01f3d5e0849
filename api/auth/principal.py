"""Who makes a request. The guard puts it into `request.scope["state"]["principal"]`; routes read it by
`api.routes.answers.principal`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from api.access_settings import Role

RANKED = (Role.ADMIN, Role.OPERATOR, Role.RESPONDER, Role.AUDITOR, Role.VIEWER, Role.INGEST)
"""The role that is shown for somebody with several is the first of these."""


class Kind(StrEnum):
    """How somebody came in."""

    LOCAL = "local"
    TOKEN = "token"  # noqa: S105 - a word
    KEY = "key"
    JWT = "jwt"
    PERSON = "person"
    HOOK = "hook"
    FIRST = "first"


@dataclass(frozen=True)
class Principal:
    """``scopes``: the actions that the credential is narrowed to, None: all that the roles allow.

    ``session`` and ``csrf`` are set for people who logged in with a browser: the digest of the session, and the token
    that every form (field `csrf_token`) or script (header `X-CSRF-Token`) sends with what is not GET.
    """

    name: str
    roles: frozenset[Role]
    kind: Kind = Kind.TOKEN
    scopes: frozenset[str] | None = None
    session: str = ""
    csrf: str = ""

    @property
    def role(self) -> str:
        """The highest role, for people to read."""
        return next((role.value for role in RANKED if role in self.roles), "nobody")


LOCAL = Principal("local", frozenset({Role.ADMIN}), Kind.LOCAL)
"""Whoever is on the machine, as long as there are no tokens, keys or users."""
