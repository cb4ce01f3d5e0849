"""PagerDuty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from pydantic.dataclasses import dataclass

from api.sinks.declared import Declared, Secret, Url, Variable, World, secret, strict
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class PagerDuty(Declared):
    """``routing_key_env`` names the variable with the integration key of a service. ``url``: another region's, such as
    https://events.eu.pagerduty.com. ``severities``: severity -> PagerDuty's word. ``console``: the address under which
    people reach this Headwater, for links."""

    routing_key_env: Variable
    routing_key: Secret = secret()
    url: Url = "https://events.pagerduty.com"
    severities: Mapping[str, Literal["critical", "error", "warning", "info"]] = field(default_factory=dict)
    console: str = ""

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.pagerduty import PagerDuty as Sender

        egress = world.egress(self.url, allow_private=self.allow_private)
        audiences = frozenset(self.audiences)
        return Sender(
            self.name, egress, world.clock, audiences, self.routing_key,
            url=self.url, severities=self.severities, console=self.console,
        )  # fmt: skip
