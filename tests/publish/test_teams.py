"""Cards for Teams: one block per line, small enough, and nothing of a stranger's in their structure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress
from engine.publish.posting import Post
from engine.publish.teams import BODY, LARGEST, Teams
from engine.publish.texts.markup.markdown import MARKDOWN
from engine.publish.texts.message import Template, Texts
from tests.publish.receiver import Receiver, hang_up, receiver, row, status
from tests.publish.strangers import HOSTILE


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        started.behave = status(202)
        yield started


def teams(server: Receiver, *templates: Template) -> Teams:
    post = Post(Egress([Destination(server.url, allow_private=True)], timeout=1.0), lambda: 0)
    texts = Texts(templates, markup=MARKDOWN, title=200, body=BODY)
    return Teams("bridge", server.url, post, frozenset({"engineers"}), texts)


def test_a_card_has_the_title_and_one_block_per_line(server: Receiver) -> None:
    sink = teams(server)
    sink.send(row("k1", title="db_1 is *down*", cause="db_1"))
    sent = msgspec.json.decode(server.got[0].body)
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    head, *lines = attachment["content"]["body"]
    assert head["text"] == r"\[unknown\] New incident: db\_1 is \*down\*"
    assert lines[1]["text"] == r"Cause: db\_1"
    assert all(one["type"] == "TextBlock" and one["wrap"] for one in (head, *lines))
    assert msgspec.json.decode(sink.show(row("k1", title="db_1 is *down*", cause="db_1"))) == sent


@pytest.mark.parametrize("letter", ["x", "é", "💥", "*"])
def test_a_card_is_never_larger_than_teams_takes(server: Receiver, letter: str) -> None:
    line = letter * 400
    teams(server, Template(body=f"{line}\n" * 40)).send(row("k1"))
    assert len(server.got[0].body) <= LARGEST


def test_any_strangers_text_is_taken(server: Receiver) -> None:
    sink = teams(server)
    for text in HOSTILE:
        sink.send(row("k1", title=text, cause=text or None, why=text))
    assert len(server.got) == len(HOSTILE)
    for one in server.got:
        assert set(msgspec.json.decode(one.body)["attachments"][0]["content"]) == {"type", "$schema", "version", "body"}


def test_a_card_whose_answer_is_lost_is_sent_once_more_and_not_a_third_time(server: Receiver) -> None:
    server.behave = hang_up
    sink, one = teams(server), row("k1")
    with pytest.raises(SinkError) as first:
        sink.send(one)
    one.ambiguous = True
    with pytest.raises(SinkError) as second:
        sink.send(one)
    assert (first.value.ambiguous, first.value.permanent) == (True, False)
    assert (second.value.ambiguous, second.value.permanent) == (False, True)


@pytest.mark.parametrize(("code", "permanent"), [(400, True), (401, True), (404, True), (429, False), (500, False)])
def test_a_workflow_that_refuses_is_judged_by_its_status(server: Receiver, code: int, permanent: bool) -> None:
    server.behave = status(code)
    with pytest.raises(SinkError) as failed:
        teams(server).send(row("k1"))
    assert failed.value.permanent == permanent
