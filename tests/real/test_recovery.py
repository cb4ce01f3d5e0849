"""A real Prometheus scrapes a small real service that is degraded, broken, half repaired and repaired; Headwater's
verdict follows each phase."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Tree

import pytest

from tests.real.play import HALF, HEALTHY, PHASES, Play, played

pytestmark = [pytest.mark.real("prometheus"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with played(tmp_path_factory.mktemp("recovery")) as found:
        yield found


def test_while_alerts_fire_nothing_is_said_of_recovery(play: Play) -> None:
    for phase in ("degraded", "broken"):
        assert play.said[phase]["recovery"] == {}
        assert play.said[phase]["incident"]["state"] == "declared"
        assert "its alerts still fire" in play.drawn[phase]


def test_half_repaired_without_an_alert_is_residual_degradation_with_its_numbers(play: Play) -> None:
    found = play.said["half-repaired"]["recovery"]
    assert (found["verdict"], found["state"], found["closed_as"]) == ("residual_degradation", "recovering", "")
    gravest = found["indicators"][0]
    assert (gravest["entity"], gravest["metric"]) == ("cart", "request_latency_ms")
    assert gravest["least"] < HALF - HEALTHY < gravest["most"] + 2
    assert gravest["margin"] == pytest.approx(10, rel=0.1)
    assert found["leaning"]["verdict"] == "residual_degradation"
    assert [one["verdict"] for one in found["services"]] == ["residual_degradation"]


def test_repaired_is_restored_and_closed_as_that(play: Play) -> None:
    found = play.said["repaired"]["recovery"]
    assert (found["verdict"], found["closed_as"], found["leaning"]) == ("restored", "restored", None)
    assert found["charts"][0].endswith("/recovery/1.svg")
    assert play.said["repaired"]["incident"]["resolved_at"] is not None


def test_it_was_never_called_restored_before(play: Play) -> None:
    lines = play.world.get(f"/api/v1/incidents/{play.incident()['id']}/timeline")["items"]
    verdicts = [line["facts"]["verdict"] for line in lines if line["kind"] == "recovery"]
    assert verdicts[-1] == "restored"
    assert verdicts.count("restored") == 1
    assert "residual_degradation" in verdicts
    assert "improved" not in verdicts


def test_each_phase_has_its_chart(play: Play) -> None:
    for phase in PHASES:
        root = Tree.fromstring(play.drawn[phase])
        title, described = (next(root.iter(f"{{http://www.w3.org/2000/svg}}{tag}")).text for tag in ("title", "desc"))
        assert title is not None
        assert title.startswith("request_latency_ms of cart: ")
        assert described is not None
        assert "Usual between 9" in described
    assert "residual degradation" in play.drawn["half-repaired"]
    assert "restored" in play.drawn["repaired"]
    assert "alerts ended" in play.drawn["repaired"]
    assert "alerts ended" not in play.drawn["broken"]


def test_metrics_count_the_proof(play: Play) -> None:
    text = play.world.client.get("/metrics").text
    assert 'headwater_incidents_closed_total{closed_as="restored"} 1.0' in text
    assert "headwater_recovery_proof_seconds_count 1.0" in text
