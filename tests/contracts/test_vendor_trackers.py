"""The promises of every tracker, kept against the stand-ins of vendors that cannot be had here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.publish.ticketing.tracker import Draft
from tests.contracts import test_tracker as contract
from tests.publish.vendors.desks import on_jira, on_servicenow
from tests.publish.vendors.jira import JiraSite
from tests.publish.vendors.servicenow import ServiceNowInstance
from tests.publish.vendors.vendor import Vendor, running

DESK = {"desk": "1", "request": "10", "form": frozenset({"priority"})}

VENDORS: dict[str, tuple[Callable[[], Vendor], Callable[[Any], contract.Case]]] = {
    "servicenow": (ServiceNowInstance, on_servicenow),
    "jira-cloud": (JiraSite, on_jira),
    "jira-data-center": (lambda: JiraSite(cloud=False), on_jira),
    "jira-service-management": (JiraSite, lambda vendor: on_jira(vendor, **DESK)),
}


@pytest.fixture(params=VENDORS)
def case(request: pytest.FixtureRequest) -> Iterator[contract.Case]:
    start, make = VENDORS[request.param]
    vendor = start()
    with running(vendor):
        yield make(vendor)


@pytest.fixture
def draft(request: pytest.FixtureRequest) -> Callable[..., Draft]:
    """A request of a service desk has no assignee: its form does not show one."""

    def make(suffix: str = "", **fields: Any) -> Draft:
        return Draft(**{"key": f"headwater-key{suffix}", "title": "db is down", "text": "It is.", **fields})

    return make


globals().update({name: test for name, test in vars(contract).items() if name.startswith("test_")})
