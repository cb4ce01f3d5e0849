"""Entity tags of what is read, and what has none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.live import Live, alert, live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("etags")) as served:
        served.send(alert("Down", "db"))
        served.incident_of("db")
        yield served


@pytest.mark.parametrize("path", ["/api/v1/topology", "/api/v1/topology/db", "/api/v1/catalogue", "/openapi.json"])
def test_what_has_not_changed_is_not_sent_again(world: Live, path: str):
    first = world.client.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = world.client.get(path, headers={"if-none-match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "default-src" in again.headers["content-security-policy"]
    other = world.client.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_what_has_changed_has_another_tag(world: Live):
    incident = world.incident_of("db")["id"]
    path = f"/api/v1/incidents/{incident}"
    before = world.client.get(path).headers["etag"]
    assert world.client.post(f"{path}/acknowledge").status_code == 200
    after = world.client.get(path, headers={"if-none-match": before})
    assert after.status_code == 200
    assert after.headers["etag"] != before


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/nowhere", "/api/v1/incidents/none"])
def test_the_rest_has_none_and_is_not_kept(world: Live, path: str):
    answer = world.client.get(path, headers={"if-none-match": "*"})
    assert answer.status_code != 304
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_a_stream_is_not_held_back_for_a_tag(world: Live):
    with world.client.stream("GET", "/api/v1/stream", params={"after": 0}) as answer:
        assert "etag" not in answer.headers
        assert next(answer.iter_lines()) == ": headwater"
