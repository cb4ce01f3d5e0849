"""Saved scenarios: files with every mistake at its line, and expectations that are met or told."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from topology.assumptions import resolved
from topology.catalogue import load_catalogue
from topology.model import Topology
from topology.scenario import Told, compare, parse_scenarios, unknown_names
from topology.scenario_form import scenarios_schema
from topology.whatif import Answer

CATALOGUE = """\
entities:
  - {id: shop, kind: business_service, depends_on: [api, {on: mail, semantics: async, buffer: 30m}]}
  - id: api
    depends_on:
      - {on: db1, group: replicas}
      - {on: db2, group: replicas}
      - {on: db3, group: replicas}
    groups: {replicas: {capacity: 2.5}}
  - {id: db1, kind: database, aliases: [primary]}
  - {id: db2, kind: database}
  - {id: db3, kind: database}
  - {id: mail, kind: queue}
"""
GOOD = """\
scenarios:
  - id: one-replica
    title: One replica is lost, and mail with it
    assume: {down: [primary, {entity: mail, after: 10m}]}
    expect:
      - entities: {db1: down, api: 800, shop: degraded, mail: up}
        others: untouched
        severity: SEV3
        users: {low: 10}
      - at: 40m
        entities: {shop: down, mail: 0%}
    times:
      shop: {hit: 0s, down: 40m}
      db2: {hit: never}
"""


TOLD = Told("SEV3", (10, 20))


def topology() -> Topology:
    found, problems = load_catalogue([("c.yaml", CATALOGUE)])
    assert found is not None, problems
    return found


def run(text: str, told: Told = TOLD) -> list[str]:
    (scenario,), problems = parse_scenarios({"s.yaml": text.encode()})
    assert problems == []
    index = topology()
    assert scenario.unknown(index) == []
    answer = Answer(index, resolved(index, scenario.assumed))
    found = compare(scenario, index, answer, dict.fromkeys(scenario.moments, told))
    return [f"{one.at}: {one.subject} {one.expected} ≠ {one.found}" for one in found]


def test_a_scenario_whose_expectations_are_met_has_no_mismatch() -> None:
    assert run(GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("api: 800", "api: 80%", []),
        ("api: 800", "api: 900", ["0: api at 900 ≠ at 800"]),
        ("api: 800", "api: at_risk", ["0: api at risk ≠ at 800"]),
        ("db1: down, ", "", ["0: db1 untouched ≠ down"]),
        ("shop: degraded", "shop: down", ["0: shop down ≠ at 800"]),
        ("SEV3", "SEV1", ["0: severity SEV1 ≠ SEV3"]),
        ("low: 10", "low: 11, high: 20", ["0: users (low) 11 ≠ 10"]),
        ("users: {low: 10}", "users: 10", ["0: users (high) 10 ≠ 20"]),
        ("down: 40m", "down: 39m", ["None: shop down after 39 min ≠ down after 40 min"]),
        ("down: 40m", "down: 39m, tolerance: 1m", []),
        ("db2: {hit: never}", "db2: {down: 1h}", ["None: db2 down after 1 h ≠ down never"]),
        ("shop: {hit: 0s", "shop: {hit: never", ["None: shop never hit ≠ hit after 0 s"]),
    ],
)
def test_an_expectation_that_is_not_met_says_what_was_found(before: str, after: str, told: list[str]) -> None:
    assert before in GOOD
    assert run(GOOD.replace(before, after)) == told


def test_every_mistake_is_told_at_its_line_and_the_rest_is_kept() -> None:
    text = """\
scenarios:
  - id: a
    assume:
      down: [x]
      degraded: {y: 1001}
      slow: {z: quickly}
      maintenance: [{entity: m}]
    expect:
      - severity: SEV9
        entities: {x: broken}
  - id: b
    assume: {donw: [x]}
  - {id: c, assume: {down: [x]}}
  - {id: c, assume: {down: [y]}}
senarios: []
"""
    found, problems = parse_scenarios({"s.yaml": text.encode(), "t.yaml": b"- 1\n", "u.yaml": b"\xff"})
    assert [one.id for one in found] == ["c"]
    said = {(one.file, one.line): one.message + (f" ({one.hint})" if one.hint else "") for one in problems}
    assert set(said) == {
        ("s.yaml", 5), ("s.yaml", 6), ("s.yaml", 7), ("s.yaml", 9), ("s.yaml", 10), ("s.yaml", 12), ("s.yaml", 14),
        ("s.yaml", 15), ("t.yaml", 1), ("u.yaml", 1),
    }  # fmt: skip
    assert said["s.yaml", 12] == "unknown key 'donw' (did you mean 'down'?)"
    assert said["s.yaml", 7] == "'for' is missing"
    assert said["s.yaml", 14] == "the scenario 'c' is there twice; first at s.yaml:13"
    assert "1001" in said["s.yaml", 5]
    assert "quickly" in said["s.yaml", 6]
    assert "broken" in said["s.yaml", 10]


def test_names_that_the_catalogue_does_not_have_are_told_with_their_lines() -> None:
    text = """\
scenarios:
  - id: a
    assume:
      down: [db9]
      lost: [north]
      fates: [rack]
      changes:
        entities: [db4]
        depends: [{consumer: api, on: db4, group: replicas}]
    expect:
      - entities: {db4: up, web: down}
    times: {nobody: {hit: never}}
"""
    (scenario,), _ = parse_scenarios({"s.yaml": text.encode()})
    assert scenario.unknown(topology()) == [
        "s.yaml:4: the catalogue has no entity 'db9'",
        "s.yaml:6: the catalogue has no shared fate 'rack'",
        "s.yaml:5: the catalogue has no site or host 'north'",
        "s.yaml:11: the catalogue has no entity 'web'",
        "s.yaml:12: the catalogue has no entity 'nobody'",
    ]


def test_raw_data_of_any_shape_is_searched_for_names() -> None:
    raw = {"down": ["x", 3, {"entity": 4}], "slow": [1], "changes": {"depends": [{"on": "y"}], "entities": 5}}
    assert [(one.place, one.name) for one in unknown_names(raw, topology())] == [
        (("down", 0), "x"),
        (("changes", "depends", 0, "on"), "y"),
    ]
    everything: list[object] = [None, 3, [], {"down": 5}, {"changes": []}]
    assert [list(unknown_names(one, topology())) for one in everything] == [[]] * 5


def test_the_schema_accepts_what_is_accepted_and_refuses_what_is_refused() -> None:
    schema = scenarios_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(GOOD), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"scenarios": [{"id": "a", "assume": {"donw": []}}]}, schema)
