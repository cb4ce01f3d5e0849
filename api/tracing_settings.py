"""Traces of Headwater itself: where they go, if they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Url, Variable, secret, strict


@dataclass(frozen=True, config=strict, kw_only=True)
class Traces:
    """``endpoint``: where OTLP/HTTP takes spans, with its path (`http://collector:4318/v1/traces`). ``sample``: the
    share of requests that are traced where their sender has not decided it. ``timeout``: seconds for one call."""

    endpoint: Url = field(repr=False)
    allow_private: bool = False
    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    token_env: Variable | None = None
    token: Secret = secret()

    def unset(self, variables: Mapping[str, str]) -> str:
        """The variable that is named and not set; empty if none is."""
        return self.token_env if self.token_env and not variables.get(self.token_env) else ""

    def with_secrets(self, variables: Mapping[str, str]) -> Traces:
        """The same with the secret filled in."""
        return replace(self, token=variables.get(self.token_env or "", ""))
