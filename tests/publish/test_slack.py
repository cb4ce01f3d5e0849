"""One message per incident in Slack, edited; the news below it; and nothing posted twice after a lost answer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress
from engine.publish.posting import Post
from engine.publish.slack import Slack
from engine.publish.slack_message import BODY, HEADER
from engine.publish.slack_webhook import SlackWebhook
from engine.publish.texts.markup.mrkdwn import MRKDWN
from engine.publish.texts.message import Template, Texts
from engine.sending import Link, OutboxRow, Receipt
from tests.publish.receiver import Receiver, receiver, row, status
from tests.publish.strangers import HOSTILE
from tests.publish.workspace import CHANNEL, TOKEN, Workspace


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.fixture
def workspace(server: Receiver) -> Workspace:
    server.behave = made = Workspace()
    return made


def slack(server: Receiver, token: str = TOKEN, templates: tuple[Template, ...] = ()) -> Slack:
    base = server.url.removesuffix("/hook") + "/api"
    egress = Egress([Destination(base, allow_private=True)], timeout=2.0)
    texts = Texts(templates, markup=MRKDWN, title=HEADER, body=BODY)
    return Slack("ops", CHANNEL, token, egress, lambda: 0, frozenset({"engineers"}), texts, base)


def kept(receipt: Receipt, one: OutboxRow) -> OutboxRow:
    """A later row of the same incident, with what the sink keeps of it."""
    one.link = Link(sink="ops", incident="INC-1", generation=1, remote=receipt.remote, state=receipt.keeps)
    return one


def news(key: str, action: str = "update", *lines: str, **fields: object) -> OutboxRow:
    made = row(key, action=action, **fields)
    made.publication.body["news"] = list(lines)
    return made


def test_one_message_lives_as_long_as_its_incident_and_the_news_are_below_it(
    server: Receiver, workspace: Workspace
) -> None:
    sink = slack(server)
    receipt = sink.send(row("k1", title="db is <down>"))
    assert (receipt.remote, receipt.keeps) == (f"{CHANNEL}:1700000000.000100", "open")
    later = sink.send(kept(receipt, news("k2", "update", "cause: <!channel>", title="db is up again")))
    assert later.remote == receipt.remote
    over = sink.send(kept(receipt, news("k3", "resolve", "resolved", title="db is up")))
    assert over.keeps == "closed"
    (living,) = workspace.top()
    assert living["blocks"][0]["text"] == {"type": "plain_text", "text": "[unknown] Resolved: db is up", "emoji": False}
    assert [one["text"] for one in workspace.thread(living["ts"])] == ["cause: &lt;!channel&gt;", "resolved"]
    assert (living["link_names"], living["unfurl_links"]) == (False, False)


def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(server: Receiver, workspace: Workspace) -> None:
    sink, one = slack(server), row("k1")
    assert sink.find(one) is None
    workspace.lose = ["chat.postMessage"]
    with pytest.raises(SinkError) as failed:
        sink.send(one)
    assert failed.value.ambiguous
    found = sink.find(one)
    assert found is not None
    assert (found.remote, found.keeps) == (f"{CHANNEL}:1700000000.000100", "open")
    assert sink.find(row("k2")) is None


def test_news_whose_answer_was_lost_are_found_below_the_message_however_many_there_are(
    server: Receiver, workspace: Workspace
) -> None:
    sink, workspace.page = slack(server), 2
    receipt = sink.send(row("k1"))
    for number in range(5):
        sink.send(kept(receipt, news(f"n{number}", "update", "more")))
    workspace.lose = ["chat.postMessage"]
    last = kept(receipt, news("k9", "update", "the cause is known"))
    with pytest.raises(SinkError):
        sink.send(last)
    assert sink.find(last) == Receipt(receipt.remote, keeps="open")
    assert sink.find(kept(receipt, news("k10", "update", "never sent"))) is None
    assert sink.find(kept(receipt, row("k1"))) is None  # the thread's parent is no news


def test_a_lost_answer_to_an_edit_is_simply_tried_again(server: Receiver, workspace: Workspace) -> None:
    sink = slack(server)
    receipt = sink.send(row("k1"))
    workspace.lose = ["chat.update"]
    with pytest.raises(SinkError) as failed:
        sink.send(kept(receipt, news("k2", "update", "x")))
    assert (failed.value.permanent, failed.value.ambiguous) == (False, False)
    sink.send(kept(receipt, news("k2", "update", "x")))
    assert len(workspace.messages) == 2


def test_a_message_that_somebody_deleted_is_posted_anew(server: Receiver, workspace: Workspace) -> None:
    sink = slack(server)
    receipt = sink.send(row("k1"))
    workspace.messages.clear()
    workspace.messages["1.1"] = {"thread_ts": "", "ts": "1.1", "metadata": {}, "text": "chatter"}
    again = sink.send(kept(receipt, news("k2", "update", "x")))
    assert again.remote != receipt.remote
    assert again.remote.partition(":")[2] in workspace.messages


@pytest.mark.parametrize(
    ("error", "permanent", "ambiguous"),
    [
        ("channel_not_found", True, False),
        ("is_archived", True, False),
        ("not_in_channel", True, False),
        ("missing_scope", True, False),
        ("ratelimited", False, False),
        ("service_unavailable", False, False),
        ("internal_error", False, True),
        ("fatal_error", False, True),
    ],
)
def test_an_answer_that_is_not_ok_is_judged_by_its_word(
    server: Receiver, workspace: Workspace, error: str, permanent: bool, ambiguous: bool
) -> None:
    workspace.fail = {"chat.postMessage": [error]}
    with pytest.raises(SinkError) as failed:
        slack(server).send(row("k1"))
    assert (failed.value.permanent, failed.value.ambiguous) == (permanent, ambiguous)
    assert error in failed.value.detail


def test_a_wrong_token_is_permanent_and_is_not_repeated(server: Receiver, workspace: Workspace) -> None:
    with pytest.raises(SinkError, match="invalid_auth") as failed:
        slack(server, token="xoxb-secret").send(row("k1"))
    assert failed.value.permanent
    assert "xoxb" not in failed.value.detail


def test_a_rate_limit_says_when_to_come_back(server: Receiver, workspace: Workspace) -> None:
    workspace.wait = [17]
    with pytest.raises(SinkError) as failed:
        slack(server).send(row("k1"))
    assert (failed.value.after, failed.value.permanent, failed.value.ambiguous) == (17.0, False, False)


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"", b"[]", b'{"ok": 1}', b'{"ok":true}'])
def test_a_success_that_is_not_slacks_leaves_it_open(server: Receiver, body: bytes) -> None:
    server.behave = status(200, body)
    with pytest.raises(SinkError) as failed:
        slack(server).send(row("k1"))
    assert failed.value.ambiguous


def test_any_strangers_text_is_taken(server: Receiver, workspace: Workspace) -> None:
    sink = slack(server)
    for number, text in enumerate(HOSTILE):
        sink.send(row(f"k{number}", title=text, cause=text or None, why=text))
    assert len(workspace.messages) == len(HOSTILE)
    assert not any("<" in block["text"]["text"] for one in workspace.top() for block in one["blocks"][1:])


def test_a_template_writes_mrkdwn_and_its_fields_do_not(server: Receiver, workspace: Workspace) -> None:
    slack(server, templates=(Template(body="*$cause* <https://wiki.example.com|runbook>"),)).send(
        row("k1", cause="*x*")
    )
    (living,) = workspace.top()
    assert living["blocks"][1]["text"]["text"] == "*∗x∗* <https://wiki.example.com|runbook>"


# --------------------------------------------------------------------------------------------------------- webhook


def webhook(server: Receiver) -> SlackWebhook:
    egress = Egress([Destination(server.url, allow_private=True)], timeout=1.0)
    texts = Texts(markup=MRKDWN, title=HEADER, body=BODY)
    return SlackWebhook("hook", server.url, Post(egress, lambda: 0), frozenset({"engineers"}), texts)


def test_a_webhook_gets_a_message_each_time_with_no_channel_of_ours(server: Receiver) -> None:
    server.behave = status(200, b"ok")
    sink = webhook(server)
    assert sink.send(row("k1")) == Receipt("k1")
    sent = msgspec.json.decode(server.got[0].body)
    assert set(sent) == {"text", "blocks", "unfurl_links", "unfurl_media", "link_names"}
    assert msgspec.json.decode(sink.show(row("k1"))) == sent


@pytest.mark.parametrize(("code", "permanent"), [(400, True), (403, True), (404, True), (410, True), (500, False)])
def test_a_webhook_that_refuses_is_judged_by_its_status(server: Receiver, code: int, permanent: bool) -> None:
    server.behave = status(code, b"no_service")
    with pytest.raises(SinkError) as failed:
        webhook(server).send(row("k1"))
    assert failed.value.permanent == permanent
