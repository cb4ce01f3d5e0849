"""docs/messages.md is true: its texts are what the engine's own publications become, its fields are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.outcomes import Publication
from engine.publish.texts import business, technical
from engine.publish.texts.fields import FIELDS
from engine.publish.texts.message import Template, Texts
from tests.engine.laws import World
from tests.scenarios.world import chain
from topology.model import Entity, Kind

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
SHOP = chain(
    "web-shop -> checkout -> orders-db",
    entities=[Entity(id="web-shop", name="Web shop", kind=Kind.BUSINESS_SERVICE, tier=1, users=48_000)],
)


@pytest.fixture(scope="module")
def told() -> dict[tuple[str, str], Publication]:
    """(action, audience) -> what the engine put out when the database went down and came back."""
    world = World(SHOP)
    world.at("10:00").fire("orders-db", "DbDown", severity="critical").fire("checkout", "Slow", severity="error")
    world.at("10:20").resolve("orders-db", "DbDown").resolve("checkout", "Slow")
    world.at("12:00")
    found = {(one.action, one.audience): one for one in world.driven.outbox}
    opened = found["open", "stakeholders"]
    opened.body["incident"]["next_update_at"] = opened.created_at + 1_800_000  # as a rhythm of updates promises it
    return found


@pytest.mark.parametrize(
    ("action", "audience"), [("open", "engineers"), ("open", "stakeholders"), ("resolve", "stakeholders")]
)
def test_the_texts_are_what_is_sent(told: dict[tuple[str, str], Publication], action: str, audience: str) -> None:
    one = told[action, audience]
    text = (business if audience == "stakeholders" else technical)(one)
    assert f"```\n{text.title}\n\n{text.body}\n```" in PAGE


def test_the_template_gives_the_text_that_is_shown(told: dict[tuple[str, str], Publication]) -> None:
    title, body = re.search(r'title: "(.*?)"\n +body: \|\n((?: {12}.*\n)+)', PAGE).groups()  # type: ignore[union-attr]
    lines = "\n".join(line.removeprefix(" " * 12) for line in body.split("\n"))
    message = Texts([Template(title=title, body=lines)]).message(told["open", "stakeholders"])
    assert "```\n" + "\n".join([message.title, "", *message.lines]) + "\n```" in PAGE


def test_every_field_is_described() -> None:
    table = PAGE.partition("| field | holds |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", table, re.MULTILINE))
    assert rows == {name: field.about for name, field in FIELDS.items()}
