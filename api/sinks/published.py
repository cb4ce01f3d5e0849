"""The JSON Schemas of everything that is sent, made from what it is sent with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


def _schema(title: str, kind: type) -> dict[str, Any]:
    (shown,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **shown, "$defs": components}


def _publication() -> dict[str, Any]:
    from engine.publish.event import Event

    return _schema("What a webhook and a topic of incidents get", Event)


def _log() -> dict[str, Any]:
    from engine.publish.event import Line

    return _schema("One line of publications.jsonl", Line)


def _alertmanager() -> dict[str, Any]:
    from engine.publish.alertmanager import Group

    return _schema("What a receiver of Alertmanager's webhook gets", Group)


def _slack() -> dict[str, Any]:
    from engine.publish.slack_message import Payload

    return _schema("What Slack gets", Payload)


def _teams() -> dict[str, Any]:
    from engine.publish.teams import CardMessage

    return _schema("What a workflow of Teams gets", CardMessage)


def _impact() -> dict[str, Any]:
    from engine.publish.messages import Impact

    return _schema("What a topic gets of an incident's impact", Impact)


def _recovery() -> dict[str, Any]:
    from engine.publish.messages import Recovery

    return _schema("What a topic gets of an incident's recovery", Recovery)


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "publication": _publication,
    "publication-log": _log,
    "impact": _impact,
    "recovery": _recovery,
    "alertmanager": _alertmanager,
    "slack": _slack,
    "teams": _teams,
}
"""What is sent -> its schema."""
