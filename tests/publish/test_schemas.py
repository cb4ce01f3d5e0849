"""Everything that is sent keeps the schema that is published for it: of a whole incident's life, and of a test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from api.sinks.published import SCHEMAS
from api.sinks.trial import trial_row
from engine.outcomes import Publication
from engine.publish import messages
from engine.publish.alertmanager import Alertmanager
from engine.publish.egress import Destination, Egress
from engine.publish.log import Log
from engine.publish.posting import Post
from engine.publish.slack import Slack
from engine.publish.slack_webhook import SlackWebhook
from engine.publish.teams import Teams
from engine.publish.texts.message import Texts
from engine.publish.webhook import Webhook
from engine.sending import Link, OutboxRow
from tests.engine.laws import World
from tests.publish.receiver import Receiver, receiver
from tests.scenarios.world import chain
from topology.model import Entity, Kind

SHOP = chain(
    "shop -> cart -> db-1", "cart -> mq-1", entities=[Entity(id="shop", kind=Kind.BUSINESS_SERVICE, users=500)]
)
EVERYBODY = frozenset({"engineers", "stakeholders", "tickets"})


@pytest.fixture(scope="module")
def told() -> list[Publication]:
    """What the engine says of an incident from its first alert to its end, and of a test."""
    world = World(SHOP)
    world.at("10:00").fire("db-1", "Down", severity="critical").fire("cart", "Slow", severity="error")
    world.at("10:20").resolve("db-1", "Down").resolve("cart", "Slow")
    world.at("12:00")
    assert {one.action for one in world.driven.outbox} >= {"open", "resolve"}
    tests = [trial_row("x", audience, 1_700_000_000_000).publication for audience in sorted(EVERYBODY)]
    return [*world.driven.outbox, *tests]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMAS[kind]())


def check(kind: str, body: bytes) -> None:
    validator(kind).validate(msgspec.json.decode(body))


def rows(told: list[Publication]) -> Iterator[OutboxRow]:
    return (OutboxRow(id=1, publication=one, sink="x", attempts=0, epoch=1) for one in told)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one_and_says_what_it_is_of(kind: str) -> None:
    schema = SCHEMAS[kind]()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]


@pytest.mark.parametrize("kind", ["publication", "alertmanager", "slack", "teams"])
def test_what_is_posted_keeps_its_schema(server: Receiver, told: list[Publication], kind: str) -> None:
    egress = Egress([Destination(server.url, allow_private=True)], timeout=1.0)
    post, texts = Post(egress, lambda: 0), Texts()
    sinks: dict[str, Any] = {
        "publication": Webhook("x", server.url, egress, lambda: 0, EVERYBODY),
        "alertmanager": Alertmanager("x", server.url, post, EVERYBODY, texts, True),
        "slack": SlackWebhook("x", server.url, post, EVERYBODY, texts),
        "teams": Teams("x", server.url, post, EVERYBODY, texts),
    }
    for one in rows(told):
        sinks[kind].send(one)
    assert len(server.got) == len(told)
    for got in server.got:
        check(kind, got.body)


def test_every_call_of_the_slack_bot_keeps_its_schema(told: list[Publication]) -> None:
    bot = Slack("x", "C1", "t", Egress([]), lambda: 0, EVERYBODY, Texts())
    for one in rows(told):
        one.link = Link(sink="x", incident=one.publication.incident, generation=1, remote="C1:1.1")
        for call in bot.show(one).split("chat."):
            if call:
                check("slack", call.partition(" ")[2].encode())


def test_every_line_of_the_log_keeps_its_schema(tmp_path: Path, told: list[Publication]) -> None:
    log = Log("log", tmp_path / "log.jsonl", EVERYBODY)
    for one in rows(told):
        log.send(one)
    log.close()
    for line in (tmp_path / "log.jsonl").read_bytes().splitlines():
        check("publication-log", line)


def test_a_body_that_lacks_what_it_must_have_does_not_keep_it() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check("publication", b'{"type": "incident.open", "schema_version": 1}')


def test_what_topics_get_besides_events_keeps_its_schema(told: list[Publication]) -> None:
    impacts, recoveries = map(messages.impact, told), list(filter(None, map(messages.recovery, told)))
    for body in impacts:
        check("impact", body)
    assert recoveries
    for body in recoveries:
        check("recovery", body)
