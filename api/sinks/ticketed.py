"""What all ticketing systems are declared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from api.sinks.declared import Audience, Declared, Secret, Url, Variable, World, secret, strict
from engine.sending import Sink
from rules.routing import FOLLOW_UP

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.tracker import Tracker


@dataclass(frozen=True, config=strict, kw_only=True)
class Ticketed(Declared):
    """``user``: the account that we are there. ``queue``, ``assignee`` and ``fields`` are those of new tickets where
    the rules decide nothing; ``priorities``: severity -> the system's word for it. ``hook_secret_env`` names the
    variable with the secret that the system's web hook sends as its token."""

    url: Url = field(repr=False)
    user: str
    audiences: tuple[Audience, ...] = ("tickets",)
    queue: str = ""
    assignee: str = ""
    priorities: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    hook_secret_env: Variable | None = None
    hook_secret: Secret = secret()

    def hook(self) -> str:
        """The secret with which its receiver may call back."""
        return self.hook_secret

    def hears(self) -> frozenset[str]:
        """With the tickets of incidents come those of what they leave to do."""
        declared = super().hears()
        return declared | {FOLLOW_UP} if "tickets" in declared else declared

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        raise NotImplementedError

    def headers(self) -> Mapping[str, str]:
        """The credentials."""
        raise NotImplementedError

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.ticketing.api import Api
        from engine.publish.ticketing.sink import Defaults, Ticketing

        egress = world.egress(self.url, allow_private=self.allow_private)
        tracker = self.tracker(Api(egress, self.url, self.headers(), world.clock))
        defaults = Defaults(queue=self.queue, assignee=self.assignee, priorities=self.priorities, fields=self.fields)
        return Ticketing(self.name, tracker, self.hears(), defaults)
