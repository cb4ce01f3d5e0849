"""Fields of a ticket that people are not to change: set back in its own ticket alone, and the ticket is told why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.publish.shelf import Shelf
from tests.publish.test_ticketing import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk(Shelf())


def dispute(field: str, wanted: str, sink: str = "shelf", ticket: str = "1") -> dict[str, Any]:
    return {"dispute": {"sink": sink, "ticket": ticket, "field": field, "value": "x", "wanted": wanted, "why": "so"}}


@pytest.mark.parametrize(
    ("field", "theirs", "wanted"),
    [("state", "closed", "open"), ("state", "open", "closed"), ("priority", "mine", "high"), ("assignee", "bob", "ada"),
     ("assignee", "bob", "")],
)  # fmt: skip
def test_a_field_in_dispute_is_set_back_and_the_ticket_is_told_why(
    desk: Desk, field: str, theirs: str, wanted: str
) -> None:
    desk.tell("open")
    desk.shelf.edit("1", **{field: theirs})
    assert desk.look() == ([(field, theirs, "ada")] if theirs != "open" else [])
    desk.tell("disputed", "It is set back", about=dispute(field, wanted))
    assert getattr(desk.shelf.tickets["1"], field) == wanted
    assert desk.comments()[-1].splitlines()[0] == "It is set back"
    assert desk.look() == []
    assert desk.link().state == desk.shelf.tickets["1"].state


@pytest.mark.parametrize("about", [dispute("priority", "high", sink="other"), dispute("priority", "high", ticket="9"),
                                   dispute("title", "high")])  # fmt: skip
def test_what_is_in_dispute_elsewhere_is_left_alone(desk: Desk, about: dict[str, Any]) -> None:
    desk.tell("open")
    desk.shelf.edit("1", priority="mine")
    desk.tell("disputed", "It is set back", about=about)
    assert desk.shelf.tickets["1"].priority == "mine"


@pytest.mark.parametrize("how", ["deaf", "refused"])
def test_a_field_that_cannot_be_set_back_is_told_in_the_ticket(desk: Desk, how: str) -> None:
    desk.tell("open")
    desk.shelf.edit("1", state="closed", status="done")
    getattr(desk.shelf, how).add("state" if how == "deaf" else "open")
    desk.tell("disputed", "It is set back", about=dispute("state", "open"))
    assert desk.comments()[-1].splitlines()[:2] == [
        "It is set back", "The ticketing system did not take the state open; it stays closed."
    ]  # fmt: skip
    assert desk.states()[0] == "confirmed"
