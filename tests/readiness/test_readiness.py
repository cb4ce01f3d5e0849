"""How fast incidents were met, what was kept, what is covered: from revisions, over the API and as metrics."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families as families
from scipy.stats import mannwhitneyu

from api.readiness.book import DAY, Book
from api.readiness.collector import ReadinessMetrics
from api.readiness.words import as_csv
from engine.evidence.model.cases import Case, Learning, Outcome
from engine.outcomes import ExposureView, HarmView, IncidentView
from engine.ports import Commit
from engine.readiness.coverage import Watched, coverage
from engine.readiness.figures import ENOUGH, trend
from engine.readiness.phases import past
from engine.readiness.report import Figure, Registry, readiness
from engine.recovery_views import RecoveryView
from engine.sending import Link
from engine.storage.memory import MemoryStore
from rules.ruleset import RuleSet
from tests.api.live import Live, alert, live
from tests.engine.test_engine_recovery import outage
from tests.storage.made import NOON, incident
from topology.model import Dependency, Entity, Kind, Topology
from topology.objectives import Objective

MINUTE = 60_000


def story(id: str = "INC-1", opened: int = NOON, **last: object) -> list[IncidentView]:
    """Noticed after one minute, confirmed after one more, declared, acknowledged, restored and proven."""
    at = {"onset": opened - MINUTE, "opened_at": opened, "declared_at": opened + 2 * MINUTE}
    said = {"acknowledged_at": opened + 5 * MINUTE, "restoring_at": opened + 10 * MINUTE}
    recovery = RecoveryView(
        verdict="restored", why=(), measured="restored", since=opened + 30 * MINUTE, at=opened + 40 * MINUTE
    )
    proven = {"recovery": recovery, "closed_as": "restored", "resolved_at": opened + 41 * MINUTE}
    return [
        incident(id, 1, onset=at["onset"], opened_at=opened, state="suspected", firing=2, updated_at=opened),
        incident(id, 2, **at, firing=2, confirmed=1, updated_at=opened + MINUTE),
        incident(id, 3, **at, **said, firing=2, confirmed=1, updated_at=opened + 10 * MINUTE),
        incident(id, 4, **{**at, **said, **proven, "state": "resolved", "updated_at": opened + 41 * MINUTE, **last}),
    ]


def test_each_phase_of_an_incident_is_measured_from_where_it_begins_to_where_it_ends() -> None:
    found = past(story())
    assert found is not None
    assert found.seconds == {
        "detection": 60, "validation": 60, "acknowledgement": 180, "restoration_initiation": 480,
        "restoration": 1800, "verification": 660,
    }  # fmt: skip


def test_what_nobody_did_is_not_measured_as_quick() -> None:
    found = past(story(acknowledged_at=None, restoring_at=None, closed_as="ended"))
    assert found is not None
    assert found.seconds.keys() == {"detection", "validation", "restoration"}


def test_an_open_incident_and_one_that_was_merged_have_no_past() -> None:
    assert past(story()[:3]) is None
    assert past(story(state="merged", merged_into="INC-2")) is None
    assert past([]) is None


def test_an_objective_is_met_if_what_was_down_came_back_before_it_ran_out() -> None:
    def down(revision: int, minutes: int, *objectives: Objective) -> IncidentView:
        return incident("INC-1", revision, updated_at=NOON + minutes * MINUTE, objectives=objectives, firing=1)

    def rto(entity: str, minutes: int) -> Objective:
        return Objective(entity=entity, kind="rto", since=NOON, due=NOON + minutes * MINUTE)

    forecast = Objective(entity="later", kind="rto", since=NOON + 90 * MINUTE, due=NOON + 99 * MINUTE)
    views = [
        down(1, 0, rto("quick", 30), rto("slow", 30), forecast),
        down(2, 20, rto("slow", 30)),
        down(3, 40, rto("slow", 30)),
        incident("INC-1", 4, state="resolved", updated_at=NOON + 50 * MINUTE),
    ]
    found = past(views)
    assert found is not None
    assert [(one.entity, one.met) for one in found.objectives] == [("quick", True), ("slow", False)]


@pytest.mark.parametrize(("exposed", "met"), [("no", True), ("yes", False), ("cannot_exclude", None)])
def test_a_recovery_point_that_nobody_could_measure_is_not_met_but_unknown(exposed: str, met: bool | None) -> None:
    store = ExposureView(entity="db", kind="database", down=True, exposed=exposed, forgets="no", rpo=60)
    fine = ExposureView(entity="db", kind="database", down=True, exposed="no", forgets="no", rpo=60)
    views = story()
    views[1].harm, views[2].harm = HarmView(exposure=(store,)), HarmView(exposure=(fine,))
    found = past(views)
    assert found is not None
    assert [(one.kind, one.met) for one in found.objectives] == [("rpo", met)]
    said = readiness([found], None, [], [], NOON, NOON + 1)
    rpo = next(one for one in said.objectives if one.kind == "rpo")
    assert (rpo.met.hits, rpo.met.count, rpo.unknown) == (int(met is True), int(met is not None), int(met is None))


def test_the_engine_itself_leads_to_a_past_that_is_measured() -> None:
    over = outage(after=100).driven
    found = past(over.revisions[over.incidents()[-1].id])
    assert found is not None
    assert (found.closed_as, found.false_alarm) == ("restored", False)
    assert found.seconds["verification"] > 0
    assert found.seconds["restoration"] > 0


def test_no_direction_is_told_of_fewer_than_thirty_in_a_half() -> None:
    assert trend([1.0] * (ENOUGH - 1), [9.0] * 500).direction == "too_few"
    assert trend([1.0] * ENOUGH, [9.0] * ENOUGH).direction == "longer"
    assert trend([9.0] * ENOUGH, [1.0] * ENOUGH).direction == "shorter"
    assert trend([5.0] * ENOUGH, [5.0] * ENOUGH).direction == "no_change_shown"


@pytest.mark.parametrize("seed", range(12))
def test_the_trend_is_scipys_and_does_not_depend_on_which_half_is_named_first(seed: int) -> None:
    chance = np.random.default_rng(seed)
    a, b = (np.round(chance.exponential(60.0, chance.integers(30, 80)), seed % 3) for _ in "ab")
    there, back = trend(list(a), list(b)), trend(list(b), list(a))
    assert (
        there.p
        == back.p
        == pytest.approx(mannwhitneyu(a, b, method="asymptotic", use_continuity=False).pvalue, abs=2e-6)
    )


def test_false_alarms_are_counted_and_slow_nobody_down() -> None:
    rows = [past(story()), past(story("INC-2", state="dismissed", closed_as="", resolved_at=None))]
    found = readiness([one for one in rows if one], None, [], [], NOON, NOON + 1)
    assert (found.alarms.incidents_dismissed.hits, found.alarms.incidents_dismissed.count) == (1, 2)
    assert {one.count for one in found.durations} == {1}


def test_false_suppression_is_of_those_that_were_kept_back_and_judged() -> None:
    def case(number: int, *, real: bool, kept: bool, at: int = NOON) -> Case:
        outcome = Outcome(real, "operator", "ann", at)
        return Case(number, f"{number}-0", "Down", "db", "", NOON, {"r": kept} if kept else {}, outcome=outcome)

    judged = [case(1, real=True, kept=True), case(2, real=False, kept=True), case(3, real=False, kept=False)]
    old = case(4, real=True, kept=True, at=NOON - 1)
    learning = Learning(judged={one.alert: one for one in (*judged, old)})
    found = readiness([], learning, [], [], NOON, NOON + 1).alarms
    assert (found.suppressed_real.hits, found.suppressed_real.count) == (1, 2)
    assert (found.alerts_false.hits, found.alerts_false.count) == (2, 3)


def test_coverage_counts_what_is_in_scope_and_names_the_most_critical_that_lack() -> None:
    topology = Topology.build(
        [
            Entity(id="shop", kind=Kind.BUSINESS_SERVICE, tier=1, rto=600),
            Entity(id="cart", tier=0),
            Entity(id="web", owner="team-web"),
            Entity(id="lab", scope=False),
            Entity(id="host-1", kind=Kind.HOST),
        ],
        [Dependency(consumer="shop", provider="cart")],
    )
    rows = {row.aspect: row for row in coverage(topology, Watched(probes={"shop"}, baselines={"cart", "host-1"}))}
    assert {row.count for row in rows.values()} == {3}
    assert (rows["owner"].covered, rows["owner"].missing) == (1, ("cart", "shop"))
    assert (rows["tier"].covered, rows["rto"].covered, rows["probe"].covered) == (2, 1, 1)
    assert (rows["dependencies"].covered, rows["dependencies"].missing) == (2, ("web",))
    assert (rows["baseline"].covered, rows["heartbeat"].covered) == (1, 0)


def figure(id: str, value: float = 3.0, detail: tuple[str, ...] = ()) -> Figure:
    return Figure(id=id, text="Drills that are late.", value=value, unit="drills", detail=detail)


def test_other_parts_add_figures_once_each() -> None:
    registry = Registry()
    registry.add("drills", lambda since, until: [figure("drills_late")])
    assert [one.id for one in registry.figures(0, 1)] == ["drills_late"]
    with pytest.raises(ValueError, match="drills adds figures already"):
        registry.add("drills", lambda since, until: [])
    registry.add("again", lambda since, until: [figure("drills_late")])
    with pytest.raises(ValueError, match="two figures of one name"):
        registry.figures(0, 1)


def test_a_spreadsheet_takes_nothing_for_a_formula() -> None:
    found = readiness([], None, [], [figure("drills_late", detail=("=cmd()",))], 0, 1)
    rows = list(csv.reader(StringIO(as_csv(found))))
    assert ["drills_late", "3.0", "drills", "", "", "", "'=cmd()"] in rows
    assert {len(row) for row in rows} == {7}


class Shelf:
    """A store in memory with incidents in it, and a book over it."""

    def __init__(self) -> None:
        self.store = MemoryStore({})
        self.now = NOON + DAY
        self.registry = Registry()
        self.position = 0
        self.links: list[Link] = []
        self.book = Book(
            self.store, lambda _: self.links, lambda: None, Topology.build, RuleSet.default, lambda: self.now,
            self.registry,
        )  # fmt: skip

    def put(self, views: list[IncidentView]) -> None:
        self.store.commit(Commit(incidents=views))


def test_the_book_learns_what_changed_since_it_looked() -> None:
    shelf = Shelf()
    shelf.put(story())
    assert [one.incident for one, _ in shelf.book.past()] == ["INC-1"]
    later = shelf.now + MINUTE
    shelf.put(story("INC-2", opened=later - 41 * MINUTE))
    shelf.put([incident("INC-1", 5, state="restoring", updated_at=later)])
    assert [one.incident for one, _ in shelf.book.past()] == ["INC-1"], "it was asked a moment ago"
    shelf.now = later
    assert [one.incident for one, _ in shelf.book.past()] == ["INC-2"], "the first was opened again"


def test_metrics_are_of_what_is_stored_and_survive_a_restart() -> None:
    shelf = Shelf()
    shelf.registry.add("drills", lambda since, until: [figure("drills_late")])
    shelf.put(story())
    registry = CollectorRegistry()
    ReadinessMetrics(shelf.book, registry)
    lines = generate_latest(registry).decode()
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for one in families(lines)
        for sample in one.samples
    }
    assert samples["headwater_incident_detection_seconds_bucket", "30.0", "SEV3"] == 0
    assert samples["headwater_incident_detection_seconds_bucket", "60.0", "SEV3"] == 1
    assert samples["headwater_incident_detection_seconds_bucket", "+Inf", "SEV3"] == 1
    assert samples["headwater_incident_restoration_initiation_seconds_sum", "SEV3"] == 480
    assert samples["headwater_incidents_over_total", "false"] == 1
    assert samples["headwater_drills_late",] == 3
    again = CollectorRegistry()
    ReadinessMetrics(shelf.book, again)
    assert generate_latest(again).decode() == lines


def test_drills_are_measured_by_themselves_and_make_no_incident_look_quicker() -> None:
    shelf = Shelf()
    shelf.put(story())
    shelf.put(story("DRILL-2", opened=NOON + 5 * MINUTE))
    registry = CollectorRegistry()
    ReadinessMetrics(shelf.book, registry)
    told = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for one in families(generate_latest(registry).decode())
        for sample in one.samples
    }
    assert told["headwater_incident_restoration_initiation_seconds_count", "SEV3"] == 1
    assert told["headwater_drill_restoration_initiation_seconds_count", "SEV3"] == 1
    assert told["headwater_incidents_over_total", "false"] == 1
    assert shelf.book.readiness(*shelf.book.period(90)).incidents == 1


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("ready")) as world:
        world.send(alert("Down", "db"))
        id = world.incident_of("db")["id"]
        for action in ("acknowledge", "restore", "close"):
            body = {"reason": "seen"}
            assert world.client.post(f"/api/v1/incidents/{id}/{action}", json=body).is_success
        yield world


def test_the_api_says_how_ready_we_are(served: Live) -> None:
    found = served.get("/api/v1/readiness", days=1)
    assert {one["aspect"]: one["covered"] for one in found["coverage"]}["owner"] == 1
    assert next(one["value"] for one in found["figures"] if one["id"] == "topology_age_seconds") >= 0
    assert "headwater_coverage_scope_entities 4.0" in served.client.get("/metrics").text
    table = served.client.get("/api/v1/readiness.csv", params={"days": 1})
    assert table.headers["content-type"].startswith("text/csv")
    assert served.client.get("/api/v1/readiness", params={"days": 0}).status_code == 400
