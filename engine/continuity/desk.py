"""All commands about continuity."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.context import Context
from engine.continuity.artefacts import ARTEFACTS
from engine.continuity.catalogue import CATALOGUE
from engine.continuity.coordination import COORDINATION
from engine.continuity.measures import MEASURES
from engine.continuity.playing import PLAYING
from engine.continuity.priorities import PRIORITIES
from engine.continuity.problem import PROBLEM
from engine.continuity.readiness import READINESS
from engine.continuity.reconciling import RECONCILING
from engine.continuity.reviewing import REVIEWING
from engine.continuity.stepping import STEPPING
from engine.continuity.vendors import VENDORS
from engine.signals import Command, Millis

CONTINUITY_COMMANDS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    **PLAYING,
    **STEPPING,
    **ARTEFACTS,
    **MEASURES,
    **VENDORS,
    **COORDINATION,
    **REVIEWING,
    **PROBLEM,
    **READINESS,
    **CATALOGUE,
    **RECONCILING,
    **PRIORITIES,
}
