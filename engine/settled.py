"""What is kept of a domain's last settling while only alerts come in. It is no part of the state: whoever has it not
settles anew, and finds the same."""

from __future__ import annotations

import msgspec

from engine.correlate.graph import Node
from engine.state import Alert


class Settled(msgspec.Struct):
    """The nodes of a domain's only trouble, the id of its incident, and the alerts that ``came`` since."""

    nodes: list[Node]
    incident: str
    came: list[Alert] = []
