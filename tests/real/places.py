"""How each real ticketing system is declared, what its words are, and what a person does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from api.sinks.roundup import Roundup
from api.sinks.rt import RequestTracker
from tests.real.ticketing import PASSWORD, USER, System

Do = Callable[..., None]


class Place(NamedTuple):
    """A ticketing system: how it is declared, its words for two severities, and what a person does there."""

    system: System
    declare: Callable[..., RequestTracker | Roundup]
    words: tuple[str, str]
    note: Do
    set: Do  # (remote, title=, assignee=, priority=, status=)
    delete: Do
    closed: str
    settings: str


def on_rt(system: System) -> Place:
    def declare(password: str = PASSWORD, **more: Any) -> RequestTracker:
        return RequestTracker(
            name="desk", url=system.url, user=USER, allow_private=True, queue="Incidents", password_env="RT",
            password=password, priorities={"SEV1": "90", "SEV2": "70"}, **more,
        )  # fmt: skip

    def note(remote: str, text: str) -> None:
        body = {"Content": text, "ContentType": "text/plain"}
        ok(system.person.post(f"/ticket/{remote}/correspond", json=body))

    def change(remote: str, **fields: str) -> None:
        names = {"title": "Subject", "assignee": "Owner", "priority": "Priority", "status": "Status"}
        ok(system.person.put(f"/ticket/{remote}", json={names[name]: value for name, value in fields.items()}))

    def delete(remote: str) -> None:
        change(remote, status="deleted")

    settings = "queue: Incidents\n      priorities: {SEV1: '90'}\n"
    return Place(system, declare, ("90", "70"), note, change, delete, "resolved",
                 f"  rt:\n    - {_YAML}      {settings}")  # fmt: skip


def on_roundup(system: System) -> Place:
    def declare(password: str = PASSWORD, **more: Any) -> Roundup:
        return Roundup(
            name="desk", url=system.url, user=USER, allow_private=True, password_env="RU", password=password,
            priorities={"SEV1": "critical", "SEV2": "urgent"}, **more,
        )  # fmt: skip

    def version(remote: str) -> dict[str, str]:
        return {"If-Match": ok(system.person.get(f"/issue/{remote}")).json()["data"]["@etag"]}

    def note(remote: str, text: str) -> None:
        body = {"content": text, "author": "ada", "date": "."}
        made = ok(system.person.post("/msg", json=body)).json()["data"]["id"]
        added = {"@op": "add", "messages": [made]}
        ok(system.person.patch(f"/issue/{remote}", json=added, headers=version(remote)))

    def change(remote: str, **fields: str) -> None:
        named = {"assignedto" if name == "assignee" else name: value for name, value in fields.items()}
        ok(system.person.patch(f"/issue/{remote}", json={"@op": "replace", **named}, headers=version(remote)))

    def retire(remote: str) -> None:
        headers = {"X-Requested-With": "tests", "Origin": system.url, **version(remote)}
        url = f"{system.url}/rest/data/issue/{remote}"
        ok(httpx.delete(url, auth=("admin", "of-the-admin"), headers=headers))

    settings = "priorities: {SEV1: critical}\n"
    return Place(system, declare, ("critical", "urgent"), note, change, retire, "resolved",
                 f"  roundup:\n    - {_YAML}      {settings}")  # fmt: skip


_YAML = f"""name: desk
      url: URL
      user: {USER}
      password_env: DESK_PASSWORD
      hook_secret_env: DESK_HOOK
      allow_private: true
"""

PLACES = {
    "roundup": ("roundup_system", on_roundup, pytest.mark.real("roundup")),
    "request-tracker": ("rt_system", on_rt, pytest.mark.real("request-tracker")),
}


def ok(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code < 300, answer.text
    return answer
