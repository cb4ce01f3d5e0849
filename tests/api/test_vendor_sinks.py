"""Receivers at vendors: declared in a file, put together, and refused with all that is wrong."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.findings import Wrong
from api.settings import load
from api.sinks.declared import World
from engine.errors import SinkError
from engine.sending import OutboxRow, Sink
from tests.publish.receiver import publication
from tests.publish.vendors import jira, pagerduty, servicenow
from tests.publish.vendors.jira import JiraSite
from tests.publish.vendors.pagerduty import PagerDutyService
from tests.publish.vendors.servicenow import ServiceNowInstance
from tests.publish.vendors.vendor import Vendor, running

SECRETS = {"NOW": servicenow.PASSWORD, "JIRA": jira.TOKEN, "PD": pagerduty.ROUTING_KEY}
SERVICENOW = "servicenow: [{{name: now, url: '{url}', user: headwater, password_env: NOW, allow_private: true{more}}}]"
JIRA = (
    "jira: [{{name: ops, url: '{url}', queue: OPS, user: bot@shop.example, token_env: JIRA,"
    " allow_private: true{more}}}]"
)
PAGERDUTY = "pagerduty: [{{name: duty, url: '{url}', routing_key_env: PD, allow_private: true{more}}}]"


def sinks(folder: Path, text: str, secrets: dict[str, str] = SECRETS) -> list[Sink]:
    (folder / "headwater.yaml").write_text(f"sinks: {{log: false, {text}}}\n")
    found = load(folder / "headwater.yaml", environment=secrets).sinks
    return found.open(World(clock=lambda: 0, data=folder, stack=ExitStack()))


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(Wrong) as failed:
        sinks(folder, text)
    return [str(finding).partition(": ")[2] for finding in failed.value.findings]


def row(action: str = "open") -> OutboxRow:
    return OutboxRow(id=1, publication=publication(action=action), sink="x", attempts=0, epoch=1)


VENDORS: dict[str, tuple[str, type[Vendor]]] = {
    "servicenow": (SERVICENOW, ServiceNowInstance),
    "jira": (JIRA, JiraSite),
    "pagerduty": (PAGERDUTY, PagerDutyService),
}


@pytest.mark.parametrize("name", VENDORS)
def test_what_is_declared_keeps_one_ticket_or_alert(tmp_path: Path, name: str) -> None:
    text, kind = VENDORS[name]
    vendor = kind()
    with running(vendor):
        (sink,) = sinks(tmp_path, text.format(url=vendor.url, more=""))
        first, second = sink.send(row()), sink.send(row())
    assert first.keeps == "open"
    assert first.remote == second.remote


@pytest.mark.parametrize("name", VENDORS)
def test_a_private_address_needs_to_be_allowed_and_a_secret_shows_nowhere(tmp_path: Path, name: str) -> None:
    text, kind = VENDORS[name]
    vendor = kind()
    with running(vendor):
        (sink,) = sinks(tmp_path, text.format(url=vendor.url, more="").replace(", allow_private: true", ""))
        with pytest.raises(SinkError, match="allow_private") as failed:
            sink.send(row())
        found = load(tmp_path / "headwater.yaml", environment=SECRETS)
    assert failed.value.permanent
    assert vendor.exchanges == []
    for secret in SECRETS.values():
        assert secret not in repr(found) + str(failed.value)


def test_all_that_is_wrong_is_named_with_its_place(tmp_path: Path) -> None:
    url = "https://now.example"
    more = ", token_env: NOW, closed: ['7'], reopen: '7', priorities: {SEV1: P1}"
    place = "sinks.servicenow.0"
    assert wrong(tmp_path, SERVICENOW.format(url=url, more=more)) == [
        f"{place}: needs either token_env or password_env",
        f"{place}.close: 6 is not among closed: a ticket would never be closed",
        f"{place}.reopen: 7 is among closed: a ticket would never be open again",
        f"{place}.priorities.SEV1: P1 is made of no impact and urgency: declare it under grades",
    ]
    more = ", password_env: NOW, service_desk: '1', optional: [summary]"
    assert wrong(tmp_path, JIRA.format(url=url, more=more)) == [
        "sinks.jira.0: needs either token_env or password_env",
        "sinks.jira.0.password_env: Jira Cloud takes no passwords: name an API token with token_env",
        "sinks.jira.0.service_desk: needs service_desk and request_type, or neither",
        "sinks.jira.0.optional: a ticket without its summary, description, project or issue type is none",
    ]


def test_secrets_that_are_not_set_are_named(tmp_path: Path) -> None:
    (tmp_path / "headwater.yaml").write_text("sinks: {" + PAGERDUTY.format(url="https://pd.example", more="") + "}\n")
    with pytest.raises(Wrong) as failed:
        load(tmp_path / "headwater.yaml", environment={})
    assert [finding.message for finding in failed.value.findings] == [
        "sinks.pagerduty.0.routing_key_env: PD is not set"
    ]


DOCUMENT = Path(__file__).parents[2] / "docs" / "sinks.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[1].strip(" :"))
def test_what_the_document_declares_can_be_declared(tmp_path: Path, block: str) -> None:
    (tmp_path / "headwater.yaml").write_text(block)
    secrets = dict.fromkeys(re.findall(r"_env: (\w+)", block), "x")
    assert list(load(tmp_path / "headwater.yaml", environment=secrets).sinks.declared())
