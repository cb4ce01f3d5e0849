"""`headwater schema`: the JSON Schemas of what an operator writes, for editors, and of what is sent to receivers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from api import settings
from api.commands.console import DONE, Failed, say
from api.sinks.published import SCHEMAS as PUBLISHED
from rules.playbooks.schema import playbooks_schema
from rules.schema import rules_schema
from topology.scenario_form import scenarios_schema
from topology.schema import catalogue_schema

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "settings": settings.schema,
    "catalogue": catalogue_schema,
    "rules": rules_schema,
    "playbooks": playbooks_schema,
    "scenarios": scenarios_schema,
    **PUBLISHED,
}


def run(what: str) -> int:
    """Print one schema."""
    if what not in SCHEMAS:
        raise Failed(f"there is no schema of {what!r}", f"use one of {', '.join(SCHEMAS)}")
    say(json.dumps(SCHEMAS[what](), indent=2))
    return DONE
