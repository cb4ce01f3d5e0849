"""What is kept of a domain's last settling while only alerts come in. It is no part of the state: whoever has it not
settles anew, and finds the same."""

from __future__ import annotations

import msgspec

from engine.correlate.graph import SymptomGraph
from engine.correlate.partition import Trouble
from engine.state import Alert


class Settled(msgspec.Struct):
    """The one trouble of a domain, the id of its incident, and the alerts that ``came`` since."""

    graph: SymptomGraph
    trouble: Trouble
    incident: str
    came: list[Alert] = []
