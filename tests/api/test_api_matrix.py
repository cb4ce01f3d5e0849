"""Every route and every action against every role: a golden table made from the application itself.

`HEADWATER_RENEW=1 pytest tests/api/test_api_matrix.py` writes it anew; what changed then shows in the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from api.access_settings import Role
from api.auth.entries import ENTRIES, OPEN, PROBES, Entries
from api.auth.policy import allowed, grants
from api.auth.principal import Principal
from api.routes.ingest import ROWS
from engine.policy import ACTIONS
from tests.api.live import Live

GOLDEN = Path(__file__).parents[1] / "data" / "access" / "matrix.txt"
SERVED_DIRECTLY = {f"POST {row.path}" for row in ROWS} | {f"GET {path}" for path in PROBES}
NOT_ALWAYS_THERE = {"POST /api/v1/hooks/{name}"}
"""Served for each web hook that is declared."""


def served(world: Live) -> set[str]:
    """``METHOD template`` of everything that the application answers."""
    found = {
        f"{method} {one.path}"
        for one in iter_route_contexts(world.app.routes)
        for method in one.methods or ("GET",)
        if method != "HEAD"
    }
    return found | SERVED_DIRECTLY


def test_every_route_has_an_entry_and_every_entry_a_route(world: Live):
    assert served(world) - set(ENTRIES) == set()
    assert set(ENTRIES) - served(world) == NOT_ALWAYS_THERE


def test_every_entry_has_an_action_that_there_is():
    assert {action for action in ENTRIES.values() if action != OPEN} <= set(ACTIONS)


def table() -> str:
    """A line for each route, then one for each action; a letter for each role that may, a dot for one that may not."""
    roles = list(Role)
    letters = [role.value[0] for role in roles]
    letters[roles.index(Role.AUDITOR)] = "u"
    lines = [", ".join(f"{letter} {role}" for letter, role in zip(letters, roles, strict=True)), ""]
    for line, action in sorted(ENTRIES.items(), key=lambda one: one[0].partition(" ")[::-1]):
        may = "open to all" if action == OPEN else _letters(action, roles, letters)
        lines.append(f"{may:12} {action:12} {line}")
    lines.append("")
    lines += [f"{_letters(name, roles, letters):12} {name:18} {action.summary}" for name, action in ACTIONS.items()]
    return "\n".join(lines) + "\n"


def _letters(action: str, roles: list[Role], letters: list[str]) -> str:
    return "".join(letter if grants(role, action) else "." for letter, role in zip(letters, roles, strict=True))


def test_who_may_do_what_is_as_it_was():
    if os.environ.get("HEADWATER_RENEW"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(table(), encoding="utf-8")
    assert table() == GOLDEN.read_text(encoding="utf-8")


def test_the_page_has_the_same_table_of_roles():
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    for name in ACTIONS:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` ")]
        cells = [cell.strip() for cell in row.split("|")[2:-1]]
        assert [bool(cell) for cell in cells[: len(Role)]] == [grants(role, name) for role in Role], row


@pytest.mark.parametrize("action", ACTIONS)
def test_scopes_narrow_and_never_widen(action: str):
    everything = frozenset(ACTIONS)
    for role in Role:
        assert allowed(Principal("x", frozenset({role}), scopes=everything), action) == grants(role, action)
        narrowed = Principal("x", frozenset({role}), scopes=everything - {action})
        assert not allowed(narrowed, action) or action == "enter"


def test_an_action_that_there_is_not_is_nobodys():
    assert not any(allowed(Principal("x", frozenset({role})), "drop_database") for role in Role)


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("HEAD", "/api/v1/incidents/1", "/api/v1/incidents/{id}"),
        ("GET", "/api/v1/topology/diff", "/api/v1/topology/diff"),
        ("GET", "/api/v1/topology/db", "/api/v1/topology/{entity}"),
        ("POST", "/prom/api/v2/alerts", "/api/v2/alerts"),
        ("GET", "/prom/api/v1/incidents", None),
        ("GET", "/api/v1/incidents/", None),
        ("GET", "//api/v1/incidents", None),
        ("GET", "/api/v1/incidents/1/", None),
        ("GET", "/api/v1/INCIDENTS", None),
        ("GET", "/api/v1/incidents\n", None),
        ("PUT", "/api/v1/incidents/1", None),
    ],
)
def test_a_path_is_found_as_it_is_written_and_no_other(method: str, path: str, template: str | None):
    found = Entries(prefix="/prom").find(method, path)
    assert (found and found.template) == template
