"""An entity that nobody measures: it does not pass, and a person may answer for it alone while the rest is proven."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema
import msgspec
import pytest

from api.sinks.published import SCHEMAS
from engine import proof
from engine.comparing import comparisons
from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.publish.event import event
from engine.publish.texts import business, technical
from engine.signals import Command
from tests.engine.test_engine_onset import live
from tests.engine.test_engine_recovery import LONG, latency, seen
from tests.engine.test_engine_recovery_declared import rules
from tests.scenarios.world import World, chain, clock


def outage(declared: str = "recovery: {proof: always}", after: float = 100, until: str = LONG) -> World:
    """Cart and mail, which needs it, alert from 10:02 to 10:31; of mail there is no telemetry."""
    world = World(chain("mail -> cart"), rules(declared))
    rows = latency("cart", ("09:15", 100), ("10:00", 400), ("10:30", after), until=until)
    live(world, [row for row in rows if row[0] < clock("10:02")])
    world.at("10:02").fire("cart", "LatencyHigh", severity="critical").fire("mail", "LatencyHigh", severity="critical")
    live(world, [row for row in rows if clock("10:02") <= row[0] < clock("10:31")])
    world.at("10:31").resolve("cart", "LatencyHigh").resolve("mail", "LatencyHigh")
    live(world, [row for row in rows if clock("10:31") <= row[0]])
    return world


def accept(world: World, entity: str = "mail") -> IncidentView:
    command = Command("ann", "accept", seen(world).id, "mails are being delivered", {"entity": entity})
    world.driven.feed(world.driven.now, (command,))
    return seen(world)


def test_what_is_not_measured_is_named_and_holds_the_incident() -> None:
    world = outage()
    view = seen(world)
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict, view.recovery.measured) == (State.RECOVERING, "no_baseline", "restored")
    assert view.recovery.unmeasured == ("mail",)
    assert view.held_open == ("recovery is no_baseline of mail: accept each with a reason, or close with a deviation",)
    assert "No baseline: mail" in technical(world.driven.outbox[-1]).body


def test_a_person_answers_for_it_alone_and_the_rest_is_proof() -> None:
    world = outage()
    view = accept(world)
    assert view.recovery is not None
    assert (view.recovery.verdict, view.recovery.unmeasured) == ("restored", ())
    assert [(one.entity, one.by, one.why) for one in view.recovery.accepted] == [
        ("mail", "ann", "mails are being delivered")
    ]
    world.at("10:53")
    view = seen(world)
    assert (view.state, view.closed_as) == (State.RESOLVED, "deviation")
    said = world.driven.outbox[-1]
    assert "mail (accepted by ann: mails are being delivered); recovery of the rest is proven" in technical(said).body
    assert "for what is not measured the team has decided" in business(said).body


def test_it_is_no_proof_of_what_is_measured() -> None:
    world = outage(after=140)
    view = accept(world)
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict) == (State.RECOVERING, "residual_degradation")
    world.at("11:20")
    assert seen(world).state is State.RECOVERING


def test_receivers_get_the_result_with_who_answers_for_what_in_the_published_form() -> None:
    world = outage()
    accept(world)
    world.at("10:53")
    schema = jsonschema.Draft202012Validator(SCHEMAS["publication"]())
    said: dict[str, list[dict[str, Any]]] = {}
    for one in world.driven.outbox:
        body = msgspec.json.decode(event(one))
        schema.validate(body)
        said.setdefault(body["type"], []).append(body["data"]["incident"])
    results = [one["recovery"] for one in said["incident.update"] if one["recovery"]]
    assert results[0]["unmeasured"] == ["mail"]
    end = said["incident.resolve"][-1]
    assert (end["closed_as"], end["recovery"]["verdict"]) == ("deviation", "restored")
    assert [one["entity"] for one in end["recovery"]["accepted"]] == ["mail"]
    gravest = end["recovery"]["indicators"][0]
    assert gravest["least"] <= gravest["harm"] <= gravest["most"] < gravest["margin"]


@pytest.mark.parametrize("entity", ["cart", "nobody"])
def test_only_what_has_no_baseline_can_be_accepted(entity: str) -> None:
    world = outage()
    view = accept(world, entity)
    assert view.recovery is not None
    assert view.recovery.accepted == ()
    assert "only an entity without a baseline" in world.driven.timeline[-1].text


def test_where_nothing_is_measured_accepting_proves_nothing() -> None:
    world = World(chain("mail -> cart"), rules("recovery: {proof: always}"))
    world.at("10:00").fire("mail", "Down", severity="critical")
    world.at("10:20").resolve("mail", "Down")
    world.at("10:40")
    view = accept(world)
    assert view.recovery is not None
    assert (view.recovery.verdict, view.recovery.unmeasured) == ("no_baseline", ())
    world.at("11:00")
    assert seen(world).state is State.RECOVERING


def test_closing_by_hand_names_what_was_accepted_and_nothing_else() -> None:
    world = outage()
    accept(world)
    world.driven.feed(world.driven.now, (Command("ann", "close", seen(world).id, "done"),))
    assert seen(world).closed_as == "deviation"
    closed = next(line for line in reversed(world.driven.timeline) if line.kind == "resolved")
    assert "but for mail (no baseline, accepted by ann" in closed.text


def test_what_was_accepted_is_asked_again_when_alerts_return() -> None:
    world = outage(until="10:33")
    (incident,) = world.driven.core.state.incidents.values()
    assert accept(world).state is State.RECOVERING
    assert list(incident.accepted) == ["mail"]
    world.at("10:34").fire("cart", "LatencyHigh", severity="critical")
    world.at("10:36")
    assert incident.state is State.DECLARED
    assert incident.accepted == {}


def test_a_recovery_is_compared_once_a_minute_by_timer_and_guard_together(monkeypatch) -> None:
    made: Counter[int] = Counter()

    def counted(context, incident, names, quiet, now):
        made[now] += 1
        return comparisons(context, incident, names, quiet, now)

    monkeypatch.setattr(proof, "comparisons", counted)
    outage()
    by_minute = Counter(at // 60_000 for at in made if at > clock("10:40"))
    assert by_minute
    assert set(by_minute.values()) == {1}
    assert set(made.values()) == {1}
