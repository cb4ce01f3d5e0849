"""The whole life of an incident as a ticket at each vendor's stand-in, with failures on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.publish.ticketing import jira_adf
from engine.publish.ticketing.sink import Defaults, Ticketing
from engine.publish.ticketing.tracker import Tracker
from engine.storage.memory import MemoryStore
from tests.publish.vendors import jira, servicenow
from tests.publish.vendors.desks import jira_site, service_now
from tests.publish.vendors.jira import JiraSite
from tests.publish.vendors.servicenow import ServiceNowInstance
from tests.publish.vendors.vendor import Fault, Said, Vendor, running

JIRA_WORDS = {"SEV1": "Highest", "SEV2": "High"}
DESK: dict[str, Any] = {"desk": "1", "request": "10", "form": frozenset({"priority"})}


class Life:
    """A vendor, the sink over it, an outbox in memory, a clock set by hand."""

    def __init__(self, vendor: Vendor, tracker: Callable[[], Tracker], words: dict[str, str]) -> None:
        self.vendor, self.make, self.words = vendor, tracker, words
        self.now, self.count, self.incident = 0, 0, "12-0"
        self.restart()
        self.store = MemoryStore({"desk": self.sink.audiences})

    def restart(self) -> None:
        """What a process knows besides its store is gone."""
        self.tracker = self.make()
        self.sink = Ticketing("desk", self.tracker, frozenset({"tickets"}), Defaults(priorities=self.words))

    def tell(self, action: str, *news: str, generation: int = 1, level: str = "SEV2") -> None:
        self.count += 1
        severity = {"level": level}
        incident = {"id": self.incident, "title": "db is down", "severity": severity, "opened_at": 1_700_000_000_000}
        key = f"{self.incident}.{generation}.{action}.{self.count}.tickets"
        row = Publication(
            key=key, incident=self.incident, revision=self.count,
            generation=generation, action=action, audience="tickets", not_before=self.now, created_at=self.now,
            body={"incident": incident, "why": "", "news": list(news), "ticket": {}},
        )  # fmt: skip
        self.store.commit(Commit(outbox=[row]))
        settings = DispatchSettings(attempts=12, probes=(1.0, 2.0, 3.0))
        metrics = EngineMetrics(CollectorRegistry())
        dispatcher = Dispatcher(self.store, [self.sink], lambda: self.now, metrics, settings=settings)
        for _ in range(30):
            while dispatcher.round(self.sink):
                pass
            if not self.store.outbox(state=("new", "claimed", "sent", "ambiguous")).items:
                return
            self.now += 100_000

    def reconcile(self) -> int:
        link = self.store.links(incident=self.incident)[-1]
        return len(self.sink.reconcile(link))

    def tickets(self) -> list[Any]:
        key = msgspec.json.decode(self.store.links(incident=self.incident)[-1].seen)["key"]
        return list(self.tracker.find(key))

    def look(self) -> list[tuple[str, str]]:
        link = self.store.links(incident=self.incident)[-1]
        found = self.sink.look(link)
        self.store.keep(msgspec.structs.replace(link, seen=found.seen))
        return [(event.field, event.value) for event in found.events]

    def said(self) -> list[str]:
        return [note.text.splitlines()[0] for note in self.tracker.notes(self.tickets()[0].remote) if note.ours]


def on_servicenow(vendor: Any) -> Life:
    return Life(vendor, lambda: service_now(vendor), {"SEV1": "1", "SEV2": "2"})


def on_import(vendor: Any) -> Life:
    return Life(vendor, lambda: service_now(vendor, staging="u_headwater"), {"SEV1": "1", "SEV2": "2"})


def on_jira(vendor: Any) -> Life:
    return Life(vendor, lambda: jira_site(vendor), JIRA_WORDS)


def on_desk(vendor: Any) -> Life:
    return Life(vendor, lambda: jira_site(vendor, **DESK), JIRA_WORDS)


VENDORS: dict[str, tuple[Callable[[], Vendor], Callable[[Any], Life]]] = {
    "servicenow": (ServiceNowInstance, on_servicenow),
    "servicenow-import": (ServiceNowInstance, on_import),
    "jira-cloud": (JiraSite, on_jira),
    "jira-data-center": (lambda: JiraSite(cloud=False), on_jira),
    "jira-service-management": (JiraSite, on_desk),
}


@pytest.fixture(params=VENDORS)
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    start, make = VENDORS[request.param]
    vendor = start()
    with running(vendor):
        yield make(vendor)


def whole(life: Life) -> None:
    life.tell("open")
    life.tell("update", "Cause: db", level="SEV1")
    life.tell("resolve", "All is well", level="SEV1")
    life.tell("reopen", "It is back", generation=2, level="SEV1")
    life.tell("resolve", "Gone again", generation=2, level="SEV1")


def test_an_incident_is_one_ticket_from_its_opening_to_its_end(life: Life) -> None:
    whole(life)
    (ticket,) = life.tickets()
    assert (ticket.title, ticket.state, ticket.priority) == ("[SEV1] db is down", "closed", life.words["SEV1"])
    assert life.said() == ["Cause: db", "All is well", "It is back", "Gone again"]
    assert life.look() == []
    assert len(life.store.outbox(state=("confirmed",)).items) == 5


HTML = Said(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})
FAULTS: dict[str, Fault] = {
    "lost": Fault(None, done=True),
    "cut": Fault(None),
    "500": Fault(Said(500, {"error": {"message": "x"}})),
    "500 after it was done": Fault(Said(500, {"error": {"message": "x"}}), done=True),
    "html": Fault(HTML, done=True),
    "429": Fault(Said(429, {}, {"Retry-After": "30"})),
}


STEPS = (("update", "Cause: db", 1), ("resolve", "All is well", 1), ("reopen", "Back", 2))


@pytest.mark.parametrize("method", ["POST", "PUT or PATCH", "GET"])
def test_whatever_fails_once_there_is_one_open_ticket_and_each_text_once(life: Life, method: str) -> None:
    real = method if method != "PUT or PATCH" else "PUT" if isinstance(life.vendor, JiraSite) else "PATCH"
    for number, fault in enumerate(FAULTS.values()):
        life.incident = f"12-{number}"
        life.tell("open")
        for action, news, generation in STEPS:
            life.vendor.faults.append(fault._replace(method=real))
            life.tell(action, news, generation=generation, level="SEV1")
        life.vendor.faults.clear()
        assert [ticket.state for ticket in life.tickets()] == ["open"]
        assert life.said() == ["Cause: db", "All is well", "Back"]
        assert life.reconcile() == 0


@pytest.mark.parametrize("lag", [0, 3, 10_000])
def test_after_a_lost_creation_one_ticket_is_open_however_far_the_search_lags(life: Life, lag: int) -> None:
    """Searches of ServiceNow do not lag."""
    for number, (name, fault) in enumerate(FAULTS.items()):
        life.incident = f"12-{number}"
        if isinstance(life.vendor, JiraSite):
            life.vendor.lag = lag
        life.vendor.faults.append(fault._replace(method="POST", path=_create_path(life)))
        life.tell("open")
        assert not life.vendor.faults, name
        life.restart()
        life.vendor.turn += 10_000
        closed = life.reconcile()
        assert [ticket.state for ticket in life.tickets()].count("open") == 1
        assert len(life.tickets()) == closed + 1
        assert closed == int(lag == 10_000 and fault.done and isinstance(life.vendor, JiraSite))
        life.tell("resolve", "All is well")
        assert {ticket.state for ticket in life.tickets()} == {"closed"}


def _create_path(life: Life) -> str:
    if isinstance(life.vendor, JiraSite):
        return "/request" if life.make().__dict__["_site"].desk else "/issue"
    return "/import/" if life.sink.idempotent else "/table/incident"


GRADE = {"priority": "3", "impact": "2", "urgency": "2"}


def test_what_people_do_flows_back_and_our_own_does_not(life: Life) -> None:
    life.tell("open")
    (ticket,) = life.tickets()
    vendor = life.vendor
    life.vendor.turn += 5
    if isinstance(vendor, ServiceNowInstance):
        vendor.person_changes(ticket.remote, assigned_to=servicenow.USERS["beth.anglin"], **GRADE)
        vendor.person_writes(ticket.remote, "I am on it")
        expected = {("assignee", "beth.anglin"), ("priority", "3"), ("note", "I am on it")}
    elif isinstance(vendor, JiraSite):
        mia = next(id for id, name in jira.PEOPLE.items() if name == "Mia Krystof")
        vendor.person_changes(
            ticket.remote, assignee={"accountId" if vendor.cloud else "name": mia}, priority={"name": "Low"}
        )
        vendor.person_writes(ticket.remote, jira_adf.document("Mine") if vendor.cloud else "Mine")
        expected = {("assignee", mia), ("priority", "Low"), ("note", "Mine")}
    assert set(life.look()) == expected
    assert life.look() == []
    life.tell("update", "Cause: db")
    assert life.look() == []
