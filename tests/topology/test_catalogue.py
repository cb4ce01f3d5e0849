"""Catalogue files: what they mean, and that every mistake is told at once with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from topology.catalogue import load_catalogue
from topology.impact import impact
from topology.loading import load
from topology.model import Dependency, Entity, Group, Kind, Semantics
from topology.schema import catalogue_schema

HERE = Path(__file__).parent
DATA = HERE.parent / "data" / "topology"
ROOT = HERE.parent.parent
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def told(*texts: str) -> list[str]:
    """The problems of files a.yaml, b.yaml …, as lines with their hints."""
    topology, problems = load_catalogue([(f"{'abc'[i]}.yaml", text) for i, text in enumerate(texts)])
    assert (topology is None) == bool(problems)
    return [f"{problem} [{problem.hint}]" if problem.hint else str(problem) for problem in problems]


def test_the_commented_example_means_what_its_comments_say() -> None:
    text = (ROOT / "examples/catalogue/shop.yaml").read_text()
    topology, problems = load_catalogue([("shop.yaml", text)])
    assert problems == []
    assert topology is not None
    shop, checkout = topology.entities["online-shop"], topology.entities["checkout"]
    assert (shop.kind, shop.tier, shop.rto, shop.rpo, shop.users) == (Kind.BUSINESS_SERVICE, 0, 3600, 300, 48000)
    assert (checkout.owner, checkout.tier, checkout.rto) == ("team-platform", 2, 14400)
    assert checkout.facts == {"runbook": "wiki/checkout", "language": "go"}
    assert topology.entities["mail"].part_of == "dc-south"
    assert topology.resolve("web") == "storefront"
    assert not topology.entities["style-guide"].scope
    assert topology.groups["checkout", "orders"] == Group(consumer="checkout", name="orders", need=1, capacity=1500)
    assert {d.provider: d for d in topology.providers("checkout")}["mail"] == Dependency(
        consumer="checkout", provider="mail", semantics=Semantics.ASYNC, buffer=900
    )
    assert impact(topology, {"recommendations": 0})["online-shop"].low == 800
    assert impact(topology, {"orders-3": 0})["checkout"].at_risk
    assert impact(topology, {"orders-1": 0, "orders-3": 0})["checkout"].low == 667


def test_every_example_in_the_documentation_loads() -> None:
    blocks = FENCE.findall((ROOT / "docs/catalogue.md").read_text())
    alone = [text for language, _, text in blocks if language == "yaml"]
    assert len(alone) >= 4
    for text in alone:
        assert load({"example.yaml": text.encode()})[1] == []
    tables = {name: text.encode() for language, name, text in blocks if language == "csv"}
    topology, problems = load(tables)
    assert problems == []
    assert topology is not None
    assert topology.entities["db-1"].facts == {"site": "north", "rack": "r12"}
    graphs = {name: text.encode() for language, name, text in blocks if language == "xml"}
    assert len(graphs) == 1
    assert load(graphs)[1] == []


def test_what_the_documentation_says_of_numbers_is_so() -> None:
    text = (ROOT / "docs/catalogue.md").read_text()
    blocks = [text for language, _, text in FENCE.findall(text) if language == "yaml"]
    semantics = next(load_catalogue([("s", b)])[0] for b in blocks if "recommendations" in b)
    groups = next(load_catalogue([("g", b)])[0] for b in blocks if "replicas" in b)
    assert semantics is not None
    assert groups is not None
    assert impact(semantics, {"recommendations": 0})["storefront"].low == 800
    assert impact(semantics, {"mail": 0})["storefront"].at == 15 * 60_000
    assert "storefront" not in impact(semantics, {"style-guide": 0})
    assert impact(groups, {"db-1": 0})["checkout"].low == 800


@pytest.mark.parametrize("path", sorted(DATA.glob("bad-*.yaml")), ids=lambda path: path.stem)
def test_a_bad_catalogue_is_told_in_whole(path: Path) -> None:
    assert told(path.read_text()) == path.with_suffix(".txt").read_text().splitlines()


def test_files_are_merged_by_id() -> None:
    topology, problems = load_catalogue(
        [
            (
                "a.yaml",
                "entities: [{id: db}, {id: shop, owner: w, obligations: [dora], facts: {x: a}, depends_on: [db]}]",
            ),
            ("b.yaml", "entities: [{id: shop, tier: 1, obligations: [gdpr], facts: {y: b}, depends_on: [db]}]"),
        ]
    )
    assert problems == []
    assert topology is not None
    assert topology.entities["shop"] == Entity(
        id="shop", owner="w", tier=1, obligations=("dora", "gdpr"), facts={"x": "a", "y": "b"}
    )
    assert len(topology.providers("shop")) == 1


def test_files_that_contradict_each_other_are_told_with_both_places() -> None:
    assert told(
        "entities:\n- {id: shop, tier: 1, depends_on: [db]}\n- {id: db}\n",
        "entities:\n- {id: shop, tier: 2, depends_on: [{on: db, semantics: soft}]}\ndefaults: {site: {tier: 1}}",
        "defaults:\n  site: {tier: 2}",
    ) == [
        "b.yaml:2: 'shop' depends on 'db' twice; first at a.yaml:2",
        "b.yaml:2: 'shop' is said to have tier 2, but 1 at a.yaml:2",
        "c.yaml:2: the defaults for site is said to have tier 2, but 1 at b.yaml:3",
    ]


def test_one_broken_file_does_not_hide_the_mistakes_of_the_next() -> None:
    assert told("entities: [", "entities: [{id: a, teir: 1}]") == [
        "a.yaml:1: not YAML: did not find expected node content",
        "b.yaml:1: unknown key 'teir' [did you mean 'tier'?]",
    ]


def test_dependency_cycles_are_legal() -> None:
    assert told("entities: [{id: a, depends_on: [b]}, {id: b, depends_on: [a]}]") == []


def test_no_files_are_an_empty_topology() -> None:
    topology, problems = load_catalogue([])
    assert (problems, topology and len(topology.entities)) == ([], 0)
    assert told("") == []


def test_the_order_of_files_and_entities_does_not_change_the_version() -> None:
    a = ("a.yaml", "entities: [{id: x, depends_on: [y]}, {id: z, facts: {k: v}, obligations: [o, m]}]")
    b = ("b.yaml", "entities: [{id: y, aliases: [q, r]}, {id: z, facts: {i: j}}]")
    c = ("c.yaml", "entities: [{id: z, facts: {i: j, k: v}, obligations: [m, o]}, {id: y, aliases: [r, q]}]")
    d = ("d.yaml", "entities: [{id: x, depends_on: [y]}]")
    versions = {t.version for files in ([a, b], [b, a], [c, d]) if (t := load_catalogue(files)[0])}
    assert len(versions) == 1


def test_more_than_a_thousand_mistakes_are_counted_not_listed() -> None:
    lines = told("entities:\n" + "".join(f"- {{id: e{i}, x: 1}}\n" for i in range(1500)))
    assert len(lines) == 1001
    assert lines[-1].endswith("and 500 more mistakes")


def test_the_json_schema_accepts_the_examples_and_refuses_unknown_keys() -> None:
    schema = catalogue_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    example = (ROOT / "examples/catalogue/shop.yaml").read_text()
    assert list(validator.iter_errors(json.loads(json.dumps(_yaml12(example))))) == []
    assert list(validator.iter_errors({"entities": [{"id": "a", "teir": 1}]}))
    assert list(validator.iter_errors({"entities": [{"id": "a", "rto": "5x"}]}))


def _yaml12(text: str) -> object:
    """What an editor sees; its YAML 1.2 has no truth called ``on``."""
    return yaml.safe_load(re.sub(r"\bon:", "'on':", text))
