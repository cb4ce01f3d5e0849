"""What an incident's own life does to the response: it is declared, ends, goes on again, becomes part of another."""

from __future__ import annotations

import msgspec

from engine.context import Context
from engine.continuity.coordination import begin_response
from engine.continuity.joining import carry_response
from engine.continuity.reviewing import awaited, end_response
from engine.signals import Millis
from engine.state import Incident

__all__ = ["awaited", "begin_response", "carry_response", "end_response", "resumed"]


def resumed(context: Context, incident: Incident, now: Millis) -> None:
    """It goes on: its review is due when it is over again, its assessor is whoever is on duty now."""
    context.timers.cancel("review", incident.id)
    incident.response = msgspec.structs.replace(incident.response, review=None, assessor=None, handover=None)
    begin_response(context, incident, now)
