"""What every declared receiver has, and what it is put together with.

A field ``x_env`` names the environment variable that holds the secret ``x``: secrets stand in no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass as plain
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from engine.ports import Clock
from engine.sending import Sink

if TYPE_CHECKING:
    from engine.publish.egress import Egress

strict = ConfigDict(extra="forbid", hide_input_in_errors=True)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Secret = Annotated[str, Field(exclude=True)]
Audience = Literal["engineers", "stakeholders", "tickets"]


@plain(frozen=True)
class World:
    """What sinks are put together with: ``data`` is the engine's folder, ``stack`` closes what they opened.
    ``timeout`` and ``deadline`` are seconds for one read or write, and for one request."""

    clock: Clock
    data: Path
    stack: ExitStack
    timeout: float = 10.0
    deadline: float = 20.0

    def egress(self, url: str, *, allow_private: bool) -> Egress:
        """A client for this one destination. Raises `engine.publish.egress.EgressRefused` for what is no URL."""
        from engine.publish.egress import Destination, Egress

        made = Egress([Destination(url, allow_private)], timeout=self.timeout, deadline=self.deadline)
        self.stack.callback(made.close)
        return made


@dataclass(frozen=True, config=strict, kw_only=True)
class Declared:
    """A receiver of publications. ``allow_private``: its name may lead to private and loopback addresses.
    ``mode`` shadow: what would be sent is noted, and nothing is sent."""

    name: Name
    audiences: tuple[Audience, ...] = ("engineers",)
    allow_private: bool = False
    mode: Literal["live", "shadow"] = "live"

    def open(self, world: World) -> Sink:
        """The sink itself."""
        raise NotImplementedError

    def hears(self) -> frozenset[str]:
        """The audiences that it serves, those that nobody declares among them."""
        return frozenset(self.audiences)

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """(setting, what is wrong with it) of all that only shows when settings are seen together."""
        yield from ()

    def hook(self) -> str:
        """The secret with which its receiver may call back; empty: with a sender's token only."""
        return ""

    @classmethod
    def secrets(cls) -> dict[str, str]:
        """Field that names a variable -> field that takes what is in it."""
        names = {one.name for one in fields(cls)}
        return {
            name: name.removesuffix("_env") for name in sorted(names) if name.removesuffix("_env") in names - {name}
        }


def secret() -> str:
    """The default of a field that holds a secret: empty, and shown in no repr."""
    return field(default="", repr=False)
