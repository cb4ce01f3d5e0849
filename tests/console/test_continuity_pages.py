"""Pages about continuity without a browser: what they offer to whom, what they show when little is known."""

from __future__ import annotations

import re

import pytest

from api.console.continuity.deeds import Desk
from api.console.continuity.graph import Node, drawing
from tests.api.live import live
from tests.console.stage import labels


def test_buttons_about_different_things_never_open_the_same_dialog():
    desk = Desk("x", lambda _: True)
    keys = ["a-b", "a/b", "a b", "a.b", *labels()]
    ids = [desk.deed("note", "Note", "n", key=key).id for key in keys]
    assert len(set(ids)) == len(set(keys))
    assert all(re.fullmatch("[A-Za-z0-9_-]+", one) for one in ids)


def test_who_may_not_is_told_which_role_may():
    deed = Desk("INC-1", lambda _: False).deed("start_task", "Begin", "look", hidden={"task": "look", "version": 3})
    assert (deed.needs, deed.hidden) == ("operator", (("task", "look"), ("version", "3")))
    assert Desk("INC-1", lambda _: True).deed("override_gate", "Emergency", "g").reason


def test_a_graph_draws_each_step_once_with_its_critical_chain():
    nodes = [
        Node(id="a", title="A", owner="x", takes=60_000, state="done"),
        Node(id="b", title="B", owner="y", takes=60_000, after=("a",), gates=(("g", True), ("h", False))),
        Node(id="c", title="C", owner="", takes=0, after=("a", "gone")),
    ]
    shown = str(drawing(nodes, ("a", "b")))
    assert shown.count('class="tk-node') == 3
    assert shown.count("tk-edge tk-critical") == 1
    assert "1 of 2 gates closed" in shown
    assert "nobody" in shown


@pytest.mark.parametrize("text", labels()[::3], ids=lambda text: ascii(text[:20]))
def test_no_text_of_a_step_becomes_markup(text: str):
    shown = str(drawing([Node(id=text, title=text, owner=text, takes=0)], (text,)))
    plain = str(drawing([Node(id="x", title="x", owner="x", takes=0)], ("x",)))
    assert shown.count("<") == plain.count("<")


def test_pages_say_what_is_missing_where_nothing_is_declared(tmp_path):
    with live(tmp_path, catalogue="entities: []\n") as world:
        text = world.client.get("/continuity").text
        for said in ("No playbooks, rosters or exercises are declared", "No roster is declared", "No review is due"):
            assert said in text
        assert world.client.get("/continuity/playbooks/none").status_code == 404
        assert world.client.get("/incidents/INC-none/restoration").status_code == 404
        assert world.client.get("/incidents", params={"drill": ""}).status_code == 200
        assert world.client.get("/incidents.csv", params={"drill": "true"}).text.count("\n") == 1
        assert world.client.get("/incidents", params={"drill": "perhaps"}).status_code == 400
