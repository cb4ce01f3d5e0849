"""Catalogue files: what they mean, and that every mistake is told at once with its place."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from datasketches import update_theta_sketch

from topology.catalogue import load_catalogue
from topology.continuity import NOTHING_SAID, Agreement, Assumption, Continuity, Contract, SharedFate
from topology.impact import impact
from topology.loading import load
from topology.model import Dependency, Entity, Group, Kind, Semantics
from topology.regions import CODES
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
    assert shop.continuity.assumptions[0].on == "payment-provider"
    assert topology.entities["orders-1"].continuity == Continuity(
        restore=1200, replication=30, backup=86400, fates=("rack-12",)
    )
    assert topology.fates["rack-12"] == SharedFate(name="rack-12", failure=2000)
    assert topology.entities["mail"].continuity.durable is False
    assert {d.provider: d.timeout for d in topology.providers("checkout")}["payment-provider"] == 2000
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
    assert topology.entities["db-1"].continuity == Continuity(restore=1800, fates=("feed-a", "rack-12"))
    assert topology.content.fates == tuple(SharedFate(name=name) for name in ("feed-a", "feed-b", "rack-12"))
    assert {d.timeout for d in topology.providers("shop")} == {500}
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


def theta_sketch(users: int = 100) -> str:
    sketch = update_theta_sketch()
    for user in range(users):
        sketch.update(user)
    return base64.b64encode(sketch.compact().serialize()).decode()


ALL_FACTS = """
fates: {rack-12: {failure: 0.001}, feed-b: {}}
entities:
  - id: shop
    restore: 20m
    mtd: 4h
    failure: 0.0015
    fates: [rack-12, feed-b]
    replication: 30s
    backup: 24h
    durable: false
    contract: {reference: C-1, rto: 4h, rpo: 0, response: 15m, support: 24x7, expires: 2026-12-31}
    assumptions: [{id: up, on: db, text: it is up, agreed_by: coo, reviewed: 2026-01-01}]
    agreement: {order: [retail, cards], by: coo, on: 2026-02-01}
    unit: retail
    priority: 1
    regions: [FR, DE]
    transactions: 500
    value: 10000
    critical: true
    sketch: SKETCH
    depends_on: [{on: db, timeout: 500ms}, {on: cache, timeout: 2s}, {on: mail, timeout: 1.5}]
  - {id: db, unit: cards}
  - {id: cache, critical: false}
  - {id: mail, fates: [], contract: null, restore: ~, assumptions: [], unit: null}
"""


def test_all_facts_of_continuity_can_be_said() -> None:
    sketch = theta_sketch()
    topology, problems = load_catalogue([("a.yaml", ALL_FACTS.replace("SKETCH", sketch))])
    assert problems == []
    assert topology is not None
    assert topology.entities["shop"].continuity == Continuity(
        restore=1200,
        mtd=14400,
        failure=1500,
        fates=("feed-b", "rack-12"),
        replication=30,
        backup=86400,
        durable=False,
        contract=Contract(reference="C-1", rto=14400, rpo=0, response=900, support="24x7", expires="2026-12-31"),
        assumptions=(Assumption(id="up", on="db", text="it is up", agreed_by="coo", reviewed="2026-01-01"),),
        agreement=Agreement(order=("retail", "cards"), by="coo", on="2026-02-01"),
        unit="retail",
        priority=1,
        regions=("DE", "FR"),
        transactions=500,
        value=10000,
        critical=True,
        sketch=sketch,
    )
    assert topology.content.fates == (SharedFate(name="feed-b"), SharedFate(name="rack-12", failure=1000))
    assert [d.timeout for d in topology.providers("shop")] == [2000, 500, 1500]
    assert topology.entities["cache"].continuity == Continuity(critical=False)
    assert topology.entities["mail"].continuity is NOTHING_SAID
    assert topology.decode(topology.encode()).content == topology.content


def test_what_is_said_of_continuity_is_merged_over_files_and_kinds() -> None:
    topology, problems = load_catalogue(
        [
            (
                "a.yaml",
                "defaults: {third_party: {contract: {support: 24x7}, fates: [power]}}\nfates: {power: {}, rack: {}}\n"
                "entities: [{id: psp, kind: third_party, contract: {rto: 1h}}, {id: other, kind: third_party},"
                "{id: db, fates: [power], regions: [FR], assumptions: [{id: up, on: psp}]}]",
            ),
            (
                "b.yaml",
                "fates: {rack: {failure: 0.5}}\n"
                "entities: [{id: psp, contract: {expires: 2027-01-31, rto: 60m}},"
                "{id: db, fates: [rack], regions: [DE, FR], assumptions: [{id: on-time, on: psp}, {id: up, on: psp}]}]",
            ),
        ]
    )
    assert problems == []
    assert topology is not None
    assert topology.entities["psp"].continuity == Continuity(
        contract=Contract(rto=3600, expires="2027-01-31"), fates=("power",)
    )
    assert topology.entities["other"].continuity == Continuity(contract=Contract(support="24x7"), fates=("power",))
    assert topology.entities["db"].continuity == Continuity(
        fates=("power", "rack"),
        regions=("DE", "FR"),
        assumptions=(Assumption(id="on-time", on="psp"), Assumption(id="up", on="psp")),
    )
    assert topology.fates["rack"].failure == 500_000


def test_contradictions_about_continuity_are_told_with_both_places() -> None:
    text = """fates: {{rack: {{failure: 0.{0}}}}}
entities:
- {{id: a, restore: {0}h, contract: {{rto: {0}h}}, assumptions: [{{id: x, on: {1}}}]}}
- {{id: {1}}}
"""
    assert told(text.format(1, "b"), text.format(2, "c")) == [
        "b.yaml:1: the shared fate 'rack' is said to have failure 200000, but 100000 at a.yaml:1",
        "b.yaml:3: 'a' is said to have assumptions {'x': {'on': 'c'}}, but {'x': {'on': 'b'}} at a.yaml:3",
        "b.yaml:3: 'a' is said to have contract {'rto': 7200}, but {'rto': 3600} at a.yaml:3",
        "b.yaml:3: 'a' is said to have restore 7200, but 3600 at a.yaml:3",
    ]  # fmt: skip


def test_names_that_a_refused_entry_may_have_introduced_are_not_told_as_missing() -> None:
    assert told(
        "entities:\n- {id: a, assumptions: [{id: x, on: b}], agreement: {order: [cards]}}\n"
        "- {id: b, unit: cards, name: [], contains: 1, x: 1, depends_on: 1}\n- {id: 1, unit: cards}"
    ) == [
        "a.yaml:3: contains should be a valid list, and is 1",
        "a.yaml:3: depends_on should be a valid list, and is 1",
        "a.yaml:3: name should be a valid string, and is []",
        "a.yaml:3: unknown key 'x'",
        "a.yaml:4: id should be a valid string, and is 1 [put it in quotes]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AAAA", "sketch: not a theta sketch in base64: at least 8 bytes expected, actual 3"),
        ("AAAAAAAAAAA=", "sketch: not a theta sketch in base64: sketch type mismatch: expected 3, actual 0"),
        (theta_sketch()[:-8], "sketch: not a theta sketch in base64: at least 816 bytes expected, actual 810"),
        (theta_sketch() + "\\n", "sketch: not a theta sketch in base64: Only base64 data is allowed"),
        ("A" * 1_000_004, "sketch: a sketch of more than 1000000 characters"),
    ],
    ids=["short", "type", "cut", "more", "long"],
)
def test_a_sketch_that_is_none_is_refused(text: str, message: str) -> None:
    assert told(f'entities: [{{id: a, sketch: "{text}"}}]') == [f"a.yaml:1: {message}"]


def test_the_countries_are_those_of_the_standard() -> None:
    table = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    assert {line[:2] for line in table.splitlines() if line and not line.startswith("#")} == CODES


@pytest.mark.parametrize("timeout", ["0", "-1", "0ms", "25h", "1d", "two", "1.2345", "true", "[]"])
def test_a_timeout_that_is_none_is_refused(timeout: str) -> None:
    (line,) = told(f"entities: [{{id: a, depends_on: [{{on: b, timeout: {timeout}}}]}}, {{id: b}}]")
    assert line.startswith("a.yaml:1: timeout")


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
    assert list(validator.iter_errors(json.loads(json.dumps(_yaml12(example), default=str)))) == []
    assert list(validator.iter_errors({"entities": [{"id": "a", "teir": 1}]}))
    assert list(validator.iter_errors({"entities": [{"id": "a", "rto": "5x"}]}))
    for language, _, text in FENCE.findall((ROOT / "docs/catalogue.md").read_text()):
        if language == "yaml":
            assert list(validator.iter_errors(json.loads(json.dumps(_yaml12(text), default=str)))) == []
    faults: list[dict[str, object]] = [
        {"failure": 2}, {"regions": ["de"]}, {"contract": {"support": "always"}}, {"contract": {"expires": "soon"}},
        {"assumptions": [{"id": "x"}]}, {"agreement": {"order": []}}, {"priority": 0}, {"durable": "no"},
        {"depends_on": [{"on": "b", "timeout": "5 s"}]},
    ]  # fmt: skip
    for wrong in faults:
        assert list(validator.iter_errors({"entities": [{"id": "a"} | wrong]})), wrong


def _yaml12(text: str) -> object:
    """What an editor sees; its YAML 1.2 has no truth called ``on`` and no dates."""
    return yaml.safe_load(re.sub(r"\bon:", "'on':", text))
