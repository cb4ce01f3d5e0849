"""A receiver of publications by mail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, World, secret, strict
from api.sinks.told import Template, Told, Words
from engine.sending import Sink

Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
PORTS = {"starttls": 587, "implicit": 465, "none": 25}


@dataclass(frozen=True, config=strict, kw_only=True)
class MailTemplate(Template):
    """``body`` is plain text; ``html`` is HTML beside it, made from the body where it is not given."""

    html: Words = ""


@dataclass(frozen=True, config=strict, kw_only=True)
class Mail(Told):
    """``to`` get everything; ``targets``: name of a role or person in the rules -> addresses, for escalations.
    ``authorities``: a file of certificates that the server's is checked against, instead of the system's."""

    host: Host
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password_env: Variable | None = None
    password: Secret = secret()
    sender: Address
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    targets: dict[str, tuple[Address, ...]] = Field(default_factory=dict)
    authorities: str | None = None
    templates: tuple[MailTemplate, ...] = ()

    @model_validator(mode="after")
    def _login(self) -> Mail:
        if self.user and (self.tls == "none" or not self.password_env):
            raise ValueError("user needs a password_env, and tls other than none: no password travels in the clear")
        return self

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.mail import Mail as Sender
        from engine.publish.mail import Server
        from engine.publish.texts.markup.plain import PLAIN

        server = Server(
            host=self.host, port=self.port or PORTS[self.tls], tls=self.tls, user=self.user, password=self.password,
            allow_private=self.allow_private, authorities=self.authorities, timeout=world.timeout,
            deadline=world.deadline,
        )  # fmt: skip
        texts = self.texts(PLAIN, title=200, body=100_000, news=True)
        return Sender(self.name, server, self.sender, self.to, frozenset(self.audiences), texts, targets=self.targets)
