"""Settings of access: tokens, sessions, log-in by OpenID Connect, signed web hooks, and how often one may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Name
from api.sinks.declared import strict as _strict

Url = Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$", max_length=500)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Role(StrEnum):
    """What somebody may do; `api.auth.policy` has the table."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    OPERATOR = "operator"
    ADMIN = "admin"
    AUDITOR = "auditor"
    INGEST = "ingest"


@dataclass(frozen=True, config=_strict)
class Token:
    """One credential: only the SHA-256 of the token is kept (`headwater token create` prints both)."""

    name: Name
    role: Role
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = field(repr=False)


@dataclass(frozen=True, config=_strict)
class Sessions:
    """Of people who have logged in; in seconds. ``idle``: after the last request; ``longest``: after the log-in.
    ``secure``: the cookie goes over TLS only; by default unless Headwater listens on loopback.
    """

    idle: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    longest: Annotated[float, Field(ge=60, le=2_592_000)] = 43_200.0
    secure: bool | None = None


@dataclass(frozen=True, config=_strict)
class Oidc:
    """A provider of OpenID Connect: people log in there, programs bring its tokens.

    ``url`` is where browsers reach Headwater, without a path; ``audience`` what access tokens must name (default:
    ``client_id``). ``claim`` (dots go inwards) holds the words that ``roles`` translates; a person without any may
    not come in. ``parties``: other clients whose tokens are taken (`azp`). ``leeway``: seconds by which clocks may
    differ.
    """

    issuer: Url
    client_id: Word
    url: Url
    roles: Annotated[dict[Word, Role], Field(min_length=1, max_length=200)]
    client_secret_env: Variable | None = None
    audience: Annotated[str, Field(max_length=200)] = ""
    parties: tuple[Word, ...] = ()
    claim: Word = "groups"
    name_claim: Word = "preferred_username"
    scopes: tuple[Word, ...] = ("openid", "profile")
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"], ...] = ("RS256", "PS256", "ES256")
    leeway: Annotated[int, Field(ge=0, le=300)] = 30
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, config=_strict)
class SignedHook:
    """A sender that signs what it posts to ``/api/v1/hooks/NAME``; several secrets while they are changed.

    ``format``: the ingest path that would take the same body, for example ``/api/v1/signals``.
    """

    name: Name
    style: Literal["standard", "github", "pagerduty"]
    format: Annotated[str, Field(pattern=r"^/[a-z0-9/]+$")]
    secrets_env: Annotated[tuple[Variable, ...], Field(min_length=1, max_length=5)]
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, config=_strict)
class Rates:
    """How often one principal may ask, sending signals apart: ``second`` requests per second in the long run, and up to
    ``burst`` at once. ``logins``: tries to log in per minute, of an address and of a name.
    """

    second: Annotated[float, Field(gt=0, le=100_000)] = 50.0
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    logins: Annotated[int, Field(ge=1, le=1000)] = 10


@dataclass(frozen=True, config=_strict)
class Access:
    """Who comes in besides ``tokens``, and how. ``retention``: days for which the trail names people."""

    sessions: Sessions = Sessions()
    oidc: Oidc | None = None
    webhooks: tuple[SignedHook, ...] = ()
    rates: Rates = Rates()
    retention: Annotated[float, Field(gt=0)] = 400.0

    def unset(self, variables: Mapping[str, str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Variables that are named and not set: (place, variable)."""
        if self.oidc and self.oidc.client_secret_env and not variables.get(self.oidc.client_secret_env):
            yield ("oidc", "client_secret_env"), self.oidc.client_secret_env
        for number, hook in enumerate(self.webhooks):
            for variable in hook.secrets_env:
                if not variables.get(variable):
                    yield ("webhooks", number, "secrets_env"), variable

    def with_secrets(self, variables: Mapping[str, str]) -> Access:
        """The same with what the environment holds."""
        oidc = self.oidc
        if oidc is not None:
            oidc = replace(oidc, client_secret=variables.get(oidc.client_secret_env or "", ""))
        hooks = (
            replace(one, secrets=tuple(variables.get(name, "") for name in one.secrets_env)) for one in self.webhooks
        )
        return replace(self, oidc=oidc, webhooks=tuple(hooks))
