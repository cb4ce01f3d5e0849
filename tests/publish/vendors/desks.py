"""Trackers over the stand-ins, for tests: the vendor, the tracker, one with wrong credentials, what people do."""

from __future__ import annotations

from typing import Any

from engine.publish.ticketing.api import Api, basic
from engine.publish.ticketing.jira import Jira, Site
from engine.publish.ticketing.servicenow import Desk, ServiceNow
from tests.contracts.test_tracker import Case
from tests.publish.vendors import jira, servicenow
from tests.publish.vendors.jira import ACCOUNT, JiraSite
from tests.publish.vendors.servicenow import ServiceNowInstance
from tests.publish.vendors.vendor import Vendor
from tests.real.ticketing import USER

PEOPLE = {USER: ACCOUNT}
WEB = "https://vendor.example"


def api(vendor: Vendor, headers: dict[str, str]) -> Api:
    return Api(vendor.egress, vendor.url, headers, lambda: 0)


def service_now(vendor: ServiceNowInstance, password: str = servicenow.PASSWORD, **desk: Any) -> ServiceNow:
    made = api(vendor, basic(servicenow.USER, password))
    return ServiceNow(made, WEB, servicenow.USER, Desk(**desk))


def jira_site(vendor: JiraSite, token: str = jira.TOKEN, **site: Any) -> Jira:
    headers = basic(jira.USER, token) if vendor.cloud else {"Authorization": f"Bearer {token}"}
    declared: dict[str, Any] = {"cloud": vendor.cloud, "project": "OPS", "people": PEOPLE} | site
    return Jira(api(vendor, headers), WEB, Site(**declared))


def on_servicenow(vendor: ServiceNowInstance, **desk: Any) -> Case:
    incidents = vendor.tables["incident"]

    def delete(remote: str) -> None:
        incidents[:] = [one for one in incidents if one["sys_id"] != remote]

    def retitle(remote: str, text: str) -> None:
        vendor.person_changes(remote, short_description=text)

    tracker, stranger = service_now(vendor, **desk), service_now(vendor, "wrong", **desk)
    return Case(tracker, stranger, vendor.person_writes, retitle, delete, ("1", "2", "nonsense"), guarded=False)


def on_jira(vendor: JiraSite, **site: Any) -> Case:
    def speak(remote: str, text: str) -> None:
        content = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        vendor.person_writes(remote, {"type": "doc", "version": 1, "content": [content]} if vendor.cloud else text)

    def retitle(remote: str, text: str) -> None:
        vendor.person_changes(remote, summary=text)

    def delete(remote: str) -> None:
        vendor.issues[:] = [one for one in vendor.issues if one["id"] != remote]

    tracker, stranger = jira_site(vendor, **site), jira_site(vendor, "wrong", **site)
    return Case(tracker, stranger, speak, retitle, delete, ("High", "Low", "nonsense"), guarded=False)
